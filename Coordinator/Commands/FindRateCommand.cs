using System.CommandLine;
using System.Globalization;
using Distributed.Data;
using Distributed.Execution;

namespace Distributed.Coordinator;

/// <summary><c>find-lr</c>: a learning rate to begin with, from a range test, and its curve as a picture.</summary>
internal static class FindRateCommand
{
    private const double DefaultFrom = 1e-6, DefaultTo = 10;
    private const int DefaultSteps = 100, MostSteps = 100_000;

    /// <summary>Settings of <c>train</c> that change what is found.</summary>
    private static readonly string[] Shared =
    [
        "model", "data", "data-dir", "threads", "batch", "micro-batch", "optimizer", "momentum", "weight-decay",
        "decay-exclude", "clip-norm", "clip-value", "class-weights", "freeze", "label-smoothing", "augment",
        "validation", "seed", "spec", "init", "convolution",
    ];

    private static readonly Option<string> From = new("--from")
    {
        Description = $"The first rate (default: {Text(DefaultFrom)}).",
        HelpName = "X",
    };

    private static readonly Option<string> To = new("--to")
    {
        Description = $"The last rate, should the loss not burst before (default: {Text(DefaultTo)}).",
        HelpName = "X",
    };

    private static readonly Option<string> Steps = new("--steps")
    {
        Description = $"Steps to train (default: {DefaultSteps}).",
        HelpName = "N",
    };

    private static readonly Option<string> Picture = new("--output")
    {
        Description = "The PNG file for the curve (default: find-lr.png).",
        HelpName = "FILE",
    };

    /// <summary>The command.</summary>
    public static Command Create(CommandContext context)
    {
        Command command = new("find-lr", "Find a learning rate by a short range test (Smith 2017).")
        {
            From, To, Steps, Picture,
        };
        TrainSetting[] settings = [.. TrainSetting.All.Where(setting => Shared.Contains(setting.Name))];
        TrainCommand.AddOptions(command, settings);
        command.SetAction(parsed =>
        {
            double from = Number(parsed.GetValue(From), "--from", DefaultFrom);
            double to = Number(parsed.GetValue(To), "--to", DefaultTo);
            if (to <= from) throw new UsageException($"--to: {Text(to)} is not above --from {Text(from)}.");
            int steps = Count(parsed.GetValue(Steps));
            TrainOptions options = TrainOptionsReader.Read(
                TrainCommand.ReadSettings(parsed, context, settings), Environment.ProcessorCount);
            if (parsed.GetResult("--threads") is null) options = options with { Threads = Environment.ProcessorCount };
            Run(options, from, to, steps, parsed.GetValue(Picture) ?? "find-lr.png", context);
            return ExitCode.Done;
        });
        return command;
    }

    private static void Run(
        TrainOptions options, double from, double to, int steps, string picture, CommandContext context)
    {
        RunData data = RunData.Load(options.Specification, options.DataDirectory, context.Error.WriteLine);
        RunSpecification specification = data.Complete(options.Specification);
        using RangeTest test = new(specification, data, options.Threads, (layout, block) =>
        {
            layout.Initialize(specification.Seed, block.Span);
            if (options.Initial is not { } initial) return;
            foreach (string note in InitialWeights.Read(initial, layout, block.Span).Notes)
                context.Error.WriteLine(note);
        });
        IReadOnlyList<RangePoint> points = test.Run(from, to, steps);
        if (points.Count < 3)
            throw new UsageException($"--from: the loss is not finite already at {Text(from)}; begin lower.");
        double? suggested = RangeTest.Suggest(points);
        Save(picture, RangeChart.Draw(points, suggested));
        string burst = points.Count < steps ? ", where the loss burst" : "";
        context.Output.WriteLine(
            $"{specification.Model.Name} on {data.Dataset.Name}, {specification.Optimizer.Name}, batch "
            + $"{specification.Batch}: {points.Count} steps from {Text(points[0].Rate)} to {Text(points[^1].Rate)}"
            + burst);
        context.Output.WriteLine($"curve: {picture}");
        context.Output.WriteLine(suggested is { } rate
            ? $"suggested: --learning-rate {Text(rate)}"
            : "no rate is suggested: the loss never fell; try other settings, or --steps more");
    }

    private static void Save(string path, DecodedImage image)
    {
        try
        {
            using FileStream file = File.Create(path);
            PngWriter.Write(file, image);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--output: {path} can't be written ({error.Message.TrimEnd('.')}).");
        }
    }

    private static double Number(string? text, string option, double otherwise)
    {
        if (text is null) return otherwise;
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            && double.IsFinite(value) && value > 0
                ? value : throw new UsageException($"{option}: expected a number above 0, got '{text}'.");
    }

    private static int Count(string? text)
    {
        if (text is null) return DefaultSteps;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value)
            && value is >= 10 and <= MostSteps
                ? value
                : throw new UsageException($"--steps: expected a whole number from 10 to {MostSteps}, got '{text}'.");
    }

    /// <summary>Two significant digits are more than such a curve can tell.</summary>
    private static string Text(double rate) => rate.ToString("G2", CultureInfo.InvariantCulture);
}
