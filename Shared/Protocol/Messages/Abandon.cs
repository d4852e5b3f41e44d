namespace Distributed.Protocol;

/// <summary>Coordinator to worker: what is left of the step is no longer wanted.</summary>
/// <param name="Fence">The coordinator's fence.</param>
/// <param name="Step">The step.</param>
public sealed record Abandon(Fence Fence, StepNumber Step) : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Abandon;
}
