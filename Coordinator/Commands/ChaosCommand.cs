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

    private static readonly Option<string> Epochs = Number("--epochs", "E", "Epochs to train", 12);
    private static readonly Option<string> Workers = Number("--workers", "N", "Local worker processes", 2);
    private static readonly Option<string> Faults = Number("--faults", "N", "Faults to inject", 10);
    private static readonly Option<string> Seed = Number("--seed", "S", "What the faults are drawn from", 1);

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
            Epochs, Workers, Faults, Seed, Name,
        };
        TrainSetting[] settings = [.. TrainSetting.All.Where(setting => Shared.Contains(setting.Name))];
        TrainCommand.AddOptions(command, settings);
        command.SetAction((parsed, stop) => RunAsync(Options(parsed, settings), context, stop));
        return command;
    }

    private static Option<string> Number(string name, string value, string help, int standard) => new(name)
    {
        Description = $"{help} (default: {standard}).",
        DefaultValueFactory = _ => standard.ToString(CultureInfo.InvariantCulture),
        HelpName = value,
    };

    private static ChaosOptions Options(ParseResult parsed, TrainSetting[] settings)
    {
        List<string> train = ["--epochs", $"{Count(parsed, Epochs, 1, 1_000_000)}"];
        Dictionary<string, string> standard = new() { ["model"] = "lenet5", ["data"] = "digits", ["runs"] = "runs" };
        foreach (TrainSetting setting in settings)
        {
            string? given = parsed.GetResult(setting.Option) is { } result ? result.Tokens[^1].Value
                : standard.GetValueOrDefault(setting.Name);
            if (given is not null) train.AddRange([setting.Option, given]);
        }

        string runs = train[train.IndexOf("--runs") + 1];
        return new ChaosOptions(
            train, runs, parsed.GetRequiredValue(Name), (int)Count(parsed, Workers, 1, 64),
            (int)Count(parsed, Faults, 0, 10_000), Count(parsed, Seed, 0, ulong.MaxValue));
    }

    private static ulong Count(ParseResult parsed, Option<string> option, ulong least, ulong most)
    {
        string text = parsed.GetRequiredValue(option);
        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong count)
            && count >= least && count <= most
                ? count
                : throw new UsageException(
                    $"{option.Name}: expected a whole number from {least} to {most}, got '{text}'.");
    }

    private static async Task<int> RunAsync(ChaosOptions options, CommandContext context, CancellationToken stop)
    {
        TextWriter output = context.Output;
        output.WriteLine($"chaos with seed {options.Seed}: first undisturbed, then with "
            + $"{Wording.Number(options.Faults, "fault")}");
        long began = Stopwatch.GetTimestamp();
        RunResult calm = await TrainUndisturbedAsync(options, stop);
        TimeSpan calmTook = Stopwatch.GetElapsedTime(began);
        using ChaosRun chaos = new(options, output.WriteLine);
        began = Stopwatch.GetTimestamp();
        try
        {
            await chaos.RunAsync(Fault.Plan(options.Seed, options.Faults, calm.Steps, ChaosRun.Kinds), stop);
        }
        catch (ChaosException failure)
        {
            context.Error.WriteLine($"error: {failure.Message}");
            return ExitCode.Fault;
        }

        TimeSpan took = Stopwatch.GetElapsedTime(began);
        RunResult disturbed = Result(options, options.Disturbed);
        bool isEqual = calm.WeightsSha256 == disturbed.WeightsSha256
            && disturbed.SamplesApplied == disturbed.SamplesExpected;
        string kinds = string.Join(", ", chaos.Injected.Select(kind => $"{Words(kind.Key)} {kind.Value}"));
        output.WriteLine($"faults injected  {chaos.Injected.Values.Sum()} of {options.Faults}: {kinds}");
        output.WriteLine($"samples applied  {Wording.Count(disturbed.SamplesApplied)} of "
            + $"{Wording.Count(disturbed.SamplesExpected)}, {Wording.Count(disturbed.DuplicatesDropped)} results "
            + "dropped as duplicates");
        output.WriteLine($"undisturbed      {calm.WeightsSha256}  {Wording.Seconds(calmTook.TotalSeconds)}  "
            + Path.Combine(options.Runs, options.Undisturbed));
        output.WriteLine($"disturbed        {disturbed.WeightsSha256}  {Wording.Seconds(took.TotalSeconds)}  "
            + Path.Combine(options.Runs, options.Disturbed));
        output.WriteLine($"longest pause    {Wording.Seconds(chaos.LongestPause.TotalSeconds)}; "
            + $"time lost {Wording.Seconds((took - calmTook).TotalSeconds)}");
        output.WriteLine(isEqual ? "the weights are equal, bit by bit" : "the weights DIFFER");
        return isEqual ? ExitCode.Done : ExitCode.Fault;
    }

    private static async Task<RunResult> TrainUndisturbedAsync(ChaosOptions options, CancellationToken stop)
    {
        using ChildProgram run = ChildProgram.Start("coordinator",
        [
            "train", .. options.Train, "--name", options.Undisturbed, "--fresh",
            "--workers", options.Workers.ToString(CultureInfo.InvariantCulture), "--threads", "1",
        ]);
        await run.WaitAsync(stop);
        return run.ExitCode == ExitCode.Done
            ? Result(options, options.Undisturbed)
            : throw new UsageException($"the undisturbed run did not train: {run.LastLine.Replace("error: ", "")}");
    }

    private static RunResult Result(ChaosOptions options, string name) =>
        RunResult.Read(Path.Combine(options.Runs, name, "result.json"))
            ?? throw new UsageException($"{Path.Combine(options.Runs, name)}: the run left no result.");

    private static string Words(FaultKind kind) => kind switch
    {
        FaultKind.KillWorker => "workers killed",
        FaultKind.StopWorker => "workers stopped",
        FaultKind.AddWorker => "workers added",
        FaultKind.RemoveWorker => "workers asked to leave",
        FaultKind.BreakConnections => "connections cut",
        FaultKind.KillCoordinator => "coordinator killed",
        FaultKind.CorruptCheckpoint => "coordinator killed and checkpoint corrupted",
        _ => throw new InvalidOperationException($"Unknown fault {kind}."),
    };
}
