namespace Distributed.Roles.Coordinator;

/// <summary>One finished epoch.</summary>
/// <param name="Epoch">Its number, from 1.</param>
/// <param name="Step">Steps applied when it ended.</param>
/// <param name="TrainLoss">Mean loss over its training samples, as they were met.</param>
/// <param name="TrainAccuracy">Share of them classified correctly when they were met.</param>
/// <param name="ValidationLoss">Mean loss over the validation part; NaN without one.</param>
/// <param name="ValidationAccuracy">Share of the validation part classified correctly; NaN without one.</param>
/// <param name="SamplesApplied">Training samples applied in this epoch.</param>
/// <param name="ValidationTopFive">
/// Share of the validation part whose label is among the five likeliest classes; NaN without one.
/// </param>
public sealed record EpochRecord(
    int Epoch, long Step, double TrainLoss, double TrainAccuracy,
    double ValidationLoss, double ValidationAccuracy, int SamplesApplied, double ValidationTopFive = double.NaN);

/// <summary>
/// Where a run stands: all that the coordinator role must know to go on from a checkpoint to the same bits.
/// </summary>
public sealed record TrainingProgress
{
    /// <summary>Finished epochs.</summary>
    public int Epoch { get; init; }

    /// <summary>Steps applied in the current epoch.</summary>
    public int StepInEpoch { get; init; }

    /// <summary>Steps applied in all.</summary>
    public long Step { get; init; }

    /// <summary>Training samples applied in all.</summary>
    public long SamplesApplied { get; init; }

    /// <summary>Training samples applied in the current epoch.</summary>
    public int EpochSamples { get; init; }

    /// <summary>Sum of the losses of the current epoch's samples, step by step.</summary>
    public double EpochLossSum { get; init; }

    /// <summary>Samples of the current epoch classified correctly.</summary>
    public int EpochCorrect { get; init; }

    /// <summary>The epoch whose parameters are best; 0: none yet.</summary>
    public int BestEpoch { get; init; }

    /// <summary>Validation accuracy of the best epoch.</summary>
    public double BestAccuracy { get; init; } = double.NegativeInfinity;

    /// <summary>Validation loss of the best epoch.</summary>
    public double BestLoss { get; init; } = double.PositiveInfinity;

    /// <summary>Duplicate or late nodes dropped so far.</summary>
    public long DuplicatesDropped { get; init; }

    /// <summary>Finished epochs in order.</summary>
    public IReadOnlyList<EpochRecord> History { get; init; } = [];

    /// <summary>Epochs since the best one.</summary>
    public int EpochsWithoutImprovement => BestEpoch == 0 ? 0 : Epoch - BestEpoch;
}
