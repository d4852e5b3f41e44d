using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator;

/// <summary>How a run ended, as it is shown at the end.</summary>
internal sealed record RunSummary
{
    /// <summary>How it ended.</summary>
    public required RunEnding Ending { get; init; }

    /// <summary>A sentence for a person; empty when all went well.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Where the run stands: epochs, steps, ledger, history.</summary>
    public required TrainingProgress Progress { get; init; }

    /// <summary>Samples of the training part: what each epoch must apply.</summary>
    public required int TrainingSamples { get; init; }

    /// <summary>Epochs that were asked for.</summary>
    public required int Epochs { get; init; }

    /// <summary>The test's score under the best parameters; null: no test was made.</summary>
    public EvaluationScore? Test { get; init; }

    /// <summary>Test samples by true class (row) and predicted class (column); empty without a test.</summary>
    public int[][] Confusion { get; init; } = [];

    /// <summary>A name for each class.</summary>
    public IReadOnlyList<string> ClassNames { get; init; } = [];

    /// <summary>Time spent training, over all processes of the run.</summary>
    public double TrainSeconds { get; init; }

    /// <summary>Training samples a second while training.</summary>
    public double SamplesPerSecond { get; init; }

    /// <summary>Micro-batches contributed by each worker.</summary>
    public IReadOnlyList<WorkerShare> Shares { get; init; } = [];

    /// <summary>Worker processes that were started again.</summary>
    public int Restarts { get; init; }

    /// <summary>Hash of the last step's weights; null: unknown.</summary>
    public string? WeightsSha256 { get; init; }

    /// <summary>The run's folder.</summary>
    public required string Folder { get; init; }

    /// <summary>The newest checkpoint's file; null: none was written.</summary>
    public string? LatestCheckpoint { get; init; }

    /// <summary>The best checkpoint's file; null: none was written.</summary>
    public string? BestCheckpoint { get; init; }
}
