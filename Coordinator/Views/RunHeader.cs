using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator;

/// <summary>What a run is, as it is shown before the first step.</summary>
internal sealed record RunHeader
{
    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>Parameters of the model, unpadded.</summary>
    public required long Parameters { get; init; }

    /// <summary>The data set's name.</summary>
    public required string Data { get; init; }

    /// <summary>Samples of the training part.</summary>
    public required int TrainingSamples { get; init; }

    /// <summary>Samples of the validation part.</summary>
    public required int ValidationSamples { get; init; }

    /// <summary>Samples of the test part.</summary>
    public required int TestSamples { get; init; }

    /// <summary>Samples of a mini-batch.</summary>
    public required int Batch { get; init; }

    /// <summary>Samples of a micro-batch.</summary>
    public required int MicroBatch { get; init; }

    /// <summary>Epochs of the run.</summary>
    public required int Epochs { get; init; }

    /// <summary>Steps of an epoch.</summary>
    public required int StepsPerEpoch { get; init; }

    /// <summary>The run's seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Local worker processes.</summary>
    public required int Workers { get; init; }

    /// <summary>Compute threads of each.</summary>
    public required int Threads { get; init; }

    /// <summary>The address where other workers can join; null: none.</summary>
    public string? Listen { get; init; }

    /// <summary>The run's folder.</summary>
    public required string Folder { get; init; }

    /// <summary>Steps that were applied before this process started; 0: a new run.</summary>
    public long ResumedFromStep { get; init; }

    /// <summary>Where the run stands as it goes on; null: a new run.</summary>
    public TrainingProgress? Progress { get; init; }

    /// <summary>Asks how many connections were turned away; null: there is no port.</summary>
    public Func<long>? TurnedAway { get; init; }

    /// <summary>Steps of the whole run.</summary>
    public long TotalSteps => (long)StepsPerEpoch * Epochs;
}
