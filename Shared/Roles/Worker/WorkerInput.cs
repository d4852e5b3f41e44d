using Distributed.Protocol;

namespace Distributed.Roles.Worker;

/// <summary>What kind of thing happened to a worker.</summary>
public enum WorkerInputKind
{
    /// <summary>A Train message came: all that is owed for a step.</summary>
    Train,

    /// <summary>A Credit message came.</summary>
    Credit,

    /// <summary>An Evaluate message came.</summary>
    Evaluate,

    /// <summary>Parameters arrived whole in the waiting block.</summary>
    ParametersArrived,

    /// <summary>The parameters in use were prepared for compute.</summary>
    Prepared,

    /// <summary>The gradient of a node's micro-batches was computed.</summary>
    Computed,

    /// <summary>A micro-batch was evaluated.</summary>
    Evaluated,
}

/// <summary>
/// Something that happened, told to the worker role. A struct, so that a training step allocates nothing;
/// <see cref="Message"/> is read before <see cref="WorkerRole.Handle"/> returns and may be reused afterwards.
/// </summary>
/// <param name="Kind">What happened.</param>
/// <param name="Message">The message, for the kinds that are one.</param>
/// <param name="Thread">The compute thread that became free (Computed, Evaluated).</param>
/// <param name="Version">The parameters' version (ParametersArrived, Prepared).</param>
/// <param name="Step">The step that was computed for.</param>
/// <param name="MicroBatch">Index of the leaf in its evaluation part (Evaluated).</param>
/// <param name="Buffer">Where the gradient is (Computed), or the evaluation part's slot (Evaluated).</param>
/// <param name="Node">What was computed (Computed).</param>
/// <param name="Statistics">The node's sums.</param>
public readonly record struct WorkerInput(
    WorkerInputKind Kind,
    Message? Message = null,
    int Thread = 0,
    ParameterVersion Version = default,
    StepNumber Step = default,
    int MicroBatch = 0,
    BufferId Buffer = default,
    TreeNode Node = default,
    NodeStatistics Statistics = default);

/// <summary>What kind of thing a worker role wants done.</summary>
public enum WorkerEffectKind
{
    /// <summary>Take the waiting parameters into use and prepare them; then report Prepared.</summary>
    UseParameters,

    /// <summary>
    /// Compute the gradient of a node's micro-batches, summed along the tree, on a thread; then report Computed.
    /// </summary>
    Compute,

    /// <summary>Evaluate a micro-batch on a thread; then report Evaluated.</summary>
    Evaluate,

    /// <summary>Buffer += Source, before the next effect.</summary>
    Add,

    /// <summary>Push a node from a buffer, before the next effect.</summary>
    Push,

    /// <summary>Send the results of an evaluation part from its slot.</summary>
    SendResult,
}

/// <summary>
/// Something that a worker role wants done. A struct, for the same reason as <see cref="WorkerInput"/>.
/// </summary>
/// <param name="Kind">What to do.</param>
/// <param name="Thread">On which compute thread.</param>
/// <param name="Version">Which parameters.</param>
/// <param name="Step">For which step.</param>
/// <param name="Epoch">Which epoch's order of samples.</param>
/// <param name="First">Position of the first sample in that order, or in the data part.</param>
/// <param name="Count">How many samples.</param>
/// <param name="MicroBatch">Index of the leaf in its evaluation part.</param>
/// <param name="Buffer">The gradient buffer, or the evaluation part's slot.</param>
/// <param name="Source">The buffer to add.</param>
/// <param name="Node">The node to compute or push.</param>
/// <param name="Statistics">Its sums.</param>
/// <param name="Evaluation">Which evaluation.</param>
/// <param name="Split">Of which data part.</param>
/// <param name="PartSamples">Samples of the whole evaluation part.</param>
public readonly record struct WorkerEffect(
    WorkerEffectKind Kind,
    int Thread = 0,
    ParameterVersion Version = default,
    StepNumber Step = default,
    int Epoch = 0,
    int First = 0,
    int Count = 0,
    int MicroBatch = 0,
    BufferId Buffer = default,
    BufferId Source = default,
    TreeNode Node = default,
    NodeStatistics Statistics = default,
    long Evaluation = 0,
    DataSplit Split = default,
    int PartSamples = 0);
