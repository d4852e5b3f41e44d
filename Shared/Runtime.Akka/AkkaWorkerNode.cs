using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Cluster.Hosting;
using Distributed.Protocol;

namespace Distributed.Runtime.Akka;

/// <summary>A worker's node: finds whoever coordinates through the singleton's proxy.</summary>
internal sealed class AkkaWorkerNode : IWorkerNode
{
    private const int ConnectMilliseconds = 2_000;

    private readonly AkkaHost _host;
    private readonly string _seeds;
    private readonly ProtocolLimits _limits;

    private AkkaWorkerNode(AkkaHost host, string seeds, ProtocolLimits limits)
    {
        _limits = limits;
        _host = host;
        _seeds = seeds;
        Time = new SchedulerTime(host.System.Scheduler);
    }

    /// <inheritdoc/>
    public TimeProvider Time { get; }

    /// <summary>What it runs on.</summary>
    internal AkkaHost Host => _host;

    /// <inheritdoc/>
    public bool IsLost => _host.System.WhenTerminated.IsCompleted;

    /// <summary>Starts the node.</summary>
    /// <exception cref="LinkException">No seed is there, or the address must not be used.</exception>
    public static AkkaWorkerNode Start(WorkerNodeOptions options)
    {
        HostAddress[] seeds = [.. options.SeedNodes.Select(seed => HostAddress.Parse(seed, "--join"))];
        IPAddress own = seeds.Select(OwnAddress).FirstOrDefault(address => address is not null)
            ?? throw new LinkException($"No coordinator listens at {string.Join(" or ", options.SeedNodes)}.");
        AkkaHost host = AkkaHost.Start(
            AkkaSettings.Remote(own.ToString(), own.ToString(), port: 0),
            AkkaSettings.Cluster(
                AkkaSettings.WorkerRole,
                [.. seeds.Select(seed => AkkaSettings.Address(seed.Host, seed.EndPoint.Port))],
                AkkaSettings.Quorum(seeds.Length)),
            options.Security, options.Loggers,
            akka => akka.WithSingletonProxy<CoordinatorSingleton>(
                AkkaSettings.Singleton, new ClusterSingletonOptions { Role = AkkaSettings.CoordinatorRole }));
        return new AkkaWorkerNode(host, string.Join(", ", options.SeedNodes), options.Limits);
    }

    /// <inheritdoc/>
    public IActor<T> Start<T>(string name, Action<T> handler, Action<Exception> fault) =>
        RoleActor<T>.Start(_host.System, name, handler, fault);

    /// <inheritdoc/>
    public (IControlLink Link, Welcome Welcome) Join(Hello hello, int milliseconds)
    {
        AkkaControlLink link = new(_limits, isCoordinator: false);
        IActorRef proxy = _host.Registry.Get<CoordinatorSingleton>();
        LinkActor.Start(_host.System, link, proxy, hello);
        Task ended = Task.WhenAny(link.Answer, _host.System.WhenTerminated);
        if (!ended.Wait(milliseconds) || !link.Answer.IsCompleted)
        {
            link.End(LinkEnd.ClosedHere);
            throw new LinkException(IsLost
                ? $"This node was removed from the cluster of {_seeds}."
                : $"Nobody coordinates in the cluster of {_seeds}: there was no answer in {milliseconds / 1000} s.");
        }

        return link.Answer.GetAwaiter().GetResult() switch
        {
            Welcome welcome => (link, welcome),
            Refused refused => throw new LinkException(refused.Reason, refused: true),
            _ => throw new InvalidOperationException("The link took another answer."),
        };
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _host.DisposeAsync();

    // The address of this machine from which a seed is reached, which is also how others reach this machine.
    private static IPAddress? OwnAddress(HostAddress seed)
    {
        using Socket socket = new(seed.EndPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            return socket.ConnectAsync(seed.EndPoint).Wait(ConnectMilliseconds)
                ? ((IPEndPoint)socket.LocalEndPoint!).Address : null;
        }
        catch (AggregateException error) when (error.InnerException is SocketException)
        {
            return null;
        }
    }
}
