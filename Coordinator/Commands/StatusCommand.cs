using System.CommandLine;

namespace Distributed.Coordinator;

/// <summary><c>status</c>: where a run stands, told from another terminal.</summary>
internal static class StatusCommand
{
    /// <summary>Its process writes once a second; after so many seconds of silence it is not well.</summary>
    private const double LongestSilence = 10;

    private static readonly Argument<string> Run = new("RUN") { Description = "A run's folder." };

    /// <summary>The command.</summary>
    public static Command Create(CommandContext context)
    {
        Command command = new("status", "Where a run stands, while it trains or afterwards.") { Run };
        command.SetAction(parsed =>
        {
            string folder = parsed.GetRequiredValue(Run);
            if (!File.Exists(Path.Combine(folder, "run.json")))
                throw new UsageException($"{folder}: there is no run in this folder; give runs/NAME.");
            foreach (string line in Lines(folder, context.Time.GetUtcNow())) context.Output.WriteLine(line);
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>Where the run of a folder stands.</summary>
    internal static IEnumerable<string> Lines(string folder, DateTimeOffset now)
    {
        if (RunStatus.Read(folder) is { } status)
            return Lines(folder, status, (now - status.Time).TotalSeconds);
        return RunResult.Read(Path.Combine(folder, "result.json")) is { } result
            ? [Ended(folder, result)]
            : [$"{folder}: no process trains it; the same train command goes on."];
    }

    private static IEnumerable<string> Lines(string folder, RunStatus status, double age)
    {
        yield return age <= LongestSilence
            ? $"{folder}: process {status.ProcessId} trains"
            : $"{folder}: process {status.ProcessId} was last heard {Wording.Seconds(age)} ago: it was killed or "
                + "stands still; if it has ended, the same train command goes on";
        string left = status.SecondsLeft is { } seconds
            ? $"  ETA {Wording.Duration(TimeSpan.FromSeconds(seconds))}" : "";
        yield return $"epoch {status.Epoch}/{status.Epochs}  step {Wording.Count(status.Step)}/"
            + $"{Wording.Count(status.TotalSteps)}{left}";
        yield return $"loss {Wording.Loss(status.Loss ?? double.NaN)}  accuracy "
            + $"{Wording.Percent(status.Accuracy ?? double.NaN)}  {Wording.Speed(status.SamplesPerSecond)}";
        if (status.Evaluating is { } part) yield return $"evaluating {part}";
        if (status.ValidationAccuracy is { } validation)
            yield return $"validation accuracy {Wording.Percent(validation)} after the last epoch";
        if (status.TurnedAway > 0)
            yield return $"{Wording.Number(status.TurnedAway, "connection")} turned away";
        if (status.Workers.Count == 0) yield return "waiting for workers";
        foreach (WorkerStatus worker in status.Workers)
        {
            string reason = worker.Reason.Length > 0 ? $": {worker.Reason}" : "";
            string late = worker.DealtTwice == 0 ? ""
                : $"{Wording.Count(worker.DealtTwice)} late ({Wording.Seconds(worker.WaitedSeconds)} lost)  ";
            yield return $"{worker.Name}  {Wording.Count(worker.MicroBatches)} micro-batches  {late}"
                + $"{worker.Standing}{reason}";
        }
    }

    private static string Ended(string folder, RunResult result)
    {
        string why = result.Reason is { Length: > 0 } reason ? $" ({reason})" : "";
        string accuracy = result.TestAccuracy is { } test ? $", test accuracy {Wording.Percent(test)}" : "";
        return $"{folder}: {result.Status}{why} after {Wording.Count(result.Steps)} steps in "
            + $"{Wording.Number(result.Epochs, "epoch")}{accuracy}";
    }
}
