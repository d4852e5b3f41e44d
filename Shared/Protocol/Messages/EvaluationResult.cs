namespace Distributed.Protocol;

/// <summary>Worker to coordinator: the answer to an <see cref="Evaluate"/>.</summary>
/// <param name="Fence">The coordinator's fence.</param>
/// <param name="Evaluation">The evaluation's number.</param>
/// <param name="First">The first sample, as asked.</param>
/// <param name="Count">How many samples, as asked.</param>
/// <param name="Losses">The loss sum of each micro-batch, in order from <paramref name="First"/>.</param>
/// <param name="Predictions">The predicted class of each sample.</param>
public sealed record EvaluationResult(
    Fence Fence, long Evaluation, int First, int Count, double[] Losses, int[] Predictions)
    : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.EvaluationResult;

    /// <summary>Equal field by field, arrays item by item.</summary>
    public bool Equals(EvaluationResult? other) =>
        other is not null && Fence == other.Fence && Evaluation == other.Evaluation && First == other.First
        && Count == other.Count && Losses.AsSpan().SequenceEqual(other.Losses)
        && Predictions.AsSpan().SequenceEqual(other.Predictions);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Fence, Evaluation, First, Count);
}
