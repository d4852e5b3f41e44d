using System.Buffers.Binary;
using System.Text;

namespace Distributed.Cluster;

/// <summary>A protobuf message without its schema: fields by number.</summary>
internal sealed class ProtobufMessage
{
    private readonly List<(int Field, ulong Number, byte[]? Bytes)> _fields = [];

    public ProtobufMessage(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            ulong tag = ReadVarint(ref bytes);
            ulong number = 0;
            byte[]? content = null;
            switch (tag & 7)
            {
                case 0:
                    number = ReadVarint(ref bytes);
                    break;
                case 1:
                    number = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
                    bytes = bytes[8..];
                    break;
                case 2:
                    int length = checked((int)ReadVarint(ref bytes));
                    content = bytes[..length].ToArray();
                    bytes = bytes[length..];
                    break;
                case 5:
                    number = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
                    bytes = bytes[4..];
                    break;
                default: throw new InvalidDataException($"Wire type {tag & 7} does not exist.");
            }

            _fields.Add(((int)(tag >> 3), number, content));
        }
    }

    /// <summary>The messages of a repeated field.</summary>
    public IEnumerable<ProtobufMessage> Messages(int field) =>
        _fields.Where(each => each.Field == field).Select(each => new ProtobufMessage(each.Bytes));

    /// <summary>The message of a field that is there.</summary>
    public ProtobufMessage Message(int field) => Messages(field).Single();

    /// <summary>The field's text; empty where it is missing.</summary>
    public string Text(int field) =>
        Encoding.UTF8.GetString(_fields.LastOrDefault(each => each.Field == field).Bytes ?? []);

    /// <summary>Eight bytes as a floating-point number; null where the field is missing.</summary>
    public double? Double(int field) => Bits(field) is { } bits ? BitConverter.UInt64BitsToDouble(bits) : null;

    /// <summary>Eight bytes, or a varint, as a whole number; null where the field is missing.</summary>
    public long? Integer(int field) => (long?)Bits(field);

    /// <summary>The field's bytes as hexadecimal digits; empty where it is missing.</summary>
    public string Hexadecimal(int field) =>
        Convert.ToHexString(_fields.LastOrDefault(each => each.Field == field).Bytes ?? []);

    private ulong? Bits(int field) =>
        _fields.Where(each => each.Field == field).Select(each => (ulong?)each.Number).LastOrDefault();

    private static ulong ReadVarint(ref ReadOnlySpan<byte> bytes)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = bytes[0];
            bytes = bytes[1..];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }
    }
}
