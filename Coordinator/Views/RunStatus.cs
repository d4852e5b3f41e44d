using System.Text.Json;

namespace Distributed.Coordinator;

/// <summary>One worker in a <see cref="RunStatus"/>.</summary>
internal sealed record WorkerStatus(
    string Name, string Standing, string Reason, long MicroBatches, long DealtTwice = 0, double WaitedSeconds = 0);

/// <summary>
/// Where a run stands, as its process says once a second in <c>status.json</c>. What is unknown is null.
/// </summary>
internal sealed record RunStatus
{
    private const string File = "status.json";

    /// <summary>The coordinator's process.</summary>
    public required int ProcessId { get; init; }

    /// <summary>When this was written.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Steps applied.</summary>
    public required long Step { get; init; }

    /// <summary>Steps of the whole run.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>The epoch that is trained, from 1.</summary>
    public required int Epoch { get; init; }

    /// <summary>Epochs of the run.</summary>
    public required int Epochs { get; init; }

    /// <summary>Mean loss of that epoch so far.</summary>
    public double? Loss { get; init; }

    /// <summary>Accuracy of that epoch so far.</summary>
    public double? Accuracy { get; init; }

    /// <summary>Validation accuracy after the last epoch.</summary>
    public double? ValidationAccuracy { get; init; }

    /// <summary>The part that is evaluated now.</summary>
    public string? Evaluating { get; init; }

    /// <summary>Training samples a second, lately.</summary>
    public required double SamplesPerSecond { get; init; }

    /// <summary>Seconds to the end of training at that speed.</summary>
    public double? SecondsLeft { get; init; }

    /// <summary>Connections that were turned away before they took part.</summary>
    public long TurnedAway { get; init; }

    /// <summary>The workers in the order in which they joined.</summary>
    public required IReadOnlyList<WorkerStatus> Workers { get; init; }

    /// <summary>Whether everything is there and can be shown.</summary>
    private bool IsSound => Workers?.All(worker => worker is { Name: not null, Standing: not null, Reason: not null })
        == true && SecondsLeft is null or (>= 0 and <= uint.MaxValue);

    /// <summary>What a view knows, at a time.</summary>
    public static RunStatus Of(RunState state, DateTimeOffset now) => new()
    {
        ProcessId = Environment.ProcessId,
        Time = now,
        Step = state.Progress.Step,
        TotalSteps = state.Header.TotalSteps,
        Epoch = state.Epoch,
        Epochs = state.Header.Epochs,
        Loss = Known(state.Loss),
        Accuracy = Known(state.Accuracy),
        ValidationAccuracy = state.LastEpoch is { } epoch ? Known(epoch.ValidationAccuracy) : null,
        Evaluating = state.Evaluation is { } evaluation ? RunText.Split(evaluation.Split) : null,
        SamplesPerSecond = state.SamplesPerSecond,
        SecondsLeft = state.TimeLeft?.TotalSeconds,
        TurnedAway = state.Header.TurnedAway?.Invoke() ?? 0,
        Workers =
        [
            .. state.Workers.Select(worker => new WorkerStatus(
                worker.Name, worker.Standing.ToString().ToLowerInvariant(), worker.Reason, worker.MicroBatches,
                worker.DealtTwice, worker.WaitedSeconds)),
        ],
    };

    /// <summary>Reads a run's; null: there is none that makes sense.</summary>
    public static RunStatus? Read(string folder)
    {
        try
        {
            RunStatus? read = JsonSerializer.Deserialize(
                System.IO.File.ReadAllBytes(Path.Combine(folder, File)), StatusJson.Default.RunStatus);
            return read?.IsSound == true ? read : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Puts it into a run's folder in one piece. It is worth nothing after a crash, so nothing is flushed, and
    /// a disk that refuses is no matter.</summary>
    public void Write(string folder)
    {
        string path = Path.Combine(folder, File), temporary = AtomicFile.Temporary(path);
        try
        {
            System.IO.File.WriteAllBytes(
                temporary, JsonSerializer.SerializeToUtf8Bytes(this, StatusJson.Default.RunStatus));
            System.IO.File.Move(temporary, path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The next one may succeed.
        }
    }

    /// <summary>Removes a run's.</summary>
    public static void Delete(string folder)
    {
        try
        {
            System.IO.File.Delete(Path.Combine(folder, File));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It says itself how old it is.
        }
    }

    private static double? Known(double value) => double.IsFinite(value) ? value : null;
}
