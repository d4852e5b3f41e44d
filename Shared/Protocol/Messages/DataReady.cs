namespace Distributed.Protocol;

/// <summary>Coordinator to worker: the data connection is taken; tensors may follow both ways.</summary>
public sealed record DataReady : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.DataReady;
}
