using Distributed.Protocol;

namespace Distributed.Runtime;

/// <summary>
/// A control link over a connection of its own. One thread receives and calls the handler; another sends what callers
/// couldn't send at once, sends the heartbeats and watches the peer's lease, so the process counts as alive however
/// busy its compute is.
/// </summary>
public sealed class ControlLink : IControlLink
{
    // Small enough to fit any socket's buffer that reports room.
    private const int DirectBytes = 4 << 10;

    private readonly FrameSocket _socket;
    private readonly ProtocolLimits _limits;
    private readonly bool _isCoordinator;
    private readonly MessagePool _pool = new();
    private readonly Heartbeat _heartbeat = new();
    private readonly object _sendLock = new();

    // Guarded by _sendLock. Frames wait in _queued; the sending thread swaps it with _outgoing and sends that unlocked.
    private byte[] _queued = new byte[1024];
    private byte[] _outgoing = new byte[1024];
    private int _queuedBytes;
    private bool _sending;
    private bool _finishing;
    private long _finishDeadline;
    private int _finishMilliseconds;

    private IControlHandler? _handler;
    private int _leaseMilliseconds;
    private int _heartbeatMilliseconds;
    private long _lastReceived = Environment.TickCount64;

    internal ControlLink(FrameSocket socket, ProtocolLimits limits, bool isCoordinator)
    {
        _socket = socket;
        _limits = limits;
        _isCoordinator = isCoordinator;
        _socket.SendTimeout = limits.HandshakeMilliseconds;
    }

    /// <inheritdoc/>
    public string Peer => _socket.Peer;

    /// <inheritdoc/>
    public MessagePool Pool => _pool;

    /// <summary>Milliseconds since the peer was last heard.</summary>
    public long SilenceMilliseconds => Environment.TickCount64 - Volatile.Read(ref _lastReceived);

    /// <inheritdoc/>
    public void Accept(Welcome welcome, IControlHandler handler)
    {
        Handshake.Send(_socket, welcome);
        Start(welcome, handler);
    }

    /// <inheritdoc/>
    public void Refuse(string reason) => Handshake.Refuse(_socket, reason);

    /// <inheritdoc/>
    public void Start(Welcome welcome, IControlHandler handler)
    {
        if (_handler is not null)
            throw new InvalidOperationException("The link was started already.");
        _handler = handler;
        _heartbeat.Fence = welcome.Fence;
        _leaseMilliseconds = welcome.LeaseMilliseconds;
        _heartbeatMilliseconds = welcome.HeartbeatMilliseconds;
        _socket.SendTimeout = _leaseMilliseconds;
        _socket.ReceiveTimeout = 0;
        Volatile.Write(ref _lastReceived, Environment.TickCount64);
        LinkThread.Start($"control send {Peer}", SendLoop);
        LinkThread.Start($"control receive {Peer}", ReceiveLoop);
    }

    /// <inheritdoc/>
    /// <remarks>At once where the socket has room, else by the link's thread.</remarks>
    public bool Send(Message message)
    {
        lock (_sendLock)
        {
            if (_finishing || _socket.End is not null)
                return false;
            MessageCodec.Append(message, ref _queued, ref _queuedBytes);
            if (_queuedBytes > _limits.MaxQueuedBytes)
            {
                _socket.Close(new LinkEnd(LinkEndKind.TimedOut, "the peer reads too slowly"));
                Monitor.Pulse(_sendLock);
                return false;
            }
            if (_sending || _queuedBytes > DirectBytes || !_socket.CanSendAtOnce)
            {
                Monitor.Pulse(_sendLock);
                return true;
            }
            int length = _queuedBytes;
            _queuedBytes = 0;
            return _socket.Send(_queued.AsSpan(0, length));
        }
    }

    /// <inheritdoc/>
    public void Return(Message message) => _pool.Return(message);

    /// <inheritdoc/>
    public void Finish(int milliseconds = 1_000)
    {
        lock (_sendLock)
        {
            if (_finishing)
                return;
            _finishing = true;
            _finishMilliseconds = milliseconds;
            _finishDeadline = Environment.TickCount64 + milliseconds;
            Monitor.Pulse(_sendLock);
        }
        if (_handler is not null)
            return;
        // Never started: nothing is queued and no thread would close it.
        _socket.FinishSending();
        _socket.Close(LinkEnd.ClosedHere);
    }

    /// <summary>Closes at once, from any thread. What was queued may be lost.</summary>
    public void Dispose()
    {
        _socket.Close(LinkEnd.ClosedHere);
        lock (_sendLock)
            Monitor.Pulse(_sendLock);
    }

    private void SendLoop()
    {
        long nextHeartbeat = Environment.TickCount64;
        lock (_sendLock)
        {
            while (_socket.End is null)
            {
                long now = Environment.TickCount64;
                if (_queuedBytes > 0)
                    SendQueued();
                else if (_finishing)
                    Linger(now);
                else if (now >= nextHeartbeat)
                {
                    MessageCodec.Append(_heartbeat, ref _queued, ref _queuedBytes);
                    nextHeartbeat = now + _heartbeatMilliseconds;
                }
                else
                    WatchLease(nextHeartbeat - now);
            }
        }
    }

    private void SendQueued()
    {
        (_queued, _outgoing) = (_outgoing, _queued);
        int length = _queuedBytes;
        _queuedBytes = 0;
        _sending = true;
        Monitor.Exit(_sendLock);
        try
        {
            _socket.Send(_outgoing.AsSpan(0, length));
        }
        finally
        {
            Monitor.Enter(_sendLock);
            _sending = false;
        }
    }

    private void Linger(long now)
    {
        _socket.FinishSending();
        while (_socket.End is null && now < _finishDeadline)
        {
            Monitor.Wait(_sendLock, (int)(_finishDeadline - now));
            now = Environment.TickCount64;
        }
        _socket.Close(new LinkEnd(
            LinkEndKind.TimedOut, $"it was closed here, and the peer did not close within {_finishMilliseconds} ms"));
    }

    // Waits until the heartbeat is due, the lease runs out, or something is queued.
    private void WatchLease(long untilHeartbeat)
    {
        long left = _leaseMilliseconds - SilenceMilliseconds;
        if (left <= 0)
        {
            // Bytes that wait unread are not silence: then it is this side that is late.
            if (_socket.HasBytes)
                Volatile.Write(ref _lastReceived, Environment.TickCount64);
            else
                _socket.Close(new LinkEnd(LinkEndKind.TimedOut, $"the peer was silent for {_leaseMilliseconds} ms"));
            return;
        }
        long wait = Math.Min(untilHeartbeat, left);
        long before = Environment.TickCount64;
        Monitor.Wait(_sendLock, (int)wait);
        // Woken far too late: this process was stopped, so the silence says nothing about the peer.
        if (Environment.TickCount64 - before > wait + _heartbeatMilliseconds)
            Volatile.Write(ref _lastReceived, Environment.TickCount64);
    }

    private void ReceiveLoop()
    {
        while (Receive())
        {
        }
        lock (_sendLock)
            Monitor.Pulse(_sendLock);
        _handler!.Ended(this, _socket.End ?? LinkEnd.ClosedHere);
    }

    private bool Receive()
    {
        if (!_socket.Read(FramePrefix.ByteLength, idle: true, out ReadOnlySpan<byte> bytes))
            return false;
        ProtocolError error = FramePrefix.TryRead(bytes, _limits.MaxHeaderBytes, 0, out FramePrefix prefix);
        if (error == ProtocolError.None && !ControlTraffic.MayCome(prefix.Kind, _isCoordinator))
            error = ProtocolError.UnexpectedMessage;
        if (error != ProtocolError.None)
            return _socket.Fail(error);
        if (!_socket.Read(prefix.HeaderBytes, idle: false, out bytes))
            return false;
        Volatile.Write(ref _lastReceived, Environment.TickCount64);
        error = MessageCodec.TryRead(prefix.Kind, bytes, _limits, _pool, out Message? message);
        if (error != ProtocolError.None)
            return _socket.Fail(error);
        _handler!.Heard(this);
        if (message is not Heartbeat heartbeat)
        {
            _handler.Received(this, message!);
            return _socket.End is null;
        }
        bool sameFence = heartbeat.Fence == _heartbeat.Fence;
        _pool.Return(heartbeat);
        return sameFence || _socket.Fail(ProtocolError.UnexpectedMessage);
    }
}
