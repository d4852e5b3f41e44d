using System.Buffers.Binary;
using Distributed.Protocol;
using Distributed.Runtime;

namespace Distributed.Fuzz;

/// <summary>Frames as their bytes.</summary>
internal static class Frames
{
    public static byte[] Of(Message message)
    {
        byte[] frame = [];
        int length = 0;
        MessageCodec.Append(message, ref frame, ref length);
        return frame[..length];
    }

    public static byte[] Of<THeader>(in THeader header, byte[] payload) where THeader : struct, ITensorHeader<THeader>
    {
        byte[] start = new byte[256];
        int length = MessageCodec.WriteTensorHeader(header, payload.Length, start);
        return [.. start[..length], .. payload, .. BitConverter.GetBytes(Crc32C.Compute(payload))];
    }

    /// <summary>The sentence of a link's exception; a peer that refused in words of its own may leave the full stop
    /// out.</summary>
    public static string? Sentence(Exception error) => error is not LinkException refusal ? null
        : refusal.Refused ? $"The coordinator refused: {refusal.Message.TrimEnd('.')}." : refusal.Message;

    /// <summary>Writes the right CRC-32C behind every payload, as far as there are frames.</summary>
    public static byte[] Repair(byte[] input, int start)
    {
        for (int at = start; at + FramePrefix.ByteLength <= input.Length;)
        {
            Span<byte> rest = input.AsSpan(at);
            if (FramePrefix.TryRead(rest, rest.Length, rest.Length, out FramePrefix prefix) != ProtocolError.None)
                break;
            long payload = FramePrefix.ByteLength + (long)prefix.HeaderBytes;
            long end = payload + prefix.PayloadBytes + (prefix.PayloadBytes > 0 ? FramePrefix.ChecksumBytes : 0);
            if (end > rest.Length) break;
            if (prefix.PayloadBytes > 0)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(rest[((int)payload + prefix.PayloadBytes)..],
                    Crc32C.Compute(rest.Slice((int)payload, prefix.PayloadBytes)));
            }

            at += (int)end;
        }

        return input;
    }
}
