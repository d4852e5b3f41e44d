namespace Distributed.Protocol;

/// <summary>Coordinator to worker: the answer to a <see cref="Hello"/> or <see cref="DataHello"/> that isn't let in.
/// The connection then closes.</summary>
/// <param name="Reason">One clear sentence for a person.</param>
public sealed record Refused(string Reason) : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Refused;
}
