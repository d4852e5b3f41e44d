using System.CommandLine;
using System.Globalization;
using Distributed.Execution;

namespace Distributed.Coordinator;

/// <summary><c>simulate</c>: step time and efficiency for other numbers of workers, predicted.</summary>
internal static class SimulateCommand
{
    private const double DefaultBandwidth = 10, DefaultLatency = 50;
    private const int MostWorkers = 4096, MostCheckedWorkers = 3;
    private const int CheckRounds = 3;
    private const double CheckSeconds = 3;

    /// <summary>So that the samples of all simulated steps can be counted.</summary>
    private const int MostBatch = 1 << 25;

    /// <summary>Settings of <c>train</c> that change what a step costs.</summary>
    private static readonly string[] Shared =
    [
        "model", "data", "data-dir", "threads", "batch", "micro-batch", "optimizer", "clip-norm", "clip-value",
        "augment", "ema", "freeze", "seed", "spec", "convolution",
    ];

    private static readonly Option<string> Workers = new("--workers")
    {
        Description = $"Numbers of workers with commas, each at most {MostWorkers} (default: 1, 2, 4 ... "
            + $"{MostWorkers}, with --local to twice the cores).",
        HelpName = "LIST",
    };

    private static readonly Option<string> Scale = new("--scaling")
    {
        Description = "weak: the batch grows with the workers; strong: it stays (default: both).",
        HelpName = "weak|strong|both",
    };

    private static readonly Option<string> Bandwidth = new("--bandwidth")
    {
        Description = $"Gigabits a second of each host's link; the server's is shared (default: {DefaultBandwidth}).",
        HelpName = "X",
    };

    private static readonly Option<string> Latency = new("--latency")
    {
        Description = $"Microseconds from host to host, one way (default: {DefaultLatency}).",
        HelpName = "X",
    };

    private static readonly Option<bool> Local = new("--local")
    {
        Description = "All workers on this host: they share its cores and memory, and there is no network.",
    };

    private static readonly Option<string> Stragglers = new("--stragglers")
    {
        Description = "In each step this share of the workers computes so many times as long, for instance 0.01:3.",
        HelpName = "SHARE:FACTOR",
    };

    private static readonly Option<string> ComputeTime = new("--compute-ms")
    {
        Description = "Milliseconds of a micro-batch on one thread, forward and backward (default: measured here).",
        HelpName = "X",
    };

    private static readonly Option<string> Picture = new("--out")
    {
        Description = "The PNG file for the chart (default: simulate.png).",
        HelpName = "FILE",
    };

    private static readonly Option<bool> Check = new("--check")
    {
        Description = $"Measure 1 to {MostCheckedWorkers} workers on this host and print that beside the prediction.",
    };

    /// <summary>The command.</summary>
    public static Command Create(CommandContext context)
    {
        Command command = new("simulate", "Predict step time and efficiency for 1 to 4,096 workers.")
        {
            Workers, Scale, Bandwidth, Latency, Local, Stragglers, ComputeTime, Picture, Check,
        };
        TrainSetting[] settings = [.. TrainSetting.All.Where(setting => Shared.Contains(setting.Name))];
        TrainCommand.AddOptions(command, settings);
        command.SetAction(async (parsed, cancellation) =>
        {
            bool isLocal = parsed.GetValue(Local) || parsed.GetValue(Check);
            NetworkCost? network = ReadNetwork(parsed, isLocal);
            StragglerCost? stragglers = ReadStragglers(parsed.GetValue(Stragglers));
            double? computeTime = parsed.GetValue(ComputeTime) is null
                ? null : Number(parsed, ComputeTime, 0, least: 1e-6) * 1e-3;
            int[] workers = ReadWorkers(parsed.GetValue(Workers), isLocal);
            Scaling[] scalings = ReadScaling(parsed.GetValue(Scale));
            TrainOptions options = TrainOptionsReader.Read(
                TrainCommand.ReadSettings(parsed, context, settings), Environment.ProcessorCount);
            if (parsed.GetResult("--threads") is null) options = options with { Threads = 1 };
            CheckBatch(options.Specification.Batch, scalings.Contains(Scaling.Weak) ? workers[^1] : 1);

            RunData data = RunData.Load(options.Specification, options.DataDirectory, context.Error.WriteLine);
            RunSpecification specification = data.Complete(options.Specification);
            if (parsed.GetValue(Check))
            {
                await CompareAsync(options, MeasuredReport, context, cancellation);
                return ExitCode.Done;
            }

            SimulateReport report = MeasuredReport();
            report.WriteCosts(options.Threads);
            report.WriteTables(workers, scalings, parsed.GetValue(Picture) ?? "simulate.png");
            return ExitCode.Done;

            SimulateReport MeasuredReport()
            {
                CostModel cost = Calibration.Measure(specification, data, options.Threads) with
                {
                    Network = network,
                    Stragglers = stragglers,
                };
                if (computeTime is { } seconds)
                    cost = cost with { PassSeconds = [.. cost.PassSeconds.Select((_, i) => seconds * (1 << i))] };
                return new SimulateReport(specification, cost, context.Output);
            }
        });
        return command;
    }

    /// <summary>
    /// Measures local workers and prints that beside the prediction: medians of rounds in which both alternate, as the
    /// speed of a machine changes with what else runs on it.
    /// </summary>
    private static async Task CompareAsync(
        TrainOptions options, Func<SimulateReport> calibrate, CommandContext context, CancellationToken cancellation)
    {
        List<double>[] predicted = [[], [], []], measured = [[], [], []];
        for (int round = 0; round < CheckRounds; round++)
        {
            SimulateReport report = calibrate();
            if (round == 0) report.WriteCosts(options.Threads);
            for (int i = 0; i < MostCheckedWorkers; i++)
            {
                predicted[i].Add(report.Predict(i + 1));
                measured[i].Add(Median(await Measure(options, i + 1, cancellation)));
            }
        }

        for (int i = 0; i < MostCheckedWorkers; i++)
        {
            double error = Median([.. predicted[i].Zip(measured[i], (said, was) => said / was - 1)]);
            context.Output.WriteLine($"{Wording.Number(i + 1, "worker")}: predicted {Median(predicted[i]):N0} "
                + $"samples/s, measured {Median(measured[i]):N0}: {error * 100:+0.0;-0.0} % (of {CheckRounds} rounds)");
        }
    }

    private static double Median(IReadOnlyList<double> values) => values.Order().ElementAt(values.Count / 2);

    /// <summary>Samples a second of steps of a real cluster of local workers.</summary>
    private static Task<IReadOnlyList<double>> Measure(
        TrainOptions options, int workers, CancellationToken cancellation)
    {
        RunSpecification endless = options.Specification with
        {
            Epochs = 1_000_000,
            Data = options.Specification.Data with { Validation = 0 },
        };
        return ClusterBench.MeasureAsync(
            endless, workers, options.Threads, CheckSeconds, cancellation, options.DataDirectory);
    }

    private static NetworkCost? ReadNetwork(ParseResult parsed, bool isLocal)
    {
        if (!isLocal)
        {
            return new NetworkCost(
                Number(parsed, Bandwidth, DefaultBandwidth, least: 1e-6) * 1e9 / 8,
                Number(parsed, Latency, DefaultLatency, least: 0) * 1e-6);
        }

        Option<string>? given = ((Option<string>[])[Bandwidth, Latency]).FirstOrDefault(
            option => parsed.GetValue(option) is not null);
        return given is null ? null
            : throw new UsageException(
                $"{given.Name}: workers on this host have no network between them; leave it out.");
    }

    private static void CheckBatch(int batch, int workers)
    {
        if ((long)batch * workers <= MostBatch) return;
        throw new UsageException($"--batch: {batch} for each of {workers} workers are {(long)batch * workers} samples "
            + $"in a step, of at most {MostBatch}; lower it, or --workers.");
    }

    private static int[] ReadWorkers(string? text, bool isLocal)
    {
        if (text is null)
        {
            int most = isLocal ? 2 * Environment.ProcessorCount : MostWorkers;
            return [.. Enumerable.Range(0, int.Log2(most) + 1).Select(doubling => 1 << doubling)];
        }

        List<int> workers = [];
        foreach (string item in text.Split(',', StringSplitOptions.TrimEntries))
        {
            if (!int.TryParse(item, NumberStyles.None, CultureInfo.InvariantCulture, out int count)
                || count is < 1 or > MostWorkers)
            {
                throw new UsageException($"--workers: expected whole numbers from 1 to {MostWorkers} with commas "
                    + $"between them, got '{text}'.");
            }

            workers.Add(count);
        }

        return [.. workers.Distinct().Order()];
    }

    private static Scaling[] ReadScaling(string? text) => text switch
    {
        null or "both" => [Scaling.Weak, Scaling.Strong],
        "weak" => [Scaling.Weak],
        "strong" => [Scaling.Strong],
        _ => throw new UsageException($"--scaling: expected weak, strong or both, got '{text}'."),
    };

    private static StragglerCost? ReadStragglers(string? text)
    {
        if (text is null) return null;
        string[] parts = text.Split(':');
        return parts.Length == 2 && TryNumber(parts[0], out double share) && share is >= 0 and <= 1
            && TryNumber(parts[1], out double factor) && factor is >= 1 and <= 1e6
                ? new StragglerCost(share, factor)
                : throw new UsageException("--stragglers: expected SHARE:FACTOR, a share from 0 to 1 and a factor from "
                    + $"1 on, such as 0.01:3, got '{text}'.");
    }

    private static double Number(ParseResult parsed, Option<string> option, double otherwise, double least)
    {
        if (parsed.GetValue(option) is not { } text) return otherwise;
        return TryNumber(text, out double value) && value >= least && value <= 1e9 ? value : throw new UsageException(
            $"{option.Name}: expected a number {(least > 0 ? "above 0" : "from 0 on")}, got '{text}'.");
    }

    private static bool TryNumber(string text, out double value) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);
}
