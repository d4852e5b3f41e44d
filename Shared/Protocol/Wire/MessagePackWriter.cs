using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;

namespace Distributed.Protocol;

/// <summary>
/// Writes MessagePack (github.com/msgpack/msgpack, spec.md) into a span, each value in its smallest format. Allocates
/// nothing. When the span is full the writer stops writing and <see cref="Overflowed"/> is true: the caller starts
/// again with more room.
/// </summary>
public ref struct MessagePackWriter(Span<byte> destination)
{
    private readonly Span<byte> _destination = destination;

    /// <summary>Bytes written.</summary>
    public int Written { get; private set; }

    /// <summary>Whether something didn't fit; what was written is then of no use.</summary>
    public bool Overflowed { get; private set; }

    /// <summary>nil</summary>
    public void WriteNil() => Byte(0xc0);

    /// <summary>true or false</summary>
    public void Write(bool value) => Byte(value ? (byte)0xc3 : (byte)0xc2);

    /// <summary>A signed integer: not negative as the unsigned formats, negative as fixint or int 8 to 64.</summary>
    public void Write(long value)
    {
        if (value >= 0)
            Write((ulong)value);
        else if (value >= -32)
            Byte((byte)value);
        else if (value >= sbyte.MinValue)
            Tagged8(0xd0, (byte)value);
        else if (value >= short.MinValue)
            Tagged16(0xd1, (ushort)value);
        else if (value >= int.MinValue)
            Tagged32(0xd2, (uint)value);
        else
            Tagged64(0xd3, (ulong)value);
    }

    /// <summary>An unsigned integer: fixint or uint 8 to 64.</summary>
    public void Write(ulong value)
    {
        if (value < 0x80)
            Byte((byte)value);
        else if (value <= byte.MaxValue)
            Tagged8(0xcc, (byte)value);
        else if (value <= ushort.MaxValue)
            Tagged16(0xcd, (ushort)value);
        else if (value <= uint.MaxValue)
            Tagged32(0xce, (uint)value);
        else
            Tagged64(0xcf, value);
    }

    /// <summary>float 32</summary>
    public void Write(float value) => Tagged32(0xca, BitConverter.SingleToUInt32Bits(value));

    /// <summary>float 64</summary>
    public void Write(double value) => Tagged64(0xcb, BitConverter.DoubleToUInt64Bits(value));

    /// <summary>A string as UTF-8: fixstr or str 8 to 32.</summary>
    public void Write(ReadOnlySpan<char> text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        if (length < 32)
            Byte((byte)(0xa0 | length));
        else
            Length(0xd9, 0xda, 0xdb, length);
        if (TryReserve(length, out Span<byte> bytes))
            Encoding.UTF8.GetBytes(text, bytes);
    }

    /// <summary>A string, or nil for null.</summary>
    public void WriteOrNil(string? text)
    {
        if (text is null)
            WriteNil();
        else
            Write(text);
    }

    /// <summary>Bytes: bin 8 to 32.</summary>
    public void WriteBinary(ReadOnlySpan<byte> bytes)
    {
        if (TryWriteBinaryHeader(bytes.Length, out Span<byte> room))
            bytes.CopyTo(room);
    }

    /// <summary>The head of a bin and the room for its bytes, which the caller fills; false when it didn't
    /// fit.</summary>
    public bool TryWriteBinaryHeader(int length, out Span<byte> room)
    {
        Length(0xc4, 0xc5, 0xc6, length);
        return TryReserve(length, out room);
    }

    /// <summary>The head of an array; its items follow.</summary>
    public void WriteArrayHeader(int count)
    {
        if (count < 16)
            Byte((byte)(0x90 | count));
        else if (count <= ushort.MaxValue)
            Tagged16(0xdc, (ushort)count);
        else
            Tagged32(0xdd, (uint)count);
    }

    /// <summary>The head of a map; its keys and values follow in turn.</summary>
    public void WriteMapHeader(int count)
    {
        if (count < 16)
            Byte((byte)(0x80 | count));
        else if (count <= ushort.MaxValue)
            Tagged16(0xde, (ushort)count);
        else
            Tagged32(0xdf, (uint)count);
    }

    /// <summary>An extension: fixext 1, 2, 4, 8, 16 or ext 8 to 32.</summary>
    public void WriteExtension(sbyte type, ReadOnlySpan<byte> bytes)
    {
        switch (bytes.Length)
        {
            case 1: Byte(0xd4); break;
            case 2: Byte(0xd5); break;
            case 4: Byte(0xd6); break;
            case 8: Byte(0xd7); break;
            case 16: Byte(0xd8); break;
            default: Length(0xc7, 0xc8, 0xc9, bytes.Length); break;
        }
        Byte((byte)type);
        if (TryReserve(bytes.Length, out Span<byte> room))
            bytes.CopyTo(room);
    }

    private void Length(byte tag8, byte tag16, byte tag32, int length)
    {
        if (length <= byte.MaxValue)
            Tagged8(tag8, (byte)length);
        else if (length <= ushort.MaxValue)
            Tagged16(tag16, (ushort)length);
        else
            Tagged32(tag32, (uint)length);
    }

    private void Byte(byte value)
    {
        if (TryReserve(1, out Span<byte> room))
            room[0] = value;
    }

    private void Tagged8(byte tag, byte value)
    {
        if (!TryReserve(2, out Span<byte> room))
            return;
        room[0] = tag;
        room[1] = value;
    }

    private void Tagged16(byte tag, ushort value)
    {
        if (!TryReserve(3, out Span<byte> room))
            return;
        room[0] = tag;
        BinaryPrimitives.WriteUInt16BigEndian(room[1..], value);
    }

    private void Tagged32(byte tag, uint value)
    {
        if (!TryReserve(5, out Span<byte> room))
            return;
        room[0] = tag;
        BinaryPrimitives.WriteUInt32BigEndian(room[1..], value);
    }

    private void Tagged64(byte tag, ulong value)
    {
        if (!TryReserve(9, out Span<byte> room))
            return;
        room[0] = tag;
        BinaryPrimitives.WriteUInt64BigEndian(room[1..], value);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryReserve(int length, out Span<byte> room)
    {
        if (Overflowed || length > _destination.Length - Written)
        {
            Overflowed = true;
            room = default;
            return false;
        }
        room = _destination.Slice(Written, length);
        Written += length;
        return true;
    }
}
