using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Distributed.Protocol;

/// <summary>
/// Reads MessagePack (github.com/msgpack/msgpack, spec.md) from a span, every format of it. Nothing a peer sends makes
/// it throw: the first error stays in <see cref="Error"/>, from then on every read returns a default value, and the
/// caller looks once at the end. Lengths are checked against the limits, and against the bytes that are there, before
/// anything is allocated; only <see cref="ReadString"/> allocates.
/// </summary>
public ref struct MessagePackReader(ReadOnlySpan<byte> bytes, ProtocolLimits limits)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private readonly ProtocolLimits _limits = limits;
    private int _position;

    /// <summary>The first error.</summary>
    public ProtocolError Error { get; private set; }

    /// <summary>Whether there was an error.</summary>
    public readonly bool Failed => Error != ProtocolError.None;

    /// <summary>Bytes not read yet.</summary>
    public readonly int Remaining => _bytes.Length - _position;

    /// <summary>The family of the next value, without reading it.</summary>
    public readonly MessagePackType NextType =>
        Failed || Remaining == 0 ? MessagePackType.None : TypeOf(_bytes[_position]);

    /// <summary>Records an error that the caller found; the first one stays.</summary>
    public void Fail(ProtocolError error)
    {
        if (!Failed)
            Error = error;
    }

    /// <summary>Reads nil if it comes next; false, reading nothing, if something else does.</summary>
    public bool TryReadNil()
    {
        if (NextType != MessagePackType.Nil)
            return false;
        _position++;
        return true;
    }

    /// <summary>true or false</summary>
    public bool ReadBoolean()
    {
        byte tag = Tag();
        if (tag is not (0xc2 or 0xc3))
            Mismatch(tag);
        return tag == 0xc3;
    }

    /// <summary>An integer of any format that fits 64 signed bits.</summary>
    public long ReadInt64()
    {
        byte tag = Tag();
        switch (tag)
        {
            case <= 0x7f: return tag;
            case >= 0xe0: return (sbyte)tag;
            case 0xcc: return (byte)Big(1);
            case 0xcd: return (ushort)Big(2);
            case 0xce: return (uint)Big(4);
            case 0xd0: return (sbyte)Big(1);
            case 0xd1: return (short)Big(2);
            case 0xd2: return (int)Big(4);
            case 0xd3: return (long)Big(8);
            case 0xcf:
                ulong value = Big(8);
                if (value > long.MaxValue)
                    Fail(ProtocolError.OutOfRange);
                return Failed ? 0 : (long)value;
            default:
                Mismatch(tag);
                return 0;
        }
    }

    /// <summary>An integer of any format that isn't negative.</summary>
    public ulong ReadUInt64()
    {
        if (Remaining > 0 && _bytes[_position] == 0xcf)
        {
            Tag();
            return Big(8);
        }
        long value = ReadInt64();
        if (value < 0)
            Fail(ProtocolError.OutOfRange);
        return Failed ? 0 : (ulong)value;
    }

    /// <summary>An integer of any format within [minimum, maximum].</summary>
    public int ReadInt32(int minimum = int.MinValue, int maximum = int.MaxValue)
    {
        long value = ReadInt64();
        if (value < minimum || value > maximum)
            Fail(ProtocolError.OutOfRange);
        return Failed ? 0 : (int)value;
    }

    /// <summary>float 32</summary>
    public float ReadSingle()
    {
        byte tag = Tag();
        if (tag == 0xca)
            return BitConverter.UInt32BitsToSingle((uint)Big(4));
        Mismatch(tag);
        return 0;
    }

    /// <summary>float 64 or float 32</summary>
    public double ReadDouble()
    {
        byte tag = Tag();
        switch (tag)
        {
            case 0xca: return BitConverter.UInt32BitsToSingle((uint)Big(4));
            case 0xcb: return BitConverter.UInt64BitsToDouble(Big(8));
            default:
                Mismatch(tag);
                return 0;
        }
    }

    /// <summary>A string; empty after an error.</summary>
    public string ReadString()
    {
        ReadOnlySpan<byte> bytes = ReadStringBytes();
        if (Utf8.IsValid(bytes))
            return Encoding.UTF8.GetString(bytes);
        Fail(ProtocolError.InvalidText);
        return "";
    }

    /// <summary>A string, or null for nil.</summary>
    public string? ReadStringOrNil() => TryReadNil() ? null : ReadString();

    /// <summary>A string's bytes in place, not checked to be UTF-8.</summary>
    public ReadOnlySpan<byte> ReadStringBytes()
    {
        byte tag = Tag();
        switch (tag)
        {
            case >= 0xa0 and <= 0xbf: return Slice((uint)(tag & 0x1f), _limits.MaxStringBytes);
            case 0xd9: return Slice(Big(1), _limits.MaxStringBytes);
            case 0xda: return Slice(Big(2), _limits.MaxStringBytes);
            case 0xdb: return Slice(Big(4), _limits.MaxStringBytes);
            default:
                Mismatch(tag);
                return default;
        }
    }

    /// <summary>A bin's bytes in place; limited by the message's own length.</summary>
    public ReadOnlySpan<byte> ReadBinary()
    {
        byte tag = Tag();
        switch (tag)
        {
            case 0xc4: return Slice(Big(1), int.MaxValue);
            case 0xc5: return Slice(Big(2), int.MaxValue);
            case 0xc6: return Slice(Big(4), int.MaxValue);
            default:
                Mismatch(tag);
                return default;
        }
    }

    /// <summary>The head of an array: how many items follow. No more than there are bytes for.</summary>
    public int ReadArrayHeader()
    {
        byte tag = Tag();
        switch (tag)
        {
            case >= 0x90 and <= 0x9f: return Count((uint)(tag & 0x0f), 1);
            case 0xdc: return Count(Big(2), 1);
            case 0xdd: return Count(Big(4), 1);
            default:
                Mismatch(tag);
                return 0;
        }
    }

    /// <summary>The head of a map: how many pairs of key and value follow. No more than there are bytes for.</summary>
    public int ReadMapHeader()
    {
        byte tag = Tag();
        switch (tag)
        {
            case >= 0x80 and <= 0x8f: return Count((uint)(tag & 0x0f), 2);
            case 0xde: return Count(Big(2), 2);
            case 0xdf: return Count(Big(4), 2);
            default:
                Mismatch(tag);
                return 0;
        }
    }

    /// <summary>An extension's type and bytes in place.</summary>
    public ReadOnlySpan<byte> ReadExtension(out sbyte type)
    {
        byte tag = Tag();
        ulong length;
        switch (tag)
        {
            case >= 0xd4 and <= 0xd8: length = 1ul << (tag - 0xd4); break;
            case 0xc7: length = Big(1); break;
            case 0xc8: length = Big(2); break;
            case 0xc9: length = Big(4); break;
            default:
                Mismatch(tag);
                type = 0;
                return default;
        }
        type = (sbyte)Big(1);
        return Slice(length, int.MaxValue);
    }

    /// <summary>Passes over one value of any type, with all that is in it.</summary>
    public void Skip() => Skip(0);

    private void Skip(int depth)
    {
        if (depth > _limits.MaxDepth)
            Fail(ProtocolError.TooDeep);
        switch (NextType)
        {
            case MessagePackType.Nil:
            case MessagePackType.Boolean:
                Tag();
                break;
            case MessagePackType.Integer:
                if (_bytes[_position] is 0xcf)
                    ReadUInt64();
                else
                    ReadInt64();
                break;
            case MessagePackType.Float: ReadDouble(); break;
            case MessagePackType.String: ReadStringBytes(); break;
            case MessagePackType.Binary: ReadBinary(); break;
            case MessagePackType.Extension: ReadExtension(out _); break;
            case MessagePackType.Array: SkipItems(ReadArrayHeader(), depth + 1); break;
            case MessagePackType.Map: SkipItems(2L * ReadMapHeader(), depth + 1); break;
            default: Fail(Remaining == 0 ? ProtocolError.Truncated : ProtocolError.ReservedByte); break;
        }
    }

    private void SkipItems(long count, int depth)
    {
        for (; count > 0 && !Failed; count--)
            Skip(depth);
    }

    private static MessagePackType TypeOf(byte tag) => tag switch
    {
        <= 0x7f or >= 0xe0 or (>= 0xcc and <= 0xd3) => MessagePackType.Integer,
        <= 0x8f or 0xde or 0xdf => MessagePackType.Map,
        <= 0x9f or 0xdc or 0xdd => MessagePackType.Array,
        <= 0xbf or (>= 0xd9 and <= 0xdb) => MessagePackType.String,
        0xc0 => MessagePackType.Nil,
        0xc1 => MessagePackType.None,
        0xc2 or 0xc3 => MessagePackType.Boolean,
        0xca or 0xcb => MessagePackType.Float,
        >= 0xc4 and <= 0xc6 => MessagePackType.Binary,
        _ => MessagePackType.Extension, // 0xc7..0xc9, 0xd4..0xd8
    };

    // After an error: 0xc1, which no reader takes for a value.
    private byte Tag()
    {
        if (Remaining == 0)
            Fail(ProtocolError.Truncated);
        return Failed ? (byte)0xc1 : _bytes[_position++];
    }

    private void Mismatch(byte tag) => Fail(tag == 0xc1 ? ProtocolError.ReservedByte : ProtocolError.WrongType);

    // An unsigned big-endian number of 1, 2, 4 or 8 bytes.
    private ulong Big(int width)
    {
        if (Failed || Remaining < width)
        {
            Fail(ProtocolError.Truncated);
            return 0;
        }
        ReadOnlySpan<byte> at = _bytes.Slice(_position, width);
        _position += width;
        return width switch
        {
            1 => at[0],
            2 => BinaryPrimitives.ReadUInt16BigEndian(at),
            4 => BinaryPrimitives.ReadUInt32BigEndian(at),
            _ => BinaryPrimitives.ReadUInt64BigEndian(at),
        };
    }

    private ReadOnlySpan<byte> Slice(ulong length, int limit)
    {
        if (length > (ulong)limit)
            Fail(ProtocolError.TooLong);
        else if (length > (ulong)Remaining)
            Fail(ProtocolError.Truncated);
        if (Failed)
            return default;
        ReadOnlySpan<byte> slice = _bytes.Slice(_position, (int)length);
        _position += (int)length;
        return slice;
    }

    private int Count(ulong count, int bytesEach)
    {
        if (count > (ulong)_limits.MaxArrayItems)
            Fail(ProtocolError.TooLong);
        else if (count * (ulong)bytesEach > (ulong)Remaining)
            Fail(ProtocolError.Truncated);
        return Failed ? 0 : (int)count;
    }
}
