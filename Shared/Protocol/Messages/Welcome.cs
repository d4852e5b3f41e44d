namespace Distributed.Protocol;

/// <summary>Coordinator to worker: the answer to a <see cref="Hello"/> that is let in.</summary>
/// <param name="Worker">The worker's number.</param>
/// <param name="Run">The run.</param>
/// <param name="Fence">The coordinator's fence; the worker sends and takes only messages that carry it.</param>
/// <param name="Specification">The run's specification, as JSON.</param>
/// <param name="DataDirectory">Where the coordinator found its data set; null: the worker looks for itself.</param>
/// <param name="LeaseMilliseconds">Silence after which either side counts the other as lost.</param>
/// <param name="HeartbeatMilliseconds">How often each side sends a <see cref="Heartbeat"/>.</param>
public sealed record Welcome(
    WorkerId Worker, RunId Run, Fence Fence, string Specification, string? DataDirectory,
    int LeaseMilliseconds, int HeartbeatMilliseconds)
    : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Welcome;
}
