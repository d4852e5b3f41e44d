using System.CommandLine;
using System.Globalization;
using Distributed.Execution;
using Distributed.Learning;
using Distributed.Numerics;

namespace Distributed.Coordinator;

/// <summary><c>bench</c>: training samples a second on random input.</summary>
internal static class BenchCommand
{
    private const double Seconds = 4;
    private const int LargeModel = 2_000_000;

    /// <summary>The command.</summary>
    public static Command Create(CommandContext context)
    {
        Option<string> model = new("--model")
        {
            Description = "model's name or FILE.json",
            DefaultValueFactory = _ => "convnet",
        };
        Option<int> batch = new("--batch") { Description = "samples of a mini-batch", DefaultValueFactory = _ => 128 };
        Option<int> threads = new("--threads")
        {
            Description = "compute threads of each worker",
            DefaultValueFactory = _ => 1,
        };
        Option<int> workers = new("--workers")
        {
            Description = "1: plan and optimizer in one process without links; more: real processes",
            DefaultValueFactory = _ => 1,
        };
        Option<string> convolution = new("--convolution")
        {
            Description = "how convolutions are computed",
            DefaultValueFactory = _ => "winograd",
        };
        convolution.AcceptOnlyFromAmong("winograd", "strict", "direct");
        Command command = new("bench", "Measure training speed on random input.")
        {
            model, batch, threads, workers, convolution,
        };
        command.SetAction(async (parsed, cancellation) => await RunAsync(
            parsed.GetValue(model)!, parsed.GetValue(batch), parsed.GetValue(threads), parsed.GetValue(workers),
            Enum.Parse<ConvolutionMode>(parsed.GetValue(convolution)!, ignoreCase: true), context, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(
        string name, int batch, int threads, int workers, ConvolutionMode convolution, CommandContext context,
        CancellationToken cancellation)
    {
        Check("--batch", batch, 1 << 20);
        Check("--threads", threads, 1024);
        Check("--workers", workers, 256);
        Model model = TrainOptionsReader.FindModel(name);
        RunSpecification specification = Specification(model, batch) with { Convolution = convolution };
        IReadOnlyList<double> rates;
        if (workers == 1)
        {
            using SingleProcessBench bench = new(specification, threads);
            rates = bench.Measure(Seconds, stepsPerChunk: ParameterLayout.Of(model).Count > LargeModel ? 1 : 4);
        }
        else
        {
            rates = await ClusterBench.MeasureAsync(specification, workers, threads, Seconds, cancellation);
        }

        double[] sorted = [.. rates.Order()];
        context.Output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"model={model.Name} threads={threads} workers={workers} batch={batch} "
            + $"micro_batch={specification.MicroBatch} samples_per_s={sorted[sorted.Length / 2]:F1} "
            + $"(min {sorted[0]:F1} max {sorted[^1]:F1})"));
        return ExitCode.Done;
    }

    private static void Check(string option, int value, int most)
    {
        if (value < 1 || value > most) throw new UsageException($"{option} must be 1 to {most}, got {value}.");
    }

    private static RunSpecification Specification(Model model, int batch)
    {
        long sample = (long)model.Channels * model.Height * model.Width;
        long count = Math.Max(8L * batch, Math.Min(16_000_000 / sample, 1_000L * batch));
        return new RunSpecification
        {
            Model = model,
            Data = new DataSpecification
            {
                Name = $"noise-{model.Channels}x{model.Height}x{model.Width}-{model.Classes}-{count}",
                Validation = 0,
            },
            Epochs = 1_000_000,
            Batch = batch,
            MicroBatch = ExecutionPlan.DefaultMicroBatch(model, batch),
            Optimizer = new Sgd(Momentum: 0.9, Nesterov: false, WeightDecay: 0),
            LearningRate = 1e-4,
            Schedule = new ConstantSchedule(),
            Seed = 1,
        };
    }
}
