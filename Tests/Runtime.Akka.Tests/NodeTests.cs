using System.Net;
using System.Runtime.Serialization;
using Akka.Actor;
using Xunit;

namespace Distributed.Runtime.Akka.Tests;

/// <summary>Who coordinates, who may begin a cluster, and what a node refuses.</summary>
public sealed class NodeTests : IAsyncDisposable
{
    private readonly Cluster _cluster = new();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public void OnlyANodeThatDoesNotStandByMayBeginACluster()
    {
        string[] all = ["a:1", "b:2", "c:3"];
        Assert.Equal(Written("b:2", "a:1", "c:3"), AkkaCoordinatorNode.Order(all, "b:2", standsBy: false));
        Assert.Equal(Written("a:1", "c:3", "b:2"), AkkaCoordinatorNode.Order(all, "b:2", standsBy: true));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 2)]
    [InlineData(5, 3)]
    public void AQuorumIsAMajority(int coordinators, int quorum)
    {
        Assert.Equal(quorum, AkkaSettings.Quorum(coordinators));
        Assert.True(2 * quorum > coordinators);
    }

    [Fact]
    public async Task NobodyCoordinatesBeforeAMajorityIsThereAndThenOneDoes()
    {
        string[] seeds = Ports(3);
        ICoordinatorNode first = Start(seeds, 0, standsBy: false);
        Task lead = first.LeadAsync(CancellationToken.None);
        ICoordinatorNode second = Start(seeds, 1, standsBy: true);
        await Task.WhenAny(lead, second.LeadAsync(CancellationToken.None)).WaitAsync(Cluster.Deadline);
        Assert.Contains(_cluster.Said, line => line.Contains("1 of the 2 are there", StringComparison.Ordinal));
        await (lead.IsCompleted ? first : second).DisposeAsync();
        ICoordinatorNode third = Start(seeds, 2, standsBy: true);
        Task successor = (lead.IsCompleted ? second : first).LeadAsync(CancellationToken.None);
        await Task.WhenAny(successor, third.LeadAsync(CancellationToken.None)).WaitAsync(Cluster.Deadline);
    }

    [Fact]
    public async Task ThePortThatIsTakenIsNamed()
    {
        ICoordinatorNode node = _cluster.Coordinator();
        await node.LeadAsync(CancellationToken.None).WaitAsync(Cluster.Deadline);
        LinkException error = Assert.Throws<LinkException>(() => _cluster.Coordinator(node.Address));
        Assert.Equal($"Port {node.Address.EndPoint.Port} on 127.0.0.1 is in use; choose another.", error.Message);
    }

    [Fact]
    public void BeyondLoopbackNothingListensWithoutTls()
    {
        HostAddress outside = new("192.0.2.1", new IPEndPoint(IPAddress.Parse("192.0.2.1"), 5000));
        LinkException error = Assert.Throws<LinkException>(() => _cluster.Coordinator(outside));
        Assert.Contains("links leave this machine only with TLS", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatIsNoneOfOursIsNotSerialized()
    {
        using ActorSystem system = ActorSystem.Create("test", AkkaSettings.Rest);
        Assert.Throws<SerializationException>(() => system.Serialization.FindSerializerFor(new object()).ToBinary(1));
        Assert.Null(Record.Exception(() => system.Serialization.FindSerializerFor(new Frame(1, []))));
        FrameSerializer serializer = new((ExtendedActorSystem)system);
        Frame frame = new(7, [1, 2, 3]);
        Frame read = (Frame)serializer.FromBinary(serializer.ToBinary(frame), serializer.Manifest(frame));
        Assert.Equal((7, "1,2,3"), (read.Number, string.Join(',', read.Bytes)));
        foreach ((byte[] bytes, string manifest) in ((byte[], string)[])[([], "f"), ([1, 2], "f"), (new byte[9], "g")])
            Assert.Throws<SerializationException>(() => serializer.FromBinary(bytes, manifest));
        Assert.Throws<ArgumentException>(() => serializer.ToBinary("text"));
        await system.Terminate();
    }

    [Fact]
    public async Task ARolesActorTakesItemsInOrderAndABrokenOneIsToldOnce()
    {
        ICoordinatorNode node = _cluster.Coordinator();
        List<int> seen = [];
        TaskCompletionSource<Exception> fault = new();
        IActor<int> actor = node.Start<int>("test", Take, fault.SetResult);
        for (int i = 0; i < 1000; i++) actor.Post(i);
        actor.Post(-1);
        Exception broken = await fault.Task.WaitAsync(Cluster.Deadline);
        actor.Post(5);
        Assert.Equal("broken", broken.Message);
        Assert.Equal(Enumerable.Range(0, 1000), seen);

        void Take(int item)
        {
            if (item < 0) throw new InvalidOperationException("broken");
            seen.Add(item);
        }
    }

    [Fact]
    public async Task ADeadlineIsToldByTheSchedulerOnce()
    {
        ICoordinatorNode node = _cluster.Coordinator();
        int reached = 0;
        TaskCompletionSource told = new();
        using DeadlineTimer timer = new(node.Time, () =>
        {
            reached++;
            told.TrySetResult();
        });
        timer.Arm(timer.Now + TimeSpan.FromMilliseconds(30));
        await told.Task.WaitAsync(Cluster.Deadline);
        Assert.Equal(1, reached);
    }

    private ICoordinatorNode Start(string[] seeds, int index, bool standsBy) =>
        _cluster.Coordinator(HostAddress.Parse(seeds[index], "test"), seeds, standsBy);

    private static string[] Ports(int count)
    {
        System.Net.Sockets.TcpListener[] taken =
            [.. Enumerable.Range(0, count).Select(_ => new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0))];
        foreach (System.Net.Sockets.TcpListener listener in taken) listener.Start();
        string[] ports = [.. taken.Select(listener => $"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}")];
        foreach (System.Net.Sockets.TcpListener listener in taken) listener.Stop();
        return ports;
    }

    private static string[] Written(params string[] addresses) =>
        [.. addresses.Select(address => $"akka.tcp://distributed@{address}")];
}
