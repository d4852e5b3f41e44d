namespace Distributed.Protocol;

/// <summary>Worker to coordinator: the worker goes of its own accord; its work is free at once.</summary>
/// <param name="Reason">One clear sentence for a person.</param>
public sealed record Leaving(string Reason) : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Leaving;
}
