namespace Distributed.Roles;

/// <summary>
/// What a node of the reduction tree carries beside its gradient: sums over the samples it covers.
/// </summary>
/// <param name="Samples">How many samples the node covers.</param>
/// <param name="LossSum">The sum of their losses, added along the tree in double.</param>
/// <param name="Correct">How many of them were classified correctly.</param>
/// <param name="ComputeMicroseconds">Time spent computing the node's micro-batches, summed over threads.</param>
public readonly record struct NodeStatistics(int Samples, double LossSum, int Correct, long ComputeMicroseconds)
{
    /// <summary>The statistics of the parent of two sibling nodes: left plus right, in that order.</summary>
    public static NodeStatistics Merge(in NodeStatistics left, in NodeStatistics right) => new(
        left.Samples + right.Samples,
        left.LossSum + right.LossSum,
        left.Correct + right.Correct,
        left.ComputeMicroseconds + right.ComputeMicroseconds);
}

/// <summary>A gradient buffer that the execution layer owns and roles name by number.</summary>
/// <param name="Value">The buffer's number.</param>
public readonly record struct BufferId(int Value);
