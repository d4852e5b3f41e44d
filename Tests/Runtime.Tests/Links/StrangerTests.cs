using Distributed.Protocol;
using Xunit;

namespace Distributed.Runtime.Tests;

/// <summary>Connections that are no worker's: each is dropped for its own reason, and no worker is kept out.</summary>
public class StrangerTests
{
    private static readonly ProtocolLimits Limits = ProtocolLimits.Default;

    private readonly FakeTime _time = new();

    private static TimeSpan Deadline => TimeSpan.FromMilliseconds(Limits.HandshakeMilliseconds);

    [Fact]
    public void One_that_says_nothing_is_closed_at_the_deadline_and_not_before()
    {
        using TestListener listener = new(time: _time);
        using RawPeer silent = new(listener.EndPoint, knocks: false);
        using RawPeer barrier = new(listener.EndPoint);
        _time.Advance(Deadline - TimeSpan.FromMilliseconds(1));
        using RawPeer later = new(listener.EndPoint); // answered, so what was due has been done
        Assert.Empty(listener.Rejections);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        silent.RequireReset();
        Assert.Equal("it said nothing for 5000 ms", listener.Rejections.TakeSoon());
        Assert.Equal(RejectionKind.Silent, listener.Kinds.TakeSoon());
        later.Send(ControlPair.Hello);
        listener.Controls.TakeSoon().Link.Refuse("Enough.");
    }

    [Fact]
    public void One_that_is_slow_is_closed_at_the_same_deadline()
    {
        using TestListener listener = new(time: _time);
        using RawPeer slow = new(listener.EndPoint);
        byte[] hello = RawPeer.Frame(slow.Prove(ControlPair.Hello));
        slow.Send(hello.AsSpan(0, 20));
        using RawPeer later = new(listener.EndPoint);
        Assert.Empty(listener.Rejections);
        _time.Advance(Deadline);
        slow.RequireReset();
        Assert.Equal("the handshake took longer than 5000 ms", listener.Rejections.TakeSoon());
        Assert.Equal(RejectionKind.Slow, listener.Kinds.TakeSoon());
    }

    [Fact]
    public void One_that_trickles_is_closed_after_so_many_pieces()
    {
        using TestListener listener = new(Limits with { HandshakePiecesPerSecond = 3 }, time: _time);
        using RawPeer trickling = new(listener.EndPoint);
        byte[] hello = RawPeer.Frame(trickling.Prove(ControlPair.Hello));
        using (RawPeer fine = new(listener.EndPoint))
        {
            // A knock and two pieces are no trickle.
            byte[] other = RawPeer.Frame(fine.Prove(ControlPair.Hello));
            fine.Send(other.AsSpan(0, 20));
            fine.Send(other.AsSpan(20));
            listener.Controls.TakeSoon().Link.Refuse("Enough.");
            Assert.Equal(new Refused("Enough."), fine.Read());
        }

        List<RawPeer> barriers = []; // each is answered after a piece, which is so read apart from the next one
        for (int at = 0; listener.Rejections.Count == 0 && at < hello.Length - 1; at++)
        {
            if (trickling.TrySend(hello.AsSpan(at, 1))) barriers.Add(new RawPeer(listener.EndPoint));
        }

        Assert.Equal("its first messages came in more than 3 pieces a second", listener.Rejections.TakeSoon());
        Assert.Equal(RejectionKind.Trickled, listener.Kinds.TakeSoon());
        foreach (RawPeer barrier in barriers) barrier.Dispose();
    }

    private static readonly Hello Long = ControlPair.Hello with { Host = new string('x', 20_000) };

    public static TheoryData<string, byte[], RejectionKind> Strangers() => new()
    {
        {
            "the peer sent bytes that are not this protocol's", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(),
            RejectionKind.Rubbish
        },
        { "the peer sent a length above its limit", RawPeer.Frame(Long), RejectionKind.TooLong },
        {
            "the peer sent a message that does not belong on this connection", RawPeer.Frame(new Ready("", 1)),
            RejectionKind.Rubbish
        },
        {
            "the peer sent a message that does not belong on this connection",
            RawPeer.Frame(new Stop("")).WithKind(20), RejectionKind.Rubbish
        },
        {
            "the peer sent a number out of its range", RawPeer.Frame(ControlPair.Hello with { Threads = 0 }),
            RejectionKind.Rubbish
        },
    };

    [Theory]
    [MemberData(nameof(Strangers))]
    public void One_that_says_something_else_is_closed(string reason, byte[] bytes, RejectionKind kind)
    {
        using TestListener listener = new(time: _time);
        using RawPeer stranger = new(listener.EndPoint);
        stranger.Send(bytes);
        stranger.RequireReset();
        Assert.Equal(reason, listener.Rejections.TakeSoon());
        Assert.Equal(kind, listener.Kinds.TakeSoon());
        Assert.Empty(listener.Controls);
    }

    [Fact]
    public void One_that_leaves_is_forgotten()
    {
        using TestListener listener = new(time: _time);
        new RawPeer(listener.EndPoint).Dispose();
        Assert.Equal("the peer closed the connection", listener.Rejections.TakeSoon());
        Assert.Equal(RejectionKind.Left, listener.Kinds.TakeSoon());
    }

    [Fact]
    public void A_first_message_that_was_recorded_opens_nothing()
    {
        using TestListener listener = new(time: _time);
        using RawPeer worker = new(listener.EndPoint);
        Message[] recorded =
            [worker.Prove(ControlPair.Hello), worker.Prove(DataPair.Hello), worker.Prove(SamplesPair.Hello(0))];
        worker.Send(RawPeer.Frame(recorded[0]));
        IControlLink link = listener.Controls.TakeSoon().Link;
        foreach (Message hello in recorded)
        {
            using RawPeer replay = new(listener.EndPoint), hasty = new(listener.EndPoint, knocks: false);
            replay.Send(RawPeer.Frame(hello));
            Assert.Equal(new Refused("The token is not this run's."), replay.Read());
            Assert.Equal(RejectionKind.Replayed, listener.Kinds.TakeSoon());
            hasty.Send(RawPeer.Frame(hello));
            Assert.Equal(new Refused("The token is not this run's."), hasty.Read());
            Assert.Equal(RejectionKind.Replayed, listener.Kinds.TakeSoon());
        }

        Assert.Empty(listener.Controls);
        Assert.Empty(listener.Datas);
        Assert.Empty(listener.Samples);
        link.Refuse("Still here.");
        Assert.Equal(new Refused("Still here."), worker.Read());
    }

    [Fact]
    public void Beyond_the_limit_who_waited_longest_makes_room_for_a_worker()
    {
        using TestListener listener = new(Limits with { MaxPendingHandshakes = 2 }, time: _time);
        using RawPeer first = new(listener.EndPoint);
        using RawPeer second = new(listener.EndPoint);
        using RawPeer worker = new(listener.EndPoint);
        first.RequireReset();
        Assert.Equal("more than 2 connections wait to say who they are, and it waited longest",
            listener.Rejections.TakeSoon());
        Assert.Equal(RejectionKind.TooMany, listener.Kinds.TakeSoon());
        worker.Send(ControlPair.Hello);
        listener.Controls.TakeSoon().Link.Refuse("Enough.");
        Assert.Equal(new Refused("Enough."), worker.Read());
        Assert.Empty(listener.Rejections);
    }

    [Fact]
    public void No_more_are_accepted_than_the_rate_until_time_passes()
    {
        using TestListener listener = new(Limits with { AcceptsPerSecond = 3 }, time: _time);
        using RawPeer first = new(listener.EndPoint);
        using RawPeer second = new(listener.EndPoint);
        using RawPeer third = new(listener.EndPoint);
        Task<RawPeer> fourth = Task.Run(() => new RawPeer(listener.EndPoint)); // is challenged once it was accepted

        // Connections that were accepted are served meanwhile.
        first.Send(ControlPair.Hello);
        listener.Controls.TakeSoon().Link.Refuse("Enough.");
        Assert.False(fourth.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        fourth.Soon().Dispose();
    }

    [Fact]
    public void Connections_that_are_open_are_limited_until_one_ends()
    {
        using TestListener listener = new(Limits with { MaxConnections = 2 }, time: _time);
        using RawPeer first = new(listener.EndPoint);
        first.Send(ControlPair.Hello);
        IControlLink link = listener.Controls.TakeSoon().Link;
        using RawPeer second = new(listener.EndPoint);
        second.Send(DataPair.Hello);
        listener.Datas.TakeSoon();
        using RawPeer third = new(listener.EndPoint);
        third.Send(ControlPair.Hello);
        Assert.Equal(new Refused("There are 2 connections already; the coordinator's setting "
            + "DISTRIBUTED_LIMITS_MAX_CONNECTIONS allows more."), third.Read());
        Assert.Equal(RejectionKind.TooMany, listener.Kinds.TakeSoon());
        link.Refuse("Enough.");
        using RawPeer fourth = new(listener.EndPoint);
        fourth.Send(ControlPair.Hello);
        listener.Controls.TakeSoon();
    }
}

internal static class FrameKind
{
    public static byte[] WithKind(this byte[] frame, byte kind)
    {
        byte[] copy = [.. frame];
        copy[4] = kind;
        return copy;
    }
}
