using System.Reflection;
using Akka.Actor;

namespace Distributed.Runtime.Akka;

/// <summary>The engine for many machines: Akka.Cluster finds the nodes, says which of them coordinates, and carries
/// control messages. Tensors go through links, as on the local engine.</summary>
public sealed class AkkaEngine : IClusterEngine
{
    /// <summary>The one there is; it has no state.</summary>
    public static AkkaEngine Instance { get; } = new();

    /// <inheritdoc/>
    public string Name => "akka";

    /// <inheritdoc/>
    public string Version => LibraryVersion;

    internal static string LibraryVersion { get; } =
        typeof(ActorSystem).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
            .Split('+')[0] ?? "?";

    /// <inheritdoc/>
    public ICoordinatorNode StartCoordinator(CoordinatorNodeOptions options) => AkkaCoordinatorNode.Start(options);

    /// <inheritdoc/>
    public IWorkerNode StartWorker(WorkerNodeOptions options) => AkkaWorkerNode.Start(options);
}
