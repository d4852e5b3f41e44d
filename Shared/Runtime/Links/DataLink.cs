using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Distributed.Protocol;

namespace Distributed.Runtime;

/// <summary>
/// The data link over a socket. Tensors are sent and received in pieces, and the CRC-32C is computed piece by piece
/// while each is in cache; the checksum follows the payload.
/// </summary>
/// <typeparam name="TOut">What stands before the tensors that this side sends.</typeparam>
/// <typeparam name="TIn">What stands before the tensors that the peer sends.</typeparam>
public sealed class DataLink<TOut, TIn> : IDataLink<TOut>
    where TOut : struct, ITensorHeader<TOut>
    where TIn : struct, ITensorHeader<TIn>
{
    /// <summary>How many posted tensors may wait.</summary>
    public const int PostLimit = 8;

    // Few large sends are fastest; what is received is checked in pieces that stay in cache.
    private const int SendPieceBytes = 1 << 20;
    private const int ReceivePieceBytes = 256 << 10;
    private const int EdgeBytes = 8 << 10;
    private const int MaxTensorHeaderBytes = 4 << 10;

    private readonly FrameSocket _socket;
    private readonly ProtocolLimits _limits;
    private readonly byte[] _edge = new byte[EdgeBytes + 256];
    private readonly Lock _sendLock = new();
    private readonly Queue<TOut> _posted = new(PostLimit);
    private int _incomingLength;
    private int _outgoingLength;
    private ITensorReceiver<TIn>? _receiver;
    private ITensorSource<TOut>? _source;
    private Thread? _sender;
    private Thread? _receiving;

    internal DataLink(FrameSocket socket, ProtocolLimits limits)
    {
        _socket = socket;
        _limits = limits;
        _socket.SendTimeout = limits.TransferMilliseconds;
    }

    /// <inheritdoc/>
    public string Peer => _socket.Peer;

    internal FrameSocket Socket => _socket;

    internal ProtocolLimits Limits => _limits;

    /// <summary>Coordinator: takes the connection, and starts it.</summary>
    /// <param name="incomingLength">Floats of every tensor that comes.</param>
    /// <param name="outgoingLength">Floats of every tensor that goes.</param>
    /// <param name="receiver">Takes what comes.</param>
    /// <param name="source">Lends what is posted; null where nothing is.</param>
    public void Accept(
        int incomingLength, int outgoingLength, ITensorReceiver<TIn> receiver, ITensorSource<TOut>? source = null)
    {
        Handshake.Send(_socket, new DataReady());
        Start(incomingLength, outgoingLength, receiver, source);
    }

    /// <summary>Coordinator: turns the connection away with a sentence, and closes.</summary>
    public void Refuse(string reason) => Handshake.Refuse(_socket, reason);

    /// <summary>Worker: starts a connection that was taken. The parameters as for <see cref="Accept"/>.</summary>
    public void Start(
        int incomingLength, int outgoingLength, ITensorReceiver<TIn> receiver, ITensorSource<TOut>? source = null)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            (long)incomingLength * sizeof(float), _limits.MaxPayloadBytes, nameof(incomingLength));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            (long)outgoingLength * sizeof(float), _limits.MaxPayloadBytes, nameof(outgoingLength));
        if (_receiver is not null)
            throw new InvalidOperationException("The link was started already.");
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("Tensors travel little-endian, as they lie in memory.");
        _incomingLength = incomingLength;
        _outgoingLength = outgoingLength;
        _receiver = receiver;
        _source = source;
        _socket.ReceiveTimeout = _limits.TransferMilliseconds;
        if (source is not null)
            _sender = LinkThread.Start($"data send {Peer}", SendLoop);
        _receiving = LinkThread.Start($"data receive {Peer}", ReceiveLoop);
    }

    /// <inheritdoc/>
    public bool Send(in TOut header, ReadOnlySpan<float> payload)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(payload.Length, _outgoingLength);
        lock (_sendLock)
        {
            ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(payload);
            int length = MessageCodec.WriteTensorHeader(header, bytes.Length, _edge);
            // The first and last few bytes travel with header and checksum: two calls and two wake-ups less.
            ReadOnlySpan<byte> first = bytes[..Math.Min(EdgeBytes, bytes.Length)];
            first.CopyTo(_edge.AsSpan(length));
            uint checksum = Crc32C.Compute(first);
            if (!_socket.Send(_edge.AsSpan(0, length + first.Length)))
                return false;
            bytes = bytes[first.Length..];
            while (bytes.Length > EdgeBytes)
            {
                ReadOnlySpan<byte> piece = bytes[..Math.Min(SendPieceBytes, bytes.Length - EdgeBytes)];
                if (!_socket.Send(piece))
                    return false;
                checksum = Crc32C.Append(checksum, piece);
                bytes = bytes[piece.Length..];
            }
            bytes.CopyTo(_edge);
            checksum = Crc32C.Append(checksum, bytes);
            BinaryPrimitives.WriteUInt32LittleEndian(_edge.AsSpan(bytes.Length), checksum);
            return _socket.Send(_edge.AsSpan(0, bytes.Length + FramePrefix.ChecksumBytes));
        }
    }

    /// <inheritdoc/>
    public bool Post(in TOut header)
    {
        if (_source is null)
            throw new InvalidOperationException("The link was started without a source.");
        lock (_posted)
        {
            if (_socket.End is not null)
                return false;
            if (_posted.Count < PostLimit)
            {
                _posted.Enqueue(header);
                Monitor.Pulse(_posted);
                return true;
            }
        }
        Close(new LinkEnd(LinkEndKind.TimedOut, "the peer reads too slowly"));
        return false;
    }

    /// <summary>Closes at once, from any thread.</summary>
    public void Dispose() => Close(LinkEnd.ClosedHere);

    /// <summary>Waits until the threads of a link that was closed have ended.</summary>
    internal void Join() => _receiving?.Join();

    private void Close(LinkEnd reason)
    {
        _socket.Close(reason);
        lock (_posted)
            Monitor.Pulse(_posted);
    }

    private void SendLoop()
    {
        while (TakePosted(out TOut header))
        {
            ReadOnlySpan<float> payload = _source!.Lend(header);
            if (payload.IsEmpty)
                continue;
            Send(header, payload);
            _source.Sent(header);
        }
    }

    private bool TakePosted(out TOut header)
    {
        lock (_posted)
        {
            header = default;
            while (_socket.End is null)
            {
                if (_posted.TryDequeue(out header))
                    return true;
                Monitor.Wait(_posted);
            }
            return false;
        }
    }

    private void ReceiveLoop()
    {
        while (Receive())
        {
        }
        Close(LinkEnd.ClosedHere); // has ended already: this wakes the sending thread
        // Nobody reads a lent tensor any more once the owner is told: it may free them all.
        _sender?.Join();
        lock (_sendLock)
        {
        }
        _receiver!.Ended(_socket.End!.Value);
    }

    private bool Receive()
    {
        if (!_socket.Read(FramePrefix.ByteLength, idle: true, out ReadOnlySpan<byte> bytes))
            return false;
        int blockBytes = _incomingLength * sizeof(float);
        ProtocolError error = FramePrefix.TryRead(
            bytes, Math.Min(_limits.MaxHeaderBytes, MaxTensorHeaderBytes), blockBytes, out FramePrefix prefix);
        if (error == ProtocolError.None && prefix.Kind != TIn.Kind)
            error = ProtocolError.UnexpectedMessage;
        if (error == ProtocolError.None && prefix.PayloadBytes != blockBytes)
            error = ProtocolError.WrongPayloadLength;
        if (error != ProtocolError.None)
            return _socket.Fail(error);
        if (!_socket.Read(prefix.HeaderBytes, idle: false, out bytes))
            return false;
        error = MessageCodec.TryReadTensorHeader(bytes, _limits, out TIn header);
        if (error != ProtocolError.None)
            return _socket.Fail(error);
        Span<float> block = _receiver!.Acquire(header);
        if (block.IsEmpty)
            return Drop(blockBytes);
        if (block.Length != _incomingLength)
            throw new InvalidOperationException($"Acquired {block.Length} floats, not {_incomingLength}.");
        if (!ReceivePayload(MemoryMarshal.AsBytes(block)))
            return false;
        _receiver.Received(header);
        return _socket.End is null;
    }

    private bool ReceivePayload(Span<byte> payload)
    {
        uint checksum = 0;
        for (int at = 0; at < payload.Length; at += ReceivePieceBytes)
        {
            Span<byte> piece = payload.Slice(at, Math.Min(ReceivePieceBytes, payload.Length - at));
            if (!_socket.ReadInto(piece))
                return false;
            checksum = Crc32C.Append(checksum, piece);
        }
        if (!_socket.Read(FramePrefix.ChecksumBytes, idle: false, out ReadOnlySpan<byte> sent))
            return false;
        return BinaryPrimitives.ReadUInt32LittleEndian(sent) == checksum
            || _socket.Fail(ProtocolError.ChecksumMismatch);
    }

    // Nobody wants it, so nobody minds a wrong checksum.
    private bool Drop(int payloadBytes)
    {
        for (int left = payloadBytes + FramePrefix.ChecksumBytes; left > 0;)
        {
            int piece = Math.Min(left, MaxTensorHeaderBytes);
            if (!_socket.Read(piece, idle: false, out _))
                return false;
            left -= piece;
        }
        return true;
    }
}
