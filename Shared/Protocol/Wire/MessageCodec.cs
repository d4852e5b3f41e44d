namespace Distributed.Protocol;

/// <summary>Turns messages into frames and back.</summary>
public static class MessageCodec
{
    /// <summary>Appends a message's frame to a buffer, which grows as needed.</summary>
    /// <param name="message">The message.</param>
    /// <param name="buffer">The buffer; replaced by a larger copy when the frame doesn't fit.</param>
    /// <param name="length">Bytes used in the buffer; moved past the frame.</param>
    public static void Append(Message message, ref byte[] buffer, ref int length)
    {
        int written;
        while (!TryWrite(message, buffer.AsSpan(length), out written))
            Array.Resize(ref buffer, Math.Max(256, checked(2 * buffer.Length)));
        length += written;
    }

    /// <summary>Writes a message's frame; false when it doesn't fit.</summary>
    public static bool TryWrite(Message message, Span<byte> destination, out int written)
    {
        written = 0;
        if (destination.Length < FramePrefix.ByteLength)
            return false;
        MessagePackWriter writer = new(destination[FramePrefix.ByteLength..]);
        message.Write(ref writer);
        if (writer.Overflowed)
            return false;
        new FramePrefix(message.Kind, writer.Written, 0).Write(destination);
        written = FramePrefix.ByteLength + writer.Written;
        return true;
    }

    /// <summary>Writes a tensor's prefix and header; the payload and its CRC-32C follow. Returns the bytes
    /// written.</summary>
    /// <param name="header">The header.</param>
    /// <param name="payloadBytes">Bytes of the payload.</param>
    /// <param name="destination">256 bytes always suffice.</param>
    /// <exception cref="ArgumentException">The destination is too small.</exception>
    public static int WriteTensorHeader<THeader>(in THeader header, int payloadBytes, Span<byte> destination)
        where THeader : struct, ITensorHeader<THeader>
    {
        MessagePackWriter writer = new(destination[FramePrefix.ByteLength..]);
        header.Write(ref writer);
        if (writer.Overflowed)
            throw new ArgumentException("The destination is too small for a tensor's header.", nameof(destination));
        new FramePrefix(THeader.Kind, writer.Written, payloadBytes).Write(destination);
        return FramePrefix.ByteLength + writer.Written;
    }

    /// <summary>Reads a tensor's MessagePack header.</summary>
    public static ProtocolError TryReadTensorHeader<THeader>(
        ReadOnlySpan<byte> bytes, ProtocolLimits limits, out THeader header)
        where THeader : struct, ITensorHeader<THeader>
    {
        MessagePackReader reader = new(bytes, limits);
        header = THeader.Read(ref reader);
        return End(ref reader);
    }

    /// <summary>Reads a message from its MessagePack header.</summary>
    /// <param name="kind">The message's number, from the prefix.</param>
    /// <param name="bytes">The header's bytes, all of them.</param>
    /// <param name="limits">What the peer may make this process allocate.</param>
    /// <param name="pool">Where the mutable messages come from.</param>
    /// <param name="message">The message; null on an error.</param>
    public static ProtocolError TryRead(
        MessageKind kind, ReadOnlySpan<byte> bytes, ProtocolLimits limits, MessagePool pool, out Message? message)
    {
        MessagePackReader reader = new(bytes, limits);
        message = Read(kind, ref reader, pool);
        if (message is null)
            return ProtocolError.UnexpectedMessage;
        ProtocolError error = End(ref reader);
        if (error == ProtocolError.None)
            return error;
        pool.Return(message);
        message = null;
        return error;
    }

    private static Message? Read(MessageKind kind, ref MessagePackReader reader, MessagePool pool)
    {
        switch (kind)
        {
            case MessageKind.Hello: return Hello.Read(ref reader);
            case MessageKind.Welcome: return Welcome.Read(ref reader);
            case MessageKind.Refused: return Refused.Read(ref reader);
            case MessageKind.Ready: return Ready.Read(ref reader);
            case MessageKind.Evaluate: return Evaluate.Read(ref reader);
            case MessageKind.EvaluationResult: return EvaluationResult.Read(ref reader);
            case MessageKind.Stop: return Stop.Read(ref reader);
            case MessageKind.Leaving: return Leaving.Read(ref reader);
            case MessageKind.TraceSpans: return TraceSpans.Read(ref reader);
            case MessageKind.DataHello: return DataHello.Read(ref reader);
            case MessageKind.DataReady: return DataReady.Read(ref reader);
            case MessageKind.SharedMemoryOffer: return SharedMemoryOffer.Read(ref reader);
            case MessageKind.SharedMemoryAnswer: return SharedMemoryAnswer.Read(ref reader);
            case MessageKind.Challenge: return Challenge.Read(ref reader);
            case MessageKind.Knock: return Knock.Read(ref reader);
            case MessageKind.SamplesHello: return SamplesHello.Read(ref reader);
            case MessageKind.SamplesPending: return SamplesPending.Read(ref reader);
            case MessageKind.SamplesOffer: return SamplesOffer.Read(ref reader);
            case MessageKind.Heartbeat:
                Heartbeat heartbeat = pool.Rent<Heartbeat>();
                heartbeat.Read(ref reader);
                return heartbeat;
            case MessageKind.Train:
                Train train = pool.Rent<Train>();
                train.Read(ref reader);
                return train;
            case MessageKind.Credit:
                Credit credit = pool.Rent<Credit>();
                credit.Read(ref reader);
                return credit;
            default: return null; // no such control message
        }
    }

    private static ProtocolError End(ref MessagePackReader reader)
    {
        if (reader.Remaining > 0)
            reader.Fail(ProtocolError.TrailingBytes);
        return reader.Error;
    }
}
