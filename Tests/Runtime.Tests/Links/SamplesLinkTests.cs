using System.Net;
using System.Net.Sockets;
using Distributed.Protocol;
using Xunit;

namespace Distributed.Runtime.Tests;

/// <summary>Connections that bring a worker the data set.</summary>
public class SamplesLinkTests
{
    private static readonly ProtocolLimits Hasty = new()
    {
        TransferMilliseconds = 150,
        PendingMilliseconds = 10,
    };

    [Fact]
    public void A_data_set_arrives_as_it_is()
    {
        using TestListener listener = new();
        SamplesPair.Transfer(listener);
    }

    [Fact]
    public void What_was_cut_in_the_middle_goes_on_from_there()
    {
        using TestListener listener = new();
        byte[] received = new byte[SamplesPair.Data.Length];
        int at;
        using (SamplesPair cut = new(listener))
        {
            // The connection ends while the third piece is made.
            int pieces = 0;
            SamplesSource source = SamplesPair.Source(0);
            Task<bool> sending = Task.Run(() => cut.Sender.Send(SamplesPair.Offer, 0, destination =>
            {
                if (pieces++ == 2) cut.Sender.Dispose();
                return source(destination);
            }));
            at = 0;
            LinkException broken = Assert.Throws<LinkException>(() => ReceiveInto(cut.Receiver, received, ref at));
            Assert.Equal("The data set's transfer broke off: the peer closed the connection.", broken.Message);
            Assert.False(broken.Refused);
            Assert.False(sending.Soon());
            Assert.Equal(2 * ProtocolLimits.Default.MaxSamplesBytes, at);
            Assert.Equal(at, cut.Receiver.Position);
        }

        using SamplesPair next = new(listener, from: at);
        Task<bool> rest = Task.Run(() => next.Sender.Send(SamplesPair.Offer, at, SamplesPair.Source(at)));
        ReceiveInto(next.Receiver, received, ref at);
        Assert.True(rest.Soon());
        Assert.Equal(SamplesPair.Data, received);
    }

    [Fact]
    public void The_offer_alone_is_to_be_had()
    {
        using TestListener listener = new();
        using SamplesPair pair = new(listener, SamplesHello.OnlyOffer, send: link =>
            Assert.True(link.Send(SamplesPair.Offer, 0, null)));
        Assert.Equal(SamplesPair.Offer, pair.Receiver.Offer);
        pair.WaitUntilSent();
    }

    [Fact]
    public void A_worker_waits_for_a_coordinator_that_loads_its_data_still()
    {
        using TestListener listener = new(Hasty);
        TaskCompletionSource loaded = new();
        using RawPeer worker = new(listener.EndPoint);
        worker.Send(SamplesPair.Hello(0));
        SamplesSender sender = listener.Samples.TakeSoon().Link;
        Task<bool> waiting = Task.Run(() => sender.WaitFor(loaded.Task));
        Assert.Equal(new SamplesPending(), worker.Read());
        Assert.Equal(new SamplesPending(), worker.Read());
        Assert.False(waiting.IsCompleted);
        loaded.SetResult();
        Assert.True(waiting.Soon());

        // One that asks meanwhile and has left is not waited for.
        TaskCompletionSource never = new();
        using (RawPeer gone = new(listener.EndPoint)) gone.Send(SamplesPair.Hello(0));
        sender = listener.Samples.TakeSoon().Link;
        Assert.False(Task.Run(() => sender.WaitFor(never.Task)).Soon());
    }

    [Fact]
    public void A_worker_that_waits_gets_its_offer_or_gives_up_when_it_is_over()
    {
        using TestListener listener = new(Hasty);
        TaskCompletionSource loaded = new();
        int asked = 0;
        using SamplesPair pair = new(
            listener, send: link => Assert.True(link.WaitFor(loaded.Task) && link.Send(SamplesPair.Offer, 0, null)),
            isOver: () =>
            {
                if (++asked == 2) loaded.SetResult();
                return false;
            });
        Assert.Equal(SamplesPair.Offer, pair.Receiver.Offer);
        pair.WaitUntilSent();

        TaskCompletionSource never = new();
        Task<LinkException> over = Task.Run(() => Assert.Throws<LinkException>(() => Connector.OpenSamples(
            listener.EndPoint, SamplesPair.Hello(0), isOver: () => true)));
        Assert.False(listener.Samples.TakeSoon().Link.WaitFor(never.Task));
        Assert.Contains("did not offer its data set", over.Soon().Message);
    }

    [Fact]
    public void What_the_coordinator_can_not_send_it_says()
    {
        using TestListener listener = new();
        using SamplesPair pair = new(listener, send: link =>
        {
            Assert.Throws<InvalidDataException>(() => link.Send(
                SamplesPair.Offer, 0, _ => throw new InvalidDataException()));
            link.Refuse("The image has changed.");
        });
        LinkException refused = Assert.Throws<LinkException>(() => pair.Receiver.Receive(SamplesPair.Data.Length));
        Assert.Equal("The image has changed.", refused.Message);
        Assert.True(refused.Refused);
    }

    [Fact]
    public void A_worker_that_does_not_read_is_let_go_after_the_deadline()
    {
        using TestListener listener = new(Hasty);
        using RawPeer worker = new(listener.EndPoint);
        worker.Send(SamplesPair.Hello(0));
        SamplesSender sender = listener.Samples.TakeSoon().Link;
        Assert.False(Task.Run(() => sender.Send(SamplesPair.Offer, 0, destination => destination.Length)).Soon());
        Assert.Equal(LinkEndKind.TimedOut, sender.End?.Kind);
    }

    [Fact]
    public void A_coordinator_that_stands_still_is_given_up()
    {
        using TestListener listener = new();
        using ManualResetEventSlim never = new();
        using SamplesPair pair = new(listener, limits: Hasty);
        Task<bool> sending = Task.Run(() => pair.Sender.Send(SamplesPair.Offer, 0, _ =>
        {
            never.Wait();
            return 0;
        }));
        LinkException silent = Assert.Throws<LinkException>(() => pair.Receiver.Receive(SamplesPair.Data.Length));
        Assert.Equal(
            "The data set's transfer broke off: the peer took longer than 150 ms to take or send a piece.",
            silent.Message);
        never.Set();
        sending.Soon();
    }

    public static TheoryData<string, byte[]> Wrong()
    {
        byte[] frame = SamplesPair.Frame(0, [1, 2, 3, 4]), flipped = [.. frame];
        flipped[^6] ^= 1;
        return new()
        {
            { "a payload whose CRC-32C does not match", flipped },
            { "a number out of its range", SamplesPair.Frame(1, [1, 2, 3, 4]) },
            { "a length above its limit", SamplesPair.Frame(0, new byte[SamplesPair.LeftInWrong + 1]) },
            { "a message that does not belong on this connection", SamplesPair.Frame(0, []) },
            { "a message that does not belong on this connection", RawPeer.Frame(new Stop("")) },
            { "bytes that are not this protocol's", "HTTP/1.1 200 OK\r\n\r\n"u8.ToArray() },
        };
    }

    [Theory]
    [MemberData(nameof(Wrong))]
    public void Wrong_bytes_end_the_connection(string what, byte[] bytes)
    {
        using TcpListener coordinator = new(IPAddress.Loopback, 0);
        coordinator.Start();
        Task<SamplesReceiver> opening = Task.Run(() => Connector.OpenSamples(
            (IPEndPoint)coordinator.LocalEndpoint, SamplesPair.Hello(0)));
        using Socket accepted = coordinator.AcceptSocket();
        accepted.Send(RawPeer.Frame(new Challenge("nonce"))); // the knock waits unread
        accepted.Send(RawPeer.Frame(SamplesPair.Offer));
        using SamplesReceiver receiver = opening.Soon();
        accepted.Send(bytes);
        LinkException broken = Assert.Throws<LinkException>(() => receiver.Receive(SamplesPair.LeftInWrong));
        Assert.Equal($"The data set's transfer broke off: the peer sent {what}.", broken.Message);
        Assert.False(broken.Refused);
        Assert.Equal(0, receiver.Position);
    }

    [Fact]
    public void A_frame_is_never_longer_than_its_limit()
    {
        using TestListener listener = new(new ProtocolLimits { MaxSamplesBytes = 1000 });
        using SamplesPair pair = new(listener);
        Task<bool> sending = Task.Run(() => pair.Sender.Send(SamplesPair.Offer, 0, SamplesPair.Source(0, pieces: 3)));
        for (int piece = 0; piece < 3; piece++)
            Assert.Equal(1000, pair.Receiver.Receive(SamplesPair.Data.Length).Length);
        Assert.True(sending.Soon());

        using SamplesPair strict = new(listener, limits: new ProtocolLimits { MaxSamplesBytes = 999 });
        Task.Run(() => strict.Sender.Send(SamplesPair.Offer, 0, SamplesPair.Source(0)));
        Assert.Contains("a length above its limit", Assert.Throws<LinkException>(
            () => strict.Receiver.Receive(SamplesPair.Data.Length)).Message);
    }

    private static void ReceiveInto(SamplesReceiver receiver, byte[] all, ref int at)
    {
        while (at < all.Length)
        {
            ReadOnlySpan<byte> piece = receiver.Receive(all.Length - at);
            piece.CopyTo(all.AsSpan(at));
            at += piece.Length;
        }
    }
}

/// <summary>Both ends of a connection that brings a worker the data set, with the offer sent, or as the test
/// says.</summary>
internal sealed class SamplesPair : IDisposable
{
    /// <summary>Bytes that are left of a data set of which nothing has come.</summary>
    public const int LeftInWrong = 1000;

    public static readonly SamplesOffer Offer = new(
        "name", new string('a', 64), 3, 4, 5, 60, 20, 7, ["one", "two"]);

    /// <summary>Three frames and a little more.</summary>
    public static readonly byte[] Data = MakeData();

    private readonly Task<SamplesReceiver> _opening;
    private readonly Task _sending;

    public SamplesPair(
        TestListener listener, long from = 0, ProtocolLimits? limits = null, LinkSecurity? security = null,
        Action<SamplesSender>? send = null, Func<bool>? isOver = null)
    {
        Task<SamplesReceiver> opening = Task.Run(() => Connector.OpenSamples(
            listener.EndPoint, Hello(from), limits, security, isOver));
        (SamplesHello hello, Sender) = listener.Samples.TakeSoon();
        Assert.Equal(Hello(from), hello);
        _sending = send is null ? Task.CompletedTask : Task.Run(() => send(Sender));
        _opening = opening;
    }

    public SamplesSender Sender { get; }

    /// <summary>The worker's end, once the offer is sent.</summary>
    public SamplesReceiver Receiver => _opening.Soon();

    public static SamplesHello Hello(long from) =>
        new(TestListener.Token, new RunId(1, 2), new Fence(3), new WorkerId(4), from);

    /// <summary>The data from a place on; no more than so many fillings.</summary>
    public static SamplesSource Source(int from, int pieces = int.MaxValue)
    {
        int at = from;
        return destination =>
        {
            int length = pieces-- > 0 ? Math.Min(destination.Length, Data.Length - at) : 0;
            Data.AsSpan(at, length).CopyTo(destination);
            at += length;
            return length;
        };
    }

    /// <summary>Sends all of it and requires that it arrives.</summary>
    public static void Transfer(TestListener listener, LinkSecurity? security = null)
    {
        using SamplesPair pair = new(listener, security: security);
        Task<bool> sending = Task.Run(() => pair.Sender.Send(Offer, 0, Source(0)));
        Assert.Equal(Offer, pair.Receiver.Offer);
        byte[] received = new byte[Data.Length];
        for (int at = 0; at < received.Length; at = (int)pair.Receiver.Position)
            pair.Receiver.Receive(received.Length - at).CopyTo(received.AsSpan(at));
        Assert.Equal(Data, received);
        Assert.True(sending.Soon());
        Assert.Throws<LinkException>(() => pair.Receiver.Receive(1).Length);
    }

    public static byte[] Frame(long from, byte[] payload)
    {
        byte[] header = new byte[256];
        int length = MessageCodec.WriteTensorHeader(new SamplesHeader(from), payload.Length, header);
        return [.. header[..length], .. payload, .. BitConverter.GetBytes(Crc32C.Compute(payload))];
    }

    /// <summary>Waits until what the test says has been sent.</summary>
    public void WaitUntilSent() => Assert.True(_sending.Wait(Wait.Deadline));

    public void Dispose()
    {
        Sender.Dispose();
        if (_opening.IsCompletedSuccessfully) _opening.Result.Dispose();
        WaitUntilSent();
    }

    private static byte[] MakeData()
    {
        byte[] data = new byte[(3 * ProtocolLimits.Default.MaxSamplesBytes) + 1234];
        new Random(1).NextBytes(data);
        return data;
    }
}
