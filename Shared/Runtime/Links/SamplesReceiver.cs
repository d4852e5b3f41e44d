using System.Buffers.Binary;
using Distributed.Protocol;

namespace Distributed.Runtime;

/// <summary>
/// A worker's end of a connection that brings it the run's data set: what is offered, then the bytes that were asked
/// for, piece by piece. It holds one piece in memory.
/// </summary>
public sealed class SamplesReceiver : IDisposable
{
    private readonly FrameSocket _socket;
    private readonly ProtocolLimits _limits;
    private byte[] _piece = [];

    internal SamplesReceiver(FrameSocket socket, ProtocolLimits limits, SamplesOffer offer, long from)
    {
        _socket = socket;
        _limits = limits;
        _socket.ReceiveTimeout = limits.TransferMilliseconds;
        Offer = offer;
        Position = from;
    }

    /// <summary>The run's data set.</summary>
    public SamplesOffer Offer { get; }

    /// <summary>The place in the data set of the next piece's first byte.</summary>
    public long Position { get; private set; }

    /// <summary>Waits for the next piece, which stays valid until the one after.</summary>
    /// <param name="left">Bytes of the data set from <see cref="Position"/> on: at least 1.</param>
    /// <exception cref="LinkException">The connection ended, was silent for too long or brought what it must not; or
    /// the coordinator says why it can't go on.</exception>
    public ReadOnlySpan<byte> Receive(long left)
    {
        int most = (int)Math.Min(left, _limits.MaxSamplesBytes);
        if (!_socket.Read(FramePrefix.ByteLength, idle: false, out ReadOnlySpan<byte> bytes))
            throw Broken();
        ProtocolError error = FramePrefix.TryRead(bytes, _limits.MaxHandshakeBytes, most, out FramePrefix prefix);
        if (error == ProtocolError.None && prefix is not { Kind: MessageKind.Refused, PayloadBytes: 0 }
            and not { Kind: MessageKind.Samples, PayloadBytes: > 0 })
            error = ProtocolError.UnexpectedMessage;
        if (error != ProtocolError.None || !_socket.Read(prefix.HeaderBytes, idle: false, out bytes))
            throw Broken(error);
        if (prefix.Kind == MessageKind.Refused)
            throw Refusal(bytes);
        error = MessageCodec.TryReadTensorHeader(bytes, _limits, out SamplesHeader header);
        if (error == ProtocolError.None && header.From != Position)
            error = ProtocolError.OutOfRange;
        if (error != ProtocolError.None)
            throw Broken(error);
        return ReceivePayload(prefix.PayloadBytes);
    }

    /// <summary>Closes.</summary>
    public void Dispose() => _socket.Dispose();

    private ReadOnlySpan<byte> ReceivePayload(int length)
    {
        if (_piece.Length < length)
            _piece = new byte[length];
        Span<byte> payload = _piece.AsSpan(0, length);
        if (!_socket.ReadInto(payload)
            || !_socket.Read(FramePrefix.ChecksumBytes, idle: false, out ReadOnlySpan<byte> sent))
            throw Broken();
        if (BinaryPrimitives.ReadUInt32LittleEndian(sent) != Crc32C.Compute(payload))
            throw Broken(ProtocolError.ChecksumMismatch);
        Position += length;
        return payload;
    }

    private LinkException Refusal(ReadOnlySpan<byte> bytes)
    {
        ProtocolError error = MessageCodec.TryRead(
            MessageKind.Refused, bytes, _limits, new MessagePool(), out Message? refused);
        if (error != ProtocolError.None)
            return Broken(error);
        _socket.Dispose();
        return new LinkException(((Refused)refused!).Reason, refused: true);
    }

    private LinkException Broken(ProtocolError error = ProtocolError.None)
    {
        if (error != ProtocolError.None)
            _socket.Fail(error);
        return new LinkException($"The data set's transfer broke off: {_socket.End?.Reason}.");
    }
}
