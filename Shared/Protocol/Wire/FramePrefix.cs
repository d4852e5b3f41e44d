using System.Buffers.Binary;

namespace Distributed.Protocol;

/// <summary>
/// What every frame starts with: 16 bytes, little-endian. A frame is the prefix, a MessagePack header, and for tensors
/// the raw little-endian payload followed by its CRC-32C.
/// <code>
/// 0  magic         "DTR1"
/// 4  message       u16
/// 6  reserved      u16, 0
/// 8  header bytes  u32
/// 12 payload bytes u32, without the CRC
/// </code>
/// </summary>
/// <param name="Kind">The message's number.</param>
/// <param name="HeaderBytes">Bytes of the MessagePack header.</param>
/// <param name="PayloadBytes">Bytes of the payload; 0: neither payload nor CRC follows.</param>
public readonly record struct FramePrefix(MessageKind Kind, int HeaderBytes, int PayloadBytes)
{
    /// <summary>Bytes of the prefix.</summary>
    public const int ByteLength = 16;

    /// <summary>Bytes of the CRC-32C (little-endian) that follows a payload.</summary>
    public const int ChecksumBytes = 4;

    private const uint Magic = 'D' | 'T' << 8 | 'R' << 16 | '1' << 24;

    /// <summary>Writes the prefix.</summary>
    /// <param name="destination">At least <see cref="ByteLength"/> bytes.</param>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[4..], (ushort)Kind);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[6..], 0);
        BinaryPrimitives.WriteInt32LittleEndian(destination[8..], HeaderBytes);
        BinaryPrimitives.WriteInt32LittleEndian(destination[12..], PayloadBytes);
    }

    /// <summary>Reads a prefix and checks it against the limits, before anything that it announces is read.</summary>
    /// <param name="bytes">At least <see cref="ByteLength"/> bytes.</param>
    /// <param name="maxHeaderBytes">The limit that holds here.</param>
    /// <param name="maxPayloadBytes">The limit that holds here; 0 where no payload belongs.</param>
    /// <param name="prefix">What was read; default on an error.</param>
    public static ProtocolError TryRead(
        ReadOnlySpan<byte> bytes, int maxHeaderBytes, int maxPayloadBytes, out FramePrefix prefix)
    {
        prefix = default;
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic)
            return ProtocolError.BadMagic;
        if (BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]) != 0)
            return ProtocolError.ReservedBits;
        uint headerBytes = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        uint payloadBytes = BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]);
        if (headerBytes > (uint)maxHeaderBytes)
            return ProtocolError.TooLong;
        if (payloadBytes > (uint)maxPayloadBytes)
            return maxPayloadBytes == 0 ? ProtocolError.WrongPayloadLength : ProtocolError.TooLong;
        MessageKind kind = (MessageKind)BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]);
        prefix = new FramePrefix(kind, (int)headerBytes, (int)payloadBytes);
        return ProtocolError.None;
    }
}
