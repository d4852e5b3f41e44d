using Akka.Actor;
using Distributed.Protocol;
using Xunit;

namespace Distributed.Runtime.Akka.Tests;

/// <summary>A link through Akka.Remote must show what a connection would: all in order, or the end.</summary>
public sealed class ControlLinkTests : IAsyncDisposable
{
    private static readonly Fence Fence = new(3);
    private static readonly Welcome Welcome = new(new WorkerId(1), new RunId(1, 2), Fence, "{}", null, 60_000, 100);

    private readonly Cluster _cluster = new();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task MessagesArriveInOrderBothWaysAndTheEndIsSeen()
    {
        var (coordinator, worker, atCoordinator, atWorker) = await JoinAsync();
        for (int i = 0; i < 200; i++)
        {
            Credit credit = new() { Fence = Fence, Step = new StepNumber(i), Count = i };
            Assert.True(coordinator.Send(credit));
            credit.Count = -1; // it was written before Send returned
            Assert.True(worker.Send(new Ready($"{i}", i)));
        }

        for (int i = 0; i < 200; i++)
        {
            Assert.Equal(i, Assert.IsType<Credit>(atWorker.Messages.TakeSoon()).Count);
            Assert.Equal(new Ready($"{i}", i), atCoordinator.Messages.TakeSoon());
        }

        coordinator.Send(new Stop("it is done"));
        coordinator.Finish();
        Assert.Equal(new Stop("it is done"), atWorker.Messages.TakeSoon());
        Assert.Equal(LinkEndKind.ClosedByPeer, atWorker.End.Kind);
        Assert.Equal(LinkEndKind.ClosedHere, atCoordinator.End.Kind);
        Assert.False(coordinator.Send(new Stop("late")));
    }

    [Fact]
    public async Task AMessageBeyondAkkasDefaultFrameArrives()
    {
        var (_, worker, atCoordinator, _) = await JoinAsync();
        EvaluationResult large = new(Fence, 1, 0, 100_000, new double[3_000], new int[100_000], 0);
        worker.Send(large);
        Assert.Equal(100_000, Assert.IsType<EvaluationResult>(atCoordinator.Messages.TakeSoon()).Predictions.Length);
    }

    [Fact]
    public async Task ALostMessageEndsTheLink()
    {
        var (coordinator, worker, _, atWorker) = await JoinAsync();

        // Beyond the largest frame: Akka drops it with a line in the log and tells nobody.
        coordinator.Send(new Stop(new string('x', 5 << 20)));
        Assert.Equal(LinkEndKind.Failed, atWorker.End.Kind);
        Assert.Equal("1 messages were lost on the way", atWorker.End.Reason);
        Assert.Empty(atWorker.Messages);
        Assert.False(worker.Send(new Leaving("late")));
    }

    [Fact]
    public async Task WhoLacksTheTokenOrSpeaksAnotherVersionIsRefusedWithASentence()
    {
        (Cluster.Door door, IWorkerNode node) = await _cluster.PairAsync();
        Assert.Equal("The token is not this run's.", Refusal(node, Cluster.Hello(token: "wrong")));
        Assert.StartsWith(
            $"The coordinator speaks protocol {ProtocolVersion.Current} and the worker (program 1.0) speaks 9",
            Refusal(node, Cluster.Hello(protocol: 9)), StringComparison.Ordinal);
        Assert.Equal("The token is not this run's", door.Rejections.TakeSoon());
        Assert.Empty(door.Opened);
    }

    /// <summary>What was overheard opens nothing, and what was never asked for is asked for.</summary>
    [Fact]
    public async Task AHelloThatWasSaidBeforeIsTurnedAway()
    {
        (Cluster.Door door, IWorkerNode node) = await _cluster.PairAsync();
        Task joining = Task.Run(() => node.Join(Cluster.Hello(), 60_000));
        (Hello overheard, IControlLink link) = door.Opened.TakeSoon();
        link.Accept(Welcome, new Cluster.Recorder());
        await joining.WaitAsync(Cluster.Deadline);

        AkkaHost host = ((AkkaWorkerNode)node).Host;
        using Inbox stranger = Inbox.Create(host.System);
        IActorRef singleton = host.Registry.Get<CoordinatorSingleton>();
        singleton.Tell(Said(overheard), stranger.Receiver);
        Assert.Equal("it sent the hello of an earlier connection again", door.Rejections.TakeSoon());
        singleton.Tell(Said(overheard with { Token = "no proof of anything" }), stranger.Receiver);
        Assert.Equal(0, Assert.IsType<Frame>(stranger.Receive(Cluster.Deadline)).Number); // a challenge
        singleton.Tell(Said(overheard), stranger.Receiver);
        Assert.Equal("The token is not this run's", door.Rejections.TakeSoon());
        Assert.Empty(door.Opened);

        static Frame Said(Hello hello) => new(0, AkkaControlLink.Encode(hello));
    }

    [Fact]
    public async Task AMessageThatMayNotComeEndsTheLink()
    {
        var (_, worker, atCoordinator, _) = await JoinAsync();
        worker.Send(new Stop("workers don't say so"));
        Assert.Equal(LinkEndKind.ProtocolError, atCoordinator.End.Kind);
    }

    [Fact]
    public async Task ANodeThatLeavesEndsTheLink()
    {
        ICoordinatorNode node = _cluster.Coordinator();
        await node.LeadAsync(CancellationToken.None).WaitAsync(Cluster.Deadline);
        Cluster.Door door = new();
        node.Open(Cluster.Token, door);
        var (_, _, atCoordinator, atWorker) = Join(door, _cluster.Worker(node.Address.ToString()));
        await node.DisposeAsync();
        Assert.True(node.Lost.IsCancellationRequested);
        Assert.NotEqual(LinkEndKind.ProtocolError, atWorker.End.Kind);
        Assert.NotEqual(LinkEndKind.ProtocolError, atCoordinator.End.Kind);
    }

    [Fact]
    public void NobodyThereIsOneSentence()
    {
        LinkException error = Assert.Throws<LinkException>(() => _cluster.Worker("127.0.0.1:9"));
        Assert.Equal("No coordinator listens at 127.0.0.1:9.", error.Message);
    }

    private static string Refusal(IWorkerNode node, Hello hello)
    {
        LinkException error = Assert.Throws<LinkException>(() => node.Join(hello, 60_000));
        Assert.True(error.Refused);
        return error.Message;
    }

    private async Task<(IControlLink Coordinator, IControlLink Worker, Cluster.Recorder AtCoordinator,
        Cluster.Recorder AtWorker)> JoinAsync()
    {
        (Cluster.Door door, IWorkerNode node) = await _cluster.PairAsync();
        return Join(door, node);
    }

    private static (IControlLink Coordinator, IControlLink Worker, Cluster.Recorder AtCoordinator,
        Cluster.Recorder AtWorker) Join(Cluster.Door door, IWorkerNode node)
    {
        Task<(IControlLink Link, Welcome Welcome)> joining = Task.Run(() => node.Join(Cluster.Hello(), 60_000));
        (Hello hello, IControlLink coordinator) = door.Opened.TakeSoon();
        Assert.Equal(Cluster.Hello() with { Token = hello.Token }, hello);
        Assert.DoesNotContain(Cluster.Token, hello.Token, StringComparison.Ordinal);
        Cluster.Recorder atCoordinator = new(), atWorker = new();
        coordinator.Accept(Welcome, atCoordinator);
        Assert.True(joining.Wait(Cluster.Deadline));
        (IControlLink worker, Welcome welcome) = joining.Result;
        Assert.Equal(Welcome, welcome);
        worker.Start(welcome, atWorker);
        return (coordinator, worker, atCoordinator, atWorker);
    }
}
