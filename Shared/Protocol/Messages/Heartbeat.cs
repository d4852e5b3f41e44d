namespace Distributed.Protocol;

/// <summary>Both ways, from the link's own thread: the process lives. Links send and take these themselves; no role
/// sees one.</summary>
public sealed record Heartbeat : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Heartbeat;

    /// <summary>The coordinator's fence.</summary>
    public Fence Fence { get; set; }
}
