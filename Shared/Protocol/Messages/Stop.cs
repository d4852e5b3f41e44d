namespace Distributed.Protocol;

/// <summary>Coordinator to worker: the run ends or goes on without you; finish and exit.</summary>
/// <param name="Reason">One clear sentence for a person.</param>
public sealed record Stop(string Reason) : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Stop;
}
