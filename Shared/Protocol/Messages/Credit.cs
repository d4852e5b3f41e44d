namespace Distributed.Protocol;

/// <summary>Coordinator to worker: so many more gradients of a step may be pushed. Mutable and reused: see
/// <see cref="Message"/>.</summary>
public sealed record Credit : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Credit;

    /// <summary>The coordinator's fence.</summary>
    public Fence Fence { get; set; }

    /// <summary>The step it counts for.</summary>
    public StepNumber Step { get; set; }

    /// <summary>How many more.</summary>
    public int Count { get; set; }
}
