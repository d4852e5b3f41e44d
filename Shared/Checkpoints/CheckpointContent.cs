namespace Distributed.Checkpoints;

/// <summary>What one checkpoint holds.</summary>
public sealed record CheckpointContent
{
    /// <summary>Steps done.</summary>
    public required long Step { get; init; }

    /// <summary>The epoch that the next step belongs to, as the caller counts.</summary>
    public required int Epoch { get; init; }

    /// <summary>The writing coordinator's fence number, 1 or more; readers take the highest.</summary>
    public required int Fence { get; init; }

    /// <summary>
    /// Parameters, running statistics and optimizer state (<c>optimizer.STATE.PARAMETER</c>), unpadded, in PyTorch's
    /// names and shapes.
    /// </summary>
    public required IReadOnlyList<TensorSource> Tensors { get; init; }

    /// <summary>The caller's own entries: the run's specification, ledger, scores and so on.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether these parameters are the best so far; then <c>best</c> moves to this checkpoint.</summary>
    public bool IsBest { get; init; }
}

/// <summary>A checkpoint that is safely on the disk.</summary>
/// <param name="Path">Its file.</param>
/// <param name="Bytes">The file's length.</param>
/// <param name="WeightsSha256">The hash of its weights, see <see cref="WeightsHash"/>.</param>
public sealed record SavedCheckpoint(string Path, long Bytes, string WeightsSha256);
