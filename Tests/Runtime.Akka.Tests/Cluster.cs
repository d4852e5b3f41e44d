using System.Collections.Concurrent;
using System.Net;
using Distributed.Protocol;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Distributed.Runtime.Akka.Tests;

/// <summary>Nodes on loopback, in this process, that form a cluster.</summary>
internal sealed class Cluster : IAsyncDisposable
{
    public const string Token = "the run's token";

    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly List<IAsyncDisposable> _nodes = [];

    /// <summary>What the coordinator's nodes said.</summary>
    public ConcurrentQueue<string> Said { get; } = [];

    /// <summary>Starts a node that may coordinate.</summary>
    public ICoordinatorNode Coordinator(HostAddress? listen = null, string[]? seeds = null, bool standsBy = false)
    {
        ICoordinatorNode node = AkkaEngine.Instance.StartCoordinator(new CoordinatorNodeOptions
        {
            Listen = listen ?? Loopback(0),
            SeedNodes = seeds ?? [],
            StandsBy = standsBy,
            Say = Said.Enqueue,
            Loggers = NullLoggerFactory.Instance,
        });
        _nodes.Add(node);
        return node;
    }

    /// <summary>Starts a worker's node.</summary>
    public IWorkerNode Worker(params string[] seeds)
    {
        IWorkerNode node = AkkaEngine.Instance.StartWorker(new WorkerNodeOptions
        {
            SeedNodes = seeds,
            Loggers = NullLoggerFactory.Instance,
        });
        _nodes.Add(node);
        return node;
    }

    /// <summary>A coordinator that leads, and a worker's node that knows it.</summary>
    public async Task<(Door Door, IWorkerNode Worker)> PairAsync()
    {
        ICoordinatorNode coordinator = Coordinator();
        await coordinator.LeadAsync(CancellationToken.None).WaitAsync(Deadline);
        Door door = new();
        coordinator.Open(Token, door);
        return (door, Worker(coordinator.Address.ToString()));
    }

    public static HostAddress Loopback(int port) => new("127.0.0.1", new IPEndPoint(IPAddress.Loopback, port));

    public static Hello Hello(string token = Token, int protocol = ProtocolVersion.Current) =>
        new(protocol, token, "1.0", "fp32-cpu-1", "here", 42, 2, -1);

    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable node in _nodes) await node.DisposeAsync();
    }

    /// <summary>Keeps whom the coordinator's node lets in.</summary>
    public sealed class Door : IListenerHandler
    {
        public BlockingCollection<(Hello Hello, IControlLink Link)> Opened { get; } = [];

        public BlockingCollection<string> Rejections { get; } = [];

        public void ControlOpened(Hello hello, IControlLink link) => Opened.Add((hello, link));

        public void DataOpened(DataHello hello, DataLink<ParametersHeader, GradientHeader> link) =>
            throw new InvalidOperationException("Tensors don't come here.");

        public void Rejected(in Rejection rejection) => Rejections.Add(rejection.Reason);
    }

    /// <summary>Keeps what a link brings.</summary>
    public sealed class Recorder : IControlHandler
    {
        private readonly TaskCompletionSource<LinkEnd> _end = new();

        public BlockingCollection<Message> Messages { get; } = [];

        public LinkEnd End => _end.Task.Wait(Deadline) ? _end.Task.Result : throw new TimeoutException("no end");

        public bool HasEnded => _end.Task.IsCompleted;

        public void Received(IControlLink link, Message message) => Messages.Add(message);

        public void Ended(IControlLink link, LinkEnd end) => _end.SetResult(end);
    }
}

internal static class Waiting
{
    public static T TakeSoon<T>(this BlockingCollection<T> items) =>
        items.TryTake(out T? item, Cluster.Deadline) ? item : throw new TimeoutException("nothing came");
}
