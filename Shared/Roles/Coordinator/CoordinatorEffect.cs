using Distributed.Protocol;

namespace Distributed.Roles.Coordinator;

/// <summary>Something that the coordinator role wants done, in the order given.</summary>
public abstract record CoordinatorEffect;

/// <summary>Send a message over a worker's control link.</summary>
/// <param name="Worker">The worker.</param>
/// <param name="Message">The message.</param>
public sealed record SendToWorker(WorkerId Worker, Message Message) : CoordinatorEffect;

/// <summary>End a worker's connections.</summary>
/// <param name="Worker">The worker.</param>
/// <param name="Reason">Why, for a person.</param>
public sealed record DropWorker(WorkerId Worker, string Reason) : CoordinatorEffect;

/// <summary>Tell the parameter server to collect a step.</summary>
/// <param name="Step">The step.</param>
/// <param name="Samples">Samples of its mini-batch.</param>
/// <param name="MicroBatch">Samples of a micro-batch.</param>
/// <param name="Reductions">How often the learning rate was reduced for want of improvement.</param>
public sealed record BeginStep(StepNumber Step, int Samples, int MicroBatch, int Reductions = 0) : CoordinatorEffect;

/// <summary>Tell the parameter server to give a step up, unless it was applied already.</summary>
/// <param name="Step">The step.</param>
public sealed record CancelStep(StepNumber Step) : CoordinatorEffect;

/// <summary>Tell the parameter server to send the current parameters to a worker, and all later ones too.</summary>
/// <param name="Worker">The worker.</param>
public sealed record PublishTo(WorkerId Worker) : CoordinatorEffect;

/// <summary>Tell the parameter server to send a worker no more parameters.</summary>
/// <param name="Worker">The worker.</param>
public sealed record StopPublishingTo(WorkerId Worker) : CoordinatorEffect;

/// <summary>
/// Tell the parameter server to keep a copy of the parameters that were validated, current or average, as the best.
/// </summary>
public sealed record KeepBest : CoordinatorEffect;

/// <summary>Tell the parameter server to publish other parameters than it did last.</summary>
/// <param name="Choice">Which.</param>
public sealed record PublishParameters(ParameterChoice Choice) : CoordinatorEffect;

/// <summary>Save a checkpoint of the parameters as they are now.</summary>
/// <param name="Id">Its number, returned when it is saved.</param>
/// <param name="Progress">Where the run stands.</param>
/// <param name="IsBest">Whether its parameters are the best so far.</param>
public sealed record SaveCheckpoint(long Id, TrainingProgress Progress, bool IsBest) : CoordinatorEffect;

/// <summary>Tell whoever watches what happened.</summary>
/// <param name="Event">What happened.</param>
public sealed record Report(RunEvent Event) : CoordinatorEffect;

/// <summary>The run has ended.</summary>
/// <param name="Ending">How.</param>
/// <param name="Reason">A sentence for a person; empty when all went well.</param>
/// <param name="Test">The test's score, if there was one.</param>
public sealed record Finish(RunEnding Ending, string Reason, EvaluationScore? Test) : CoordinatorEffect;

/// <summary>How a run ended.</summary>
public enum RunEnding
{
    /// <summary>All epochs were trained (or training ended early by patience) and tested.</summary>
    Completed,

    /// <summary>It was stopped and can be resumed.</summary>
    Stopped,

    /// <summary>The user's mistake, a broken file, or a loss that is no longer finite.</summary>
    UserError,

    /// <summary>A fault of ours.</summary>
    Failed,
}

/// <summary>The score of a data part under one set of parameters.</summary>
/// <param name="Split">The part.</param>
/// <param name="Samples">Its samples.</param>
/// <param name="Loss">Mean loss: the leaves' sums added along the canonical tree, over the samples.</param>
/// <param name="Correct">Samples classified correctly.</param>
/// <param name="Predictions">The predicted class of each sample, in order.</param>
/// <param name="TopFive">Samples whose label is among the five likeliest classes.</param>
public sealed record EvaluationScore(
    DataSplit Split, int Samples, double Loss, int Correct, int[] Predictions, int TopFive)
{
    /// <summary>Share of samples classified correctly.</summary>
    public double Accuracy => Samples == 0 ? double.NaN : (double)Correct / Samples;

    /// <summary>Share of samples whose label is among the five likeliest classes.</summary>
    public double TopFiveAccuracy => Samples == 0 ? double.NaN : (double)TopFive / Samples;
}
