using System.Text.Json;
using Distributed.Execution;
using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator;

/// <summary>What a run promises; one that is given up on purpose is false.</summary>
/// <param name="SameBits">The weights don't depend on who did the work.</param>
/// <param name="ExactlyOnce">Every sample of an epoch counts once.</param>
/// <param name="NeverLoses">Every wait has a deadline, and a run that is killed can go on.</param>
internal sealed record RunPromises(bool SameBits = true, bool ExactlyOnce = true, bool NeverLoses = true);

/// <summary>What <c>result.json</c> says. What is unknown, because there was no such part or step, is null.</summary>
internal sealed record RunResult
{
    /// <summary>The status of a run that trained and tested all it was asked for.</summary>
    public const string Completed = "completed";

    /// <summary>How it ended: completed, stopped (and resumable), or failed.</summary>
    public required string Status { get; init; }

    /// <summary>Why, as a sentence; null when all went well.</summary>
    public string? Reason { get; init; }

    /// <summary>Finished epochs.</summary>
    public required int Epochs { get; init; }

    /// <summary>Epochs that were asked for.</summary>
    public required int EpochsAsked { get; init; }

    /// <summary>Steps applied.</summary>
    public required long Steps { get; init; }

    /// <summary>Mean training loss of the last epoch.</summary>
    public double? TrainLoss { get; init; }

    /// <summary>Validation accuracy after the last epoch.</summary>
    public double? ValidationAccuracy { get; init; }

    /// <summary>Validation accuracy of the best epoch.</summary>
    public double? BestValidationAccuracy { get; init; }

    /// <summary>The epoch whose parameters are the best.</summary>
    public int BestEpoch { get; init; }

    /// <summary>Test accuracy of the best parameters.</summary>
    public double? TestAccuracy { get; init; }

    /// <summary>
    /// Share of test samples whose label is among the five likeliest classes; null where there are no more than five.
    /// </summary>
    public double? TestTop5Accuracy { get; init; }

    /// <summary>Test loss of the best parameters.</summary>
    public double? TestLoss { get; init; }

    /// <summary>Training samples applied.</summary>
    public required long SamplesApplied { get; init; }

    /// <summary>Samples of the training part times finished epochs, and those due of an epoch under way.</summary>
    public required long SamplesExpected { get; init; }

    /// <summary>Duplicate or late gradients that were dropped.</summary>
    public long DuplicatesDropped { get; init; }

    /// <summary>Hash of the last step's weights.</summary>
    public string? WeightsSha256 { get; init; }

    /// <summary>Hash of the best weights.</summary>
    public string? BestWeightsSha256 { get; init; }

    /// <summary>Seconds of training over all processes of the run.</summary>
    public double TrainSeconds { get; init; }

    /// <summary>Training samples a second, in this process.</summary>
    public double SamplesPerSecond { get; init; }

    /// <summary>Local worker processes.</summary>
    public int Workers { get; init; }

    /// <summary>Micro-batches that each worker contributed, in this process of the coordinator.</summary>
    public IReadOnlyDictionary<string, long> MicroBatchesByWorker { get; init; } = new Dictionary<string, long>();

    /// <summary>The step that this process went on from; 0: from the start.</summary>
    public long ResumedFromStep { get; init; }

    /// <summary>Worker processes that were started again.</summary>
    public int Restarts { get; init; }

    /// <summary>Bytes that a worker allocates on its managed heap in a step.</summary>
    public double AllocatedBytesPerStep { get; init; }

    /// <summary>Median milliseconds of a step beyond its slowest worker's compute.</summary>
    public double CoordinationMs { get; init; }

    /// <summary>Seconds from the start of the program to the first step applied; null: none was.</summary>
    public double? FirstStepSeconds { get; init; }

    /// <summary>Test samples by true class (row) and predicted class (column); null without a test.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? Confusion { get; init; }

    /// <summary>Precision and recall of every class in the test; null without one.</summary>
    public IReadOnlyList<ClassScore>? Classes { get; init; }

    /// <summary>What was promised.</summary>
    public RunPromises Promises { get; init; } = new();

    /// <summary>What a run's standing says by itself; the rest is the caller's to fill in.</summary>
    public static RunResult Of(
        RunEnding ending, string reason, RunSpecification specification, TrainingProgress progress,
        EvaluationScore? test)
    {
        EpochRecord? last = progress.History.Count > 0 ? progress.History[^1] : null;
        int training = specification.Data.TrainingSamples;
        return new RunResult
        {
            Status = ending switch { RunEnding.Completed => Completed, RunEnding.Stopped => "stopped", _ => "failed" },
            Reason = reason.Length == 0 ? null : reason,
            Epochs = progress.Epoch,
            EpochsAsked = specification.Epochs,
            Steps = progress.Step,
            TrainLoss = Known(last?.TrainLoss),
            ValidationAccuracy = Known(last?.ValidationAccuracy),
            BestValidationAccuracy = Known(progress.BestAccuracy),
            BestEpoch = progress.BestEpoch,
            TestAccuracy = Known(test?.Accuracy),
            TestLoss = Known(test?.Loss),
            TestTop5Accuracy = specification.Model.Classes > 5 ? Known(test?.TopFiveAccuracy) : null,
            SamplesApplied = progress.SamplesApplied,
            SamplesExpected = (long)training * progress.Epoch
                + Math.Min(training, (long)specification.Batch * progress.StepInEpoch),
            DuplicatesDropped = progress.DuplicatesDropped,
        };
    }

    /// <summary>Reads a result; null where there is none, or none that makes sense.</summary>
    public static RunResult? Read(string path)
    {
        try
        {
            return File.Exists(path)
                ? JsonSerializer.Deserialize(File.ReadAllBytes(path), ResultJson.Default.RunResult) : null;
        }
        catch (Exception error) when (error is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>JSON knows no infinity, and a figure that is none is better called unknown.</summary>
    private static double? Known(double? value) => value is { } known && double.IsFinite(known) ? known : null;
}
