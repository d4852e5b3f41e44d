using Distributed.Protocol;

namespace Distributed.Roles.Coordinator;

/// <summary>Something that happened, told to the coordinator role.</summary>
public abstract record CoordinatorInput;

/// <summary>A worker joined, its data was compared, and both its connections stand.</summary>
/// <param name="Worker">The worker.</param>
/// <param name="Name">How to name it to a person.</param>
/// <param name="Threads">Micro-batches it computes at a time.</param>
public sealed record WorkerJoined(WorkerId Worker, string Name, int Threads) : CoordinatorInput;

/// <summary>A worker's link was heard: its lease begins anew.</summary>
/// <param name="Worker">The worker.</param>
public sealed record WorkerHeard(WorkerId Worker) : CoordinatorInput;

/// <summary>A worker asked to leave: it ends what it has and is dealt no more.</summary>
/// <param name="Worker">The worker.</param>
public sealed record WorkerLeaving(WorkerId Worker) : CoordinatorInput;

/// <summary>A worker's connection ended.</summary>
/// <param name="Worker">The worker.</param>
/// <param name="Reason">Why, for a person.</param>
public sealed record WorkerGone(WorkerId Worker, string Reason) : CoordinatorInput;

/// <summary>A worker returned the scores of a part of an evaluation.</summary>
/// <param name="Worker">The worker.</param>
/// <param name="Result">Its message.</param>
/// <param name="Correct">How many of its predictions are right.</param>
public sealed record EvaluationReturned(WorkerId Worker, EvaluationResult Result, int Correct) : CoordinatorInput;

/// <summary>The parameter server accepted a node.</summary>
/// <param name="Step">The step.</param>
/// <param name="Node">The node.</param>
/// <param name="Worker">Who computed it.</param>
/// <param name="Statistics">Its sums.</param>
/// <param name="PendingNodes">Nodes that the server now holds unmerged.</param>
public sealed record NodeAccepted(
    StepNumber Step, TreeNode Node, WorkerId Worker, NodeStatistics Statistics, int PendingNodes) : CoordinatorInput;

/// <summary>The parameter server dropped a node: a duplicate, or of another step or fence.</summary>
/// <param name="Worker">Who sent it.</param>
/// <param name="MicroBatches">Micro-batches of the node.</param>
/// <param name="ComputeMicroseconds">Time spent computing them.</param>
public sealed record NodeDropped(WorkerId Worker, int MicroBatches, long ComputeMicroseconds) : CoordinatorInput;

/// <summary>A step was applied and its parameters published.</summary>
/// <param name="Step">The step.</param>
/// <param name="Version">The version under which the new parameters were published.</param>
/// <param name="Statistics">The whole mini-batch's sums.</param>
public sealed record StepApplied(
    StepNumber Step, ParameterVersion Version, NodeStatistics Statistics) : CoordinatorInput;

/// <summary>A step was cancelled before it was complete; nothing of it was applied.</summary>
/// <param name="Step">The step.</param>
public sealed record StepCancelled(StepNumber Step) : CoordinatorInput;

/// <summary>A step's loss was not finite; it was not applied.</summary>
/// <param name="Step">The step.</param>
/// <param name="Layer">The first layer in which a value is not finite.</param>
public sealed record StepNotFinite(StepNumber Step, string Layer) : CoordinatorInput;

/// <summary>Parameters were published as <see cref="PublishParameters"/> asked.</summary>
/// <param name="Version">Their version.</param>
/// <param name="Choice">Which they are.</param>
public sealed record ParametersPublished(ParameterVersion Version, ParameterChoice Choice) : CoordinatorInput;

/// <summary>A checkpoint is safely on disk.</summary>
/// <param name="Id">Which one.</param>
public sealed record CheckpointSaved(long Id) : CoordinatorInput;

/// <summary>A checkpoint could not be saved; the one before stands.</summary>
/// <param name="Id">Which one.</param>
/// <param name="Reason">A sentence for a person.</param>
public sealed record CheckpointFailed(long Id, string Reason) : CoordinatorInput;

/// <summary>Someone asked the run to stop so that it can be resumed.</summary>
public sealed record StopRequested : CoordinatorInput;

/// <summary>No worker is left and none will be started any more.</summary>
/// <param name="Reason">A sentence for a person.</param>
/// <param name="UserError">Whether the cause is the user's mistake.</param>
public sealed record WorkersExhausted(string Reason, bool UserError) : CoordinatorInput;

/// <summary>The role's deadline passed.</summary>
public sealed record DeadlineReached : CoordinatorInput;
