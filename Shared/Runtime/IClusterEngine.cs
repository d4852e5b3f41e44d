using Distributed.Protocol;
using Microsoft.Extensions.Logging;

namespace Distributed.Runtime;

/// <summary>
/// An engine that finds the coordinator wherever it runs: nodes on several machines form a cluster, and one of those
/// that may coordinate does.
/// </summary>
public interface IClusterEngine
{
    /// <summary>By which it is asked for: <c>akka</c>.</summary>
    string Name { get; }

    /// <summary>The version of the library it rests on.</summary>
    string Version { get; }

    /// <summary>Starts a node that may coordinate.</summary>
    /// <exception cref="LinkException">The address can't be had, or must not be used.</exception>
    ICoordinatorNode StartCoordinator(CoordinatorNodeOptions options);

    /// <summary>Starts a worker's node.</summary>
    /// <exception cref="LinkException">Nobody is there, or the address must not be used.</exception>
    IWorkerNode StartWorker(WorkerNodeOptions options);
}

/// <summary>What a node that may coordinate is told.</summary>
public sealed record CoordinatorNodeOptions
{
    /// <summary>Where it listens, and by which name others call it.</summary>
    public required HostAddress Listen { get; init; }

    /// <summary>Every node that may coordinate, as HOST:PORT, this one too; empty: this one alone.</summary>
    public IReadOnlyList<string> SeedNodes { get; init; } = [];

    /// <summary>Whether it only joins a cluster that others began.</summary>
    public bool StandsBy { get; init; }

    /// <summary>How its connections are kept from others.</summary>
    public LinkSecurity Security { get; init; } = LinkSecurity.LoopbackOnly;

    /// <summary>What a peer may make this process read, hold or wait for.</summary>
    public ProtocolLimits Limits { get; init; } = ProtocolLimits.Default;

    /// <summary>Told in sentences what happens to the cluster.</summary>
    public required Action<string> Say { get; init; }

    /// <summary>Where the library's log goes.</summary>
    public required ILoggerFactory Loggers { get; init; }
}

/// <summary>What a worker's node is told.</summary>
public sealed record WorkerNodeOptions
{
    /// <summary>Every node that may coordinate, as HOST:PORT; to join, one that is there is enough.</summary>
    public required IReadOnlyList<string> SeedNodes { get; init; }

    /// <summary>How its connections are kept from others.</summary>
    public LinkSecurity Security { get; init; } = LinkSecurity.LoopbackOnly;

    /// <summary>What a peer may make this process read, hold or wait for.</summary>
    public ProtocolLimits Limits { get; init; } = ProtocolLimits.Default;

    /// <summary>Where the library's log goes.</summary>
    public required ILoggerFactory Loggers { get; init; }
}

/// <summary>A node that may coordinate. Disposing it leaves the cluster: another one coordinates then.</summary>
public interface ICoordinatorNode : IEngine, IAsyncDisposable
{
    /// <summary>Where others join.</summary>
    HostAddress Address { get; }

    /// <summary>
    /// Completed when it is this node's turn to coordinate; from then on until <see cref="Lost"/> there is no other in
    /// its part of the cluster.
    /// </summary>
    /// <exception cref="LinkException">The node was lost before.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> asked for it.</exception>
    Task LeadAsync(CancellationToken stop);

    /// <summary>Cancelled when it must coordinate no longer: it was cut off from the others, or left.</summary>
    CancellationToken Lost { get; }

    /// <summary>Lets workers in from now on.</summary>
    /// <param name="token">The run's secret.</param>
    /// <param name="handler">Takes their control links.</param>
    void Open(string token, IListenerHandler handler);
}

/// <summary>A worker's node. Disposing it leaves the cluster.</summary>
public interface IWorkerNode : IEngine, IAsyncDisposable
{
    /// <summary>
    /// Whether it was cut off from the others for good; another one has to be started in its place.
    /// </summary>
    bool IsLost { get; }

    /// <summary>Asks whoever coordinates to be let in; then call <see cref="IControlLink.Start"/> with the welcome.
    /// </summary>
    /// <param name="hello">Who asks.</param>
    /// <param name="milliseconds">How long to wait for an answer.</param>
    /// <exception cref="LinkException">It said no, or nobody said anything in time.</exception>
    (IControlLink Link, Welcome Welcome) Join(Hello hello, int milliseconds);
}
