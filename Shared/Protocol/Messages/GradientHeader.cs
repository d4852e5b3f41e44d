namespace Distributed.Protocol;

/// <summary>Worker to coordinator, data connection: what stands before a node's gradient block. The block is the sum
/// (not the mean) over the node's samples.</summary>
/// <param name="Fence">The coordinator's fence.</param>
/// <param name="Step">The step.</param>
/// <param name="Node">The node of the step's reduction tree.</param>
/// <param name="Samples">Samples summed.</param>
/// <param name="LossSum">The loss summed over the samples, along the tree.</param>
/// <param name="Correct">How many samples were predicted right.</param>
/// <param name="ComputeMicroseconds">Compute time spent on the node, for dealing in proportion to speed.</param>
/// <param name="AllocatedBytes">Bytes the worker's process allocated on the managed heap since its last push.</param>
public readonly record struct GradientHeader(
    Fence Fence, StepNumber Step, TreeNode Node, int Samples, double LossSum, int Correct,
    long ComputeMicroseconds, long AllocatedBytes);
