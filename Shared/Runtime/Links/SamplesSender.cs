using System.Buffers.Binary;
using Distributed.Protocol;

namespace Distributed.Runtime;

/// <summary>Fills the destination with the next bytes of a data set. Returns how many, 0 at its end.</summary>
public delegate int SamplesSource(Span<byte> destination);

/// <summary>
/// The coordinator's end of a connection that brings one worker the data set. It holds one frame of it in memory, and
/// runs on the thread that calls it, which is the connection's own.
/// </summary>
public sealed class SamplesSender : IDisposable
{
    private const int EdgeBytes = 256;

    private readonly FrameSocket _socket;
    private readonly ProtocolLimits _limits;

    internal SamplesSender(FrameSocket socket, ProtocolLimits limits)
    {
        _socket = socket;
        _limits = limits;
        _socket.SendTimeout = limits.TransferMilliseconds;
    }

    /// <summary>The peer's address, for people.</summary>
    public string Peer => _socket.Peer;

    /// <summary>Why it ended; null while it hasn't.</summary>
    public LinkEnd? End => _socket.End;

    /// <summary>Tells the worker every now and then that it has to wait, until the task has ended; false when the
    /// connection ended before.</summary>
    public bool WaitFor(Task ready)
    {
        while (!ready.Wait(_limits.PendingMilliseconds))
        {
            Handshake.Send(_socket, new SamplesPending());
            if (_socket.End is not null)
                return false;
        }
        return true;
    }

    /// <summary>Sends the offer, and then all that the source has, in frames; false when the connection ended
    /// before.</summary>
    /// <param name="offer">What is offered.</param>
    /// <param name="from">The place of the source's first byte in the data set.</param>
    /// <param name="source">Where the bytes come from; null: only the offer is sent.</param>
    public bool Send(SamplesOffer offer, long from, SamplesSource? source)
    {
        Handshake.Send(_socket, offer);
        if (source is not null)
        {
            byte[] frame = new byte[EdgeBytes + _limits.MaxSamplesBytes + FramePrefix.ChecksumBytes];
            while (Fill(frame, from, source, out int length) is var payload and > 0)
            {
                if (!_socket.Send(frame.AsSpan(EdgeBytes - length, length + payload + FramePrefix.ChecksumBytes)))
                    return false;
                from += payload;
            }
        }
        bool sent = _socket.End is null;
        _socket.FinishSending();
        Dispose();
        return sent;
    }

    /// <summary>Turns the worker away with a sentence, whatever was sent before, and closes.</summary>
    public void Refuse(string reason) => Handshake.Refuse(_socket, reason);

    /// <summary>Closes at once, from any thread.</summary>
    public void Dispose() => _socket.Dispose();

    // The payload stands at EdgeBytes, its header right before it and its checksum right behind it: one send.
    private static int Fill(byte[] frame, long from, SamplesSource source, out int headerBytes)
    {
        Span<byte> room = frame.AsSpan(EdgeBytes, frame.Length - EdgeBytes - FramePrefix.ChecksumBytes);
        int payload = source(room);
        Span<byte> header = stackalloc byte[EdgeBytes];
        headerBytes = MessageCodec.WriteTensorHeader(new SamplesHeader(from), payload, header);
        header[..headerBytes].CopyTo(frame.AsSpan(EdgeBytes - headerBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(
            frame.AsSpan(EdgeBytes + payload), Crc32C.Compute(room[..payload]));
        return payload;
    }
}
