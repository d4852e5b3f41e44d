using Distributed.Protocol;
using Xunit;

namespace Distributed.Runtime.Tests;

public class ControlLinkTests
{
    private static readonly Fence Fence = ControlPair.Fence;

    [Fact]
    public void Every_message_arrives_in_order_both_ways()
    {
        Message[] toWorker =
        [
            new Train { Fence = Fence, Samples = 100, MicroBatch = 32, Nodes = { new TreeNode(0, 4) }, Credits = 2 },
            new Evaluate(Fence, 1, new ParameterVersion(2), DataSplit.Test, 0, 100, 32),
            new Credit { Fence = Fence, Step = new StepNumber(1), Count = 1 },
            new Stop("Done."),
        ];
        Message[] toCoordinator =
        [
            new Ready("ab", 10),
            new EvaluationResult(Fence, 1, 0, 60_000, new double[1875], new int[60_000], 0),
            new Leaving("Bye."),
        ];
        using ControlPair pair = new();
        Assert.All(toWorker, message => Assert.True(pair.CoordinatorLink.Send(message)));
        Assert.All(toCoordinator, message => Assert.True(pair.WorkerLink.Send(message)));
        Assert.All(toWorker, message => Assert.Equal(message, pair.Worker.Messages.TakeSoon()));
        Assert.All(toCoordinator, message => Assert.Equal(message, pair.Coordinator.Messages.TakeSoon()));
    }

    [Fact]
    public void Messages_of_many_threads_stay_whole_and_in_each_threads_order()
    {
        const int Threads = 4;
        const int Each = 2000;
        using ControlPair pair = new();
        Parallel.For(0, Threads, new ParallelOptions { MaxDegreeOfParallelism = Threads }, thread =>
        {
            for (int i = 0; i < Each; i++)
                pair.CoordinatorLink.Send(new Credit { Fence = new Fence(thread), Step = new StepNumber(i) });
        });
        long[] next = new long[Threads];
        for (int i = 0; i < Threads * Each; i++)
        {
            Credit message = Assert.IsType<Credit>(pair.Worker.Messages.TakeSoon());
            Assert.Equal(next[message.Fence.Value]++, message.Step.Value);
        }
    }

    [Fact]
    public void Closing_is_told_once_on_both_sides()
    {
        using ControlPair pair = new();
        pair.WorkerLink.Dispose();
        pair.WorkerLink.Dispose();
        Assert.Equal(LinkEndKind.ClosedHere, pair.Worker.End.Kind);
        Assert.Equal(LinkEndKind.ClosedByPeer, pair.Coordinator.End.Kind);
        Assert.False(pair.WorkerLink.Send(new Leaving("late")));
        Assert.False(pair.CoordinatorLink.Send(new Stop("late")));
        Assert.Equal((1, 1), (pair.Worker.Ends, pair.Coordinator.Ends));
    }

    [Fact]
    public void Finishing_delivers_what_was_sent_and_then_ends()
    {
        using ControlPair pair = new();
        EvaluationResult large = new(Fence, 1, 0, 0, [], new int[500_000], 0);
        pair.WorkerLink.Send(large);
        pair.WorkerLink.Send(new Leaving("Bye."));
        pair.WorkerLink.Finish();
        Assert.False(pair.WorkerLink.Send(new Leaving("late")));
        Assert.Equal(large, pair.Coordinator.Messages.TakeSoon());
        Assert.Equal(new Leaving("Bye."), pair.Coordinator.Messages.TakeSoon());
        Assert.Equal(LinkEndKind.ClosedByPeer, pair.Coordinator.End.Kind);
        Assert.Equal(1, pair.Worker.End.Kind is LinkEndKind.ClosedByPeer or LinkEndKind.ClosedHere ? 1 : 0);
    }

    [Fact]
    public void Finishing_a_link_that_was_never_started_closes_it()
    {
        using TestListener listener = new();
        using RawPeer peer = new(listener.EndPoint);
        peer.Send(ControlPair.Hello);
        IControlLink link = listener.Controls.TakeSoon().Link;
        link.Finish();
        Assert.Empty(peer.ReadToEnd());
        Assert.False(link.Send(new Stop("late")));
    }

    [Fact]
    public void Heartbeats_keep_an_idle_link_alive_past_its_lease()
    {
        using ControlPair pair = new(lease: 1000, heartbeat: 50);
        long start = Environment.TickCount64;
        Wait.Until(() => Environment.TickCount64 - start > 1500 || pair.Worker.HasEnded || pair.Coordinator.HasEnded);
        Assert.False(pair.Worker.HasEnded || pair.Coordinator.HasEnded);
        Assert.InRange(pair.WorkerLink.SilenceMilliseconds, 0, 1000);
        Assert.True(pair.Worker.HeardCount > 3 && pair.Coordinator.HeardCount > 3);
        Assert.Empty(pair.Worker.Messages);
    }

    [Fact]
    public void A_silent_peer_loses_its_lease()
    {
        using TestListener listener = new();
        using RawPeer peer = new(listener.EndPoint);
        peer.Send(ControlPair.Hello);
        (_, IControlLink link) = listener.Controls.TakeSoon();
        ControlRecorder recorder = new();
        link.Accept(new Welcome(default, default, Fence, "{}", null, 200, 50), recorder);
        Assert.Equal(new LinkEnd(LinkEndKind.TimedOut, "the peer was silent for 200 ms"), recorder.End);
    }

    [Fact]
    public void A_peer_that_never_reads_is_cut_off_without_blocking_the_sender()
    {
        ProtocolLimits limits = new() { MaxQueuedBytes = 1 << 20 };
        using TestListener listener = new(limits);
        using RawPeer peer = new(listener.EndPoint);
        peer.Send(ControlPair.Hello);
        (_, IControlLink link) = listener.Controls.TakeSoon();
        ControlRecorder recorder = new();
        link.Accept(new Welcome(default, default, Fence, "{}", null, 60_000, 20_000), recorder);
        Stop large = new(new string('x', 100_000));
        Wait.Until(() => !link.Send(large));
        Assert.Equal(LinkEndKind.TimedOut, recorder.End.Kind);
    }

    public static TheoryData<string, byte[]> BadBytes()
    {
        byte[] credit = RawPeer.Frame(new Credit());
        byte[] heartbeat = RawPeer.Frame(new Heartbeat { Fence = Fence });
        byte[] empty = RawPeer.Frame(new DataReady()).WithKind((byte)MessageKind.Heartbeat);
        byte[] Changed(byte[] frame, int at, byte value)
        {
            byte[] copy = [.. frame];
            copy[at] = value;
            return copy;
        }
        return new()
        {
            { "the peer sent bytes that are not this protocol's", "GET / HTTP/1.1\r\n\r\n"u8.ToArray() },
            { "the peer sent a frame with reserved bits set", Changed(heartbeat, 6, 1) },
            { "the peer sent a length above its limit", Changed(heartbeat, 11, 0x7f) },
            { "the peer sent a payload of the wrong length", Changed(heartbeat, 12, 1) },
            { "the peer sent a message that does not belong on this connection", Changed(heartbeat, 4, 99) },
            { "the peer sent a message that does not belong on this connection", credit },
            { "the peer sent a message that does not belong on this connection", RawPeer.Frame(ControlPair.Hello) },
            { "the peer sent a message that does not belong on this connection", RawPeer.Frame(new Heartbeat()) },
            { "the peer sent a number out of its range", RawPeer.Frame(new Ready("", -1)) },
            { "the peer sent a message without a required field", empty },
            { "the peer sent bytes after the end of a message", [.. heartbeat.WithHeaderBytes(4), 0xc0] },
        };
    }

    [Theory]
    [MemberData(nameof(BadBytes))]
    public void Bad_bytes_end_the_link_with_their_reason(string reason, byte[] bytes)
    {
        using TestListener listener = new();
        using RawPeer peer = new(listener.EndPoint);
        peer.Send(ControlPair.Hello);
        (_, IControlLink link) = listener.Controls.TakeSoon();
        ControlRecorder recorder = new();
        link.Accept(new Welcome(default, default, Fence, "{}", null, 60_000, 20_000), recorder);
        peer.Send(new Ready("ok", 1));
        peer.Send(bytes);
        Assert.Equal(new LinkEnd(LinkEndKind.ProtocolError, reason), recorder.End);
        Assert.Equal([new Ready("ok", 1)], recorder.Messages.ToArray());
        Assert.Equal(1, recorder.Ends);
    }
}

internal static class FrameBytes
{
    public static byte[] WithHeaderBytes(this byte[] frame, byte length)
    {
        byte[] copy = [.. frame];
        copy[8] = length;
        return copy;
    }
}
