using Distributed.Protocol;

namespace Distributed.Roles.Coordinator;

/// <summary>Something worth showing or logging. Nothing depends on it.</summary>
public abstract record RunEvent;

/// <summary>A step was applied.</summary>
/// <param name="Progress">Where the run stands after it.</param>
/// <param name="Statistics">The step's sums.</param>
/// <param name="Seconds">Time since the step before was applied.</param>
/// <param name="SlowestComputeSeconds">Compute time of the slowest worker in it.</param>
/// <param name="Reductions">How often the learning rate had been reduced for want of improvement.</param>
public sealed record StepEnded(
    TrainingProgress Progress, NodeStatistics Statistics, double Seconds, double SlowestComputeSeconds,
    int Reductions = 0) : RunEvent;

/// <summary>An epoch ended.</summary>
/// <param name="Record">Its figures.</param>
/// <param name="IsBest">Whether its parameters are the best so far.</param>
/// <param name="Progress">Where the run stands after it.</param>
public sealed record EpochEnded(EpochRecord Record, bool IsBest, TrainingProgress Progress) : RunEvent;

/// <summary>An evaluation began or went on.</summary>
/// <param name="Split">The data part.</param>
/// <param name="Done">Samples scored.</param>
/// <param name="Count">Samples to score.</param>
public sealed record EvaluationAdvanced(DataSplit Split, int Done, int Count) : RunEvent;

/// <summary>Where a worker stands.</summary>
public enum WorkerStanding
{
    /// <summary>It takes part.</summary>
    Active,

    /// <summary>It was not heard of within its lease; its work was dealt again.</summary>
    Silent,

    /// <summary>Its compute is overdue; its work was dealt again where someone else can do it.</summary>
    Overdue,

    /// <summary>It ends what it has and leaves.</summary>
    Leaving,

    /// <summary>It is gone.</summary>
    Gone,
}

/// <summary>A worker's standing changed.</summary>
/// <param name="Worker">The worker.</param>
/// <param name="Name">Its name.</param>
/// <param name="Standing">Where it stands now.</param>
/// <param name="Reason">Why, for a person; may be empty.</param>
public sealed record WorkerChanged(WorkerId Worker, string Name, WorkerStanding Standing, string Reason) : RunEvent;

/// <summary>What a step, or an evaluation, lost by a worker that was late.</summary>
/// <param name="Worker">The worker.</param>
/// <param name="Name">Its name.</param>
/// <param name="MicroBatches">Micro-batches that were dealt to others too.</param>
/// <param name="WaitedSeconds">From when it should have been done until it was done, by whomever.</param>
public sealed record StragglerHelped(WorkerId Worker, string Name, int MicroBatches, double WaitedSeconds) : RunEvent;

/// <summary>A sentence for a person.</summary>
/// <param name="Text">The sentence.</param>
public sealed record Notice(string Text) : RunEvent;
