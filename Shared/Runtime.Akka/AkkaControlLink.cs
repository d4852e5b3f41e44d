using Akka.Actor;
using Distributed.Protocol;

namespace Distributed.Runtime.Akka;

/// <summary>
/// A control link through Akka.Remote, between a <see cref="LinkActor"/> on each side. Akka delivers in order and at
/// most once; a message that is lost leaves a gap in the numbers, which ends the link, at the next heartbeat at the
/// latest. So whoever holds it sees what a connection would show: everything in order, or the end.
/// </summary>
internal sealed class AkkaControlLink(ProtocolLimits limits, bool isCoordinator) : IControlLink
{
    private readonly TaskCompletionSource<Message> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Heartbeat _heartbeat = new();
    private readonly Lock _sending = new();
    private IActorRef _self = ActorRefs.Nobody;
    private IActorRef _peer = ActorRefs.Nobody;
    private IControlHandler? _handler;
    private byte[] _encoded = new byte[256];
    private byte[]? _welcome;
    private long _sent;
    private long _received;
    private int _ended;
    private int _leaseMilliseconds = int.MaxValue;
    private long _lastReceived = Environment.TickCount64;
    private long _lastBeat = Environment.TickCount64;

    /// <inheritdoc/>
    public string Peer => _peer.Path.Address is { Port: { } port } address ? $"{address.Host}:{port}" : "this node";

    /// <inheritdoc/>
    public MessagePool Pool { get; } = new();

    /// <summary>Worker: what the coordinator answered.</summary>
    public Task<Message> Answer => _answer.Task;

    private bool HasEnded => Volatile.Read(ref _ended) != 0;

    /// <summary>A message as it is sent.</summary>
    public static byte[] Encode(Message message)
    {
        byte[] buffer = new byte[256];
        int length = 0;
        MessageCodec.Append(message, ref buffer, ref length);
        return buffer[..length];
    }

    /// <summary>Reads a message of which nothing is known yet.</summary>
    public static ProtocolError TryRead(
        ReadOnlySpan<byte> bytes, ProtocolLimits limits, int maxBytes, MessagePool pool, out Message? message)
    {
        message = null;
        if (bytes.Length < FramePrefix.ByteLength) return ProtocolError.MissingField;
        ProtocolError error = FramePrefix.TryRead(bytes, maxBytes, 0, out FramePrefix prefix);
        if (error != ProtocolError.None) return error;
        ReadOnlySpan<byte> header = bytes[FramePrefix.ByteLength..];
        return header.Length == prefix.HeaderBytes
            ? MessageCodec.TryRead(prefix.Kind, header, limits, pool, out message)
            : ProtocolError.TrailingBytes;
    }

    /// <summary>Tells the link which actors it goes between.</summary>
    public void Connect(IActorRef self, IActorRef peer) => (_self, _peer) = (self, peer);

    /// <inheritdoc/>
    public void Accept(Welcome welcome, IControlHandler handler)
    {
        lock (_sending)
        {
            _welcome = Encode(welcome);
            Tell(_welcome);
        }

        Start(welcome, handler);
    }

    /// <summary>Coordinator: the worker asks again; the welcome may have been lost.</summary>
    public void AcceptAgain()
    {
        if (_welcome is { } welcome && Volatile.Read(ref _received) == 0)
            _peer.Tell(new Frame(1, welcome), _self);
    }

    /// <inheritdoc/>
    public void Refuse(string reason)
    {
        lock (_sending) Tell(Encode(new Refused(reason)));
        End(LinkEnd.ClosedHere);
    }

    /// <inheritdoc/>
    public void Start(Welcome welcome, IControlHandler handler)
    {
        _heartbeat.Fence = welcome.Fence;
        _leaseMilliseconds = welcome.LeaseMilliseconds;
        _handler = handler;
        _self.Tell(new LinkActor.Begin(_peer, TimeSpan.FromMilliseconds(welcome.HeartbeatMilliseconds)));
    }

    /// <inheritdoc/>
    public bool Send(Message message)
    {
        lock (_sending)
        {
            if (HasEnded) return false;
            int length = 0;
            MessageCodec.Append(message, ref _encoded, ref length);
            Tell(_encoded[..length]);
            return true;
        }
    }

    /// <inheritdoc/>
    public void Return(Message message) => Pool.Return(message);

    /// <inheritdoc/>
    public void Finish(int milliseconds = 1_000)
    {
        lock (_sending)
        {
            if (HasEnded) return;
            Tell([]);
        }

        End(LinkEnd.ClosedHere);
    }

    /// <inheritdoc/>
    public void Dispose() => Finish();

    /// <summary>The challenge that is in a frame of no link; null: it is something else.</summary>
    public Challenge? ReadChallenge(Frame frame)
    {
        ProtocolError error = TryRead(frame.Bytes, limits, limits.MaxHandshakeBytes, Pool, out Message? message);
        return error == ProtocolError.None ? message as Challenge : null;
    }

    /// <summary>A frame came from the peer. For the link's actor.</summary>
    public void Arrive(Frame frame, IActorRef sender)
    {
        if (HasEnded || frame.Number <= _received) return;
        if (frame.Number != _received + 1)
        {
            End(new LinkEnd(LinkEndKind.Failed, $"{frame.Number - _received - 1} messages were lost on the way"));
            return;
        }

        Volatile.Write(ref _received, frame.Number);
        _lastReceived = Environment.TickCount64;
        if (frame.Bytes.Length == 0)
        {
            End(LinkEnd.ClosedByPeer);
            return;
        }

        ProtocolError error = TryRead(frame.Bytes, limits, limits.MaxHeaderBytes, Pool, out Message? message);
        if (error == ProtocolError.None) error = Take(message!, sender);
        if (error != ProtocolError.None) End(LinkEnd.Of(error));
    }

    /// <summary>A heartbeat is due. For the link's actor.</summary>
    public void Beat()
    {
        Send(_heartbeat);
        long now = Environment.TickCount64, pause = now - _lastBeat;
        _lastBeat = now;

        // A beat that comes far too late says that this process stood still, and nothing about the peer.
        if (pause > _leaseMilliseconds / 2) _lastReceived = now;
        else if (now - _lastReceived > _leaseMilliseconds)
            End(new LinkEnd(LinkEndKind.TimedOut, $"the peer was silent for {_leaseMilliseconds} ms"));
    }

    /// <summary>Ends the link, once.</summary>
    public void End(LinkEnd end)
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0) return;
        _answer.TrySetException(new LinkException($"The coordinator is gone: {end.Reason}."));
        _self.Tell(PoisonPill.Instance);
        _handler?.Ended(this, end);
    }

    private ProtocolError Take(Message message, IActorRef sender)
    {
        if (!isCoordinator && !_answer.Task.IsCompleted)
        {
            if (message is not (Welcome or Refused)) return ProtocolError.UnexpectedMessage;
            _peer = sender;
            _answer.TrySetResult(message);
            return ProtocolError.None;
        }

        if (!ControlTraffic.MayCome(message.Kind, isCoordinator)) return ProtocolError.UnexpectedMessage;
        _handler?.Heard(this);
        if (message is Heartbeat heartbeat)
        {
            bool isOurs = heartbeat.Fence == _heartbeat.Fence || _handler is null;
            Pool.Return(heartbeat);
            return isOurs ? ProtocolError.None : ProtocolError.UnexpectedMessage;
        }

        if (_handler is null) return ProtocolError.UnexpectedMessage;
        _handler.Received(this, message);
        return ProtocolError.None;
    }

    private void Tell(byte[] bytes) => _peer.Tell(new Frame(++_sent, bytes), _self);
}
