namespace Distributed.Coordinator;

/// <summary>Trains without disturbing anything: what a disturbed run is compared with, and how long an epoch takes.
/// </summary>
internal static class CalmRun
{
    private const double LeastSeconds = 3, WantedSeconds = 6;

    /// <summary>Trains the undisturbed run.</summary>
    /// <exception cref="UsageException">It did not train.</exception>
    public static Task<RunResult> TrainAsync(ChaosOptions options, CancellationToken stop) =>
        TrainAsync(options, options.Undisturbed, stop);

    /// <summary>How many epochs take so many minutes, about: a shorter training is timed, and its folder removed.
    /// </summary>
    /// <exception cref="UsageException">It did not train.</exception>
    public static async Task<int> EpochsAsync(ChaosOptions options, double minutes, CancellationToken stop)
    {
        string name = $"{options.Name}-pace";
        for (int epochs = 1; ;)
        {
            RunResult result = await TrainAsync(options with { Epochs = epochs }, name, stop);
            Directory.Delete(Path.Combine(options.Runs, name), recursive: true);
            double seconds = result.TrainSeconds / epochs;
            if (result.TrainSeconds >= LeastSeconds)
                return (int)Math.Clamp(Math.Ceiling(minutes * 60 / seconds), 1, ChaosCommand.MostEpochs);

            // The first seconds are slower than the rest.
            epochs = Math.Max(2 * epochs, (int)(WantedSeconds / seconds));
        }
    }

    /// <summary>A run's result.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public static RunResult Result(ChaosOptions options, string name) =>
        RunResult.Read(Path.Combine(options.Runs, name, "result.json"))
            ?? throw new UsageException($"{Path.Combine(options.Runs, name)}: the run left no result.");

    private static async Task<RunResult> TrainAsync(ChaosOptions options, string name, CancellationToken stop)
    {
        using ChildProgram run = ChildProgram.Start("coordinator", [.. options.Train(name), "--fresh"]);
        await run.WaitAsync(stop);
        return run.ExitCode == ExitCode.Done
            ? Result(options, name)
            : throw new UsageException($"the undisturbed run did not train: {run.LastLine.Replace("error: ", "")}");
    }
}
