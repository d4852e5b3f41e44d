namespace Distributed.Roles.Coordinator;

/// <summary>
/// What the coordinator role is told of a run before it starts. Times are data; the role reads no clock.
/// </summary>
public sealed record TrainingSettings
{
    /// <summary>Samples of the training part.</summary>
    public required int TrainingSamples { get; init; }

    /// <summary>Samples of the validation part; 0: the last parameters count as best.</summary>
    public required int ValidationSamples { get; init; }

    /// <summary>Samples of the test part; 0: no test.</summary>
    public required int TestSamples { get; init; }

    /// <summary>Samples of a mini-batch (B).</summary>
    public required int Batch { get; init; }

    /// <summary>Samples of a micro-batch (m).</summary>
    public required int MicroBatch { get; init; }

    /// <summary>Epochs to train.</summary>
    public required int Epochs { get; init; }

    /// <summary>Epochs without improvement after which training ends early; 0: never.</summary>
    public int Patience { get; init; }

    /// <summary>When the learning rate is reduced for want of improvement; null: never.</summary>
    public PlateauRule? Plateau { get; init; }

    /// <summary>Whether validation and test are of the moving average of the parameters.</summary>
    public bool EvaluatesAverage { get; init; }

    /// <summary>Steps between checkpoints; 0: by time and epoch only.</summary>
    public int CheckpointEverySteps { get; init; }

    /// <summary>Time between checkpoints.</summary>
    public TimeSpan CheckpointEvery { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Workers without which no step is dealt.</summary>
    public int MinimumWorkers { get; init; } = 1;

    /// <summary>Whether another coordinator goes on when this one is asked to stop: workers are not told to end then,
    /// and look for it.</summary>
    public bool IsHandedOver { get; init; }

    /// <summary>A worker that is not heard of for so long has its work dealt again.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A worker that is not heard of for so long is dropped.</summary>
    public TimeSpan DropAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Least time a worker is given for what it was dealt, however fast it was before.</summary>
    public TimeSpan LeastComputeDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A worker's compute is overdue after so many times the measured time.</summary>
    public double ComputeDeadlineFactor { get; init; } = 4;

    /// <summary>Work is late when it takes so many times as long as the others' did; those who have nothing to do are
    /// dealt it too then, and the first answer counts.</summary>
    public double StragglerFactor { get; init; } = 3;

    /// <summary>Work that takes less is never late.</summary>
    public TimeSpan LeastLateness { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>How long a step in flight may take to end once a stop was asked for.</summary>
    public TimeSpan StopDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often it is said that a checkpoint has not reached the disk yet.</summary>
    public TimeSpan SaveNotice { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A checkpoint that has not reached the disk after so long has failed: its disk hangs.</summary>
    public TimeSpan SaveDeadline { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a run waits without any worker before it says so again.</summary>
    public TimeSpan WaitingNotice { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Cost of one more node of the reduction tree, in seconds (its bytes over a link).</summary>
    public double NodeSeconds { get; init; } = 0.0002;

    /// <summary>Steps of an epoch: ceil(samples / batch).</summary>
    public int StepsPerEpoch => (TrainingSamples + Batch - 1) / Batch;

    /// <summary>Steps of the whole run.</summary>
    public long TotalSteps => (long)StepsPerEpoch * Epochs;
}
