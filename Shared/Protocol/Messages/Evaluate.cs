namespace Distributed.Protocol;

/// <summary>Coordinator to worker: score samples [First, First + Count) of a split.</summary>
/// <param name="Fence">The coordinator's fence.</param>
/// <param name="Evaluation">Numbers the evaluation within the fence.</param>
/// <param name="Version">The parameters to score.</param>
/// <param name="Split">The part of the data set.</param>
/// <param name="First">The first sample, a multiple of <paramref name="MicroBatch"/>.</param>
/// <param name="Count">How many samples.</param>
/// <param name="MicroBatch">Samples in a full micro-batch; the last may be short.</param>
public sealed record Evaluate(
    Fence Fence, long Evaluation, ParameterVersion Version, DataSplit Split, int First, int Count, int MicroBatch)
    : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Evaluate;
}
