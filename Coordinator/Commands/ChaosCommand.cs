using System.CommandLine;
using System.Diagnostics;
using System.Globalization;

namespace Distributed.Coordinator;

/// <summary>
/// <c>chaos</c>: trains twice, once undisturbed and once while processes are killed, stopped, added and broken off, and
/// compares the weights.
/// </summary>
internal static class ChaosCommand
{
    private static readonly string[] Shared = ["model", "data", "data-dir", "batch", "micro-batch", "spec", "runs"];

    /// <summary>Epochs of a run, at most.</summary>
    public const int MostEpochs = 1_000_000;

    private const int LeastFaults = 10, MostFaults = 100_000, FaultsPerMinute = 6;

    private static readonly Option<string> Epochs = Number("--epochs", "E", "Epochs to train", "12");
    private static readonly Option<string> Workers = Number("--workers", "N", "Local worker processes", "2");
    private static readonly Option<string> Seed = Number("--seed", "S", "What the faults are drawn from", "1");

    private static readonly Option<string> Faults = Number(
        "--faults", "N", "Faults to inject", "10", $", with --minutes {FaultsPerMinute} a minute");

    private static readonly Option<string> Minutes = new("--minutes")
    {
        Description = "Instead of --epochs: train so long twice, about (a short training is timed before). Faults come "
            + $"by time, and the coordinator is killed {Fault.MostCoordinatorFaults} times at most, so that it is seen "
            + "whether what lives long grows.",
        HelpName = "M",
    };

    private static readonly Option<string> Name = new("--name")
    {
        Description = "Names of both runs begin with it (default: chaos).",
        DefaultValueFactory = _ => "chaos",
        HelpName = "NAME",
    };

    /// <summary>The command.</summary>
    public static Command Create(CommandContext context)
    {
        Command command = new("chaos", "Train while everything breaks, and compare with a run that nothing disturbs.")
        {
            Epochs, Minutes, Workers, Faults, Seed, Name,
        };
        TrainSetting[] settings = [.. TrainSetting.All.Where(setting => Shared.Contains(setting.Name))];
        TrainCommand.AddOptions(command, settings);
        command.SetAction((parsed, stop) => RunAsync(Options(parsed, settings), context, stop));
        return command;
    }

    private static Option<string> Number(string name, string value, string help, string standard, string more = "") =>
        new(name) { Description = $"{help} (default: {standard}{more}).", HelpName = value };

    private static ChaosOptions Options(ParseResult parsed, TrainSetting[] settings)
    {
        List<string> train = [];
        Dictionary<string, string> standard = new() { ["model"] = "lenet5", ["data"] = "digits", ["runs"] = "runs" };
        foreach (TrainSetting setting in settings)
        {
            string? given = parsed.GetResult(setting.Option) is { } result ? result.Tokens[^1].Value
                : standard.GetValueOrDefault(setting.Name);
            if (given is not null) train.AddRange([setting.Option, given]);
        }

        double? minutes = ReadMinutes(parsed);
        int faults = minutes is { } duration
            ? (int)Math.Clamp(duration * FaultsPerMinute, LeastFaults, MostFaults) : LeastFaults;
        return new ChaosOptions(
            train, train[train.IndexOf("--runs") + 1], parsed.GetRequiredValue(Name),
            (int)Count(parsed, Epochs, 12, 1, MostEpochs), minutes, (int)Count(parsed, Workers, 2, 1, 64),
            (int)Count(parsed, Faults, (ulong)faults, 0, MostFaults), Count(parsed, Seed, 1, 0, ulong.MaxValue));
    }

    private static double? ReadMinutes(ParseResult parsed)
    {
        if (parsed.GetValue(Minutes) is not { } text) return null;
        if (parsed.GetResult(Epochs) is not null)
            throw new UsageException($"{Minutes.Name} and {Epochs.Name} both say how long to train; give one of them.");
        return double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double minutes)
            && minutes is >= 0.1 and <= 100_000
                ? minutes
                : throw new UsageException($"{Minutes.Name}: expected a number from 0.1 to 100000, got '{text}'.");
    }

    private static ulong Count(ParseResult parsed, Option<string> option, ulong standard, ulong least, ulong most)
    {
        if (parsed.GetValue(option) is not { } text) return standard;
        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong count)
            && count >= least && count <= most
                ? count
                : throw new UsageException(
                    $"{option.Name}: expected a whole number from {least} to {most}, got '{text}'.");
    }

    private static async Task<int> RunAsync(ChaosOptions options, CommandContext context, CancellationToken stop)
    {
        TextWriter output = context.Output;
        string faults = Wording.Number(options.Faults, "fault");
        output.WriteLine($"chaos with seed {options.Seed}: first undisturbed, then with {faults}");
        if (options.Minutes is { } minutes)
        {
            options = options with { Epochs = await CalmRun.EpochsAsync(options, minutes, stop) };
            output.WriteLine($"  {Wording.Number(options.Epochs, "epoch")} for {Wording.Seconds(minutes * 60)}");
        }

        long began = Stopwatch.GetTimestamp();
        RunResult calm = await CalmRun.TrainAsync(options, stop);
        TimeSpan calmTook = Stopwatch.GetElapsedTime(began);
        output.WriteLine($"  undisturbed: {Wording.Seconds(calmTook.TotalSeconds)}");
        ChaosReport report;
        try
        {
            report = await DisturbAsync(options, calm, calmTook, output, stop);
        }
        catch (ChaosException failure)
        {
            context.Error.WriteLine($"error: {failure.Message}");
            return ExitCode.Fault;
        }

        foreach (string line in report.Lines()) output.WriteLine(line);
        return report.IsGood ? ExitCode.Done : ExitCode.Fault;
    }

    private static async Task<ChaosReport> DisturbAsync(
        ChaosOptions options, RunResult calm, TimeSpan calmTook, TextWriter output, CancellationToken stop)
    {
        bool isLong = options.Minutes is not null;
        long length = isLong ? (long)calmTook.TotalMilliseconds : calm.Steps;
        IReadOnlyList<Fault> plan = Fault.Plan(options.Seed, options.Faults, length, ChaosRun.Kinds, isLong);
        using ChaosRun chaos = new(options, output.WriteLine);
        ProcessSampler sampler = new(options.ProcessFile);
        TimeSpan took;
        int left;
        await using (sampler)
        {
            long began = Stopwatch.GetTimestamp();
            await chaos.RunAsync(plan, stop);
            took = Stopwatch.GetElapsedTime(began);
            left = await chaos.CountLeftAsync(stop);
        }

        return new ChaosReport
        {
            Options = options,
            Calm = calm,
            CalmTook = calmTook,
            Disturbed = CalmRun.Result(options, options.Disturbed),
            DisturbedTook = took,
            Injected = chaos.Injected,
            LongestPause = chaos.LongestPause,
            Processes = LocalProcesses.AreListed ? Flatness.Of(sampler.Samples) : null,
            Left = LocalProcesses.AreListed ? left : null,
        };
    }
}
