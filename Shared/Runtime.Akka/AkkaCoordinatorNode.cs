using System.Net;
using System.Net.Sockets;
using Akka.Cluster.Hosting;
using Akka.Hosting;

namespace Distributed.Runtime.Akka;

/// <summary>A node that may coordinate; the cluster singleton says when it is its turn.</summary>
internal sealed class AkkaCoordinatorNode : ICoordinatorNode
{
    private readonly Leadership _leadership;
    private readonly AkkaHost _host;
    private readonly bool _isAlone; // nobody could take over
    private volatile bool _leaving;

    private AkkaCoordinatorNode(AkkaHost host, Leadership leadership, HostAddress address, bool isAlone)
    {
        _isAlone = isAlone;
        _host = host;
        _leadership = leadership;
        Address = address;
        Time = new SchedulerTime(host.System.Scheduler);
        _ = WatchAsync();
    }

    /// <inheritdoc/>
    public HostAddress Address { get; }

    /// <inheritdoc/>
    public TimeProvider Time { get; }

    /// <inheritdoc/>
    public CancellationToken Lost => _leadership.Lost;

    /// <summary>Starts the node.</summary>
    /// <exception cref="LinkException">The address can't be had, or must not be used.</exception>
    public static AkkaCoordinatorNode Start(CoordinatorNodeOptions options)
    {
        HostAddress address = WithPort(options.Listen);
        string self = address.ToString();
        List<string> coordinators = [.. options.SeedNodes];
        if (!coordinators.Contains(self)) coordinators.Add(self);
        string[] seeds = Order(coordinators, self, options.StandsBy);
        int quorum = AkkaSettings.Quorum(coordinators.Count);
        Leadership leadership = new();
        AkkaHost host = AkkaHost.Start(
            AkkaSettings.Remote(address.Host, address.EndPoint.Address.ToString(), address.EndPoint.Port),
            AkkaSettings.Cluster(AkkaSettings.CoordinatorRole, seeds, quorum), options.Security, options.Loggers,
            akka => akka
                .WithActors((system, _) => system.ActorOf(ClusterWatch.Props(quorum, options.Say), "watch"))
                .WithSingleton<CoordinatorSingleton>(
                    AkkaSettings.Singleton, CoordinatorSingleton.Props(leadership, quorum, options.Limits),
                    new ClusterSingletonOptions { Role = AkkaSettings.CoordinatorRole }, createProxyToo: false));
        return new AkkaCoordinatorNode(host, leadership, address, coordinators.Count == 1);
    }

    /// <inheritdoc/>
    public Task LeadAsync(CancellationToken stop) => _leadership.Taken.WaitAsync(stop);

    /// <inheritdoc/>
    public void Open(string token, IListenerHandler handler) => _leadership.Open(token, handler);

    /// <inheritdoc/>
    public IActor<T> Start<T>(string name, Action<T> handler, Action<Exception> fault) =>
        RoleActor<T>.Start(_host.System, name, handler, fault);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _leaving = true;
        if (_isAlone) await _host.EndAsync().ConfigureAwait(false);
        else await _host.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Akka lets only the first seed begin a cluster, when no other answers it: that is the node which doesn't
    /// stand by.</summary>
    internal static string[] Order(IEnumerable<string> coordinators, string self, bool standsBy)
    {
        string[] others = [.. coordinators.Where(each => each != self).Select(Written)];
        return standsBy ? [.. others, Written(self)] : [Written(self), .. others];

        static string Written(string address)
        {
            (string host, int port) = HostAddress.Split(address, "--seed-nodes");
            return AkkaSettings.Address(host, port);
        }
    }

    private async Task WatchAsync()
    {
        await _host.System.WhenTerminated.ConfigureAwait(false);
        _leadership.Lose(_leaving
            ? "it was asked to stop"
            : "it was cut off, or stood still for too long, and the others go on without it");
    }

    // Port 0 is any free one, which others must be told before the node starts.
    private static HostAddress WithPort(HostAddress listen)
    {
        if (listen.EndPoint.Port != 0) return listen;
        using Socket socket = new(listen.EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(listen.EndPoint);
        return listen with { EndPoint = (IPEndPoint)socket.LocalEndPoint! };
    }
}
