using System.Buffers.Binary;
using System.Globalization;

namespace Distributed.Protocol;

/// <summary>Names one training run for its whole life, across restarts: 128 bits, drawn once by the program that
/// starts the run.</summary>
/// <param name="High">The upper 64 bits.</param>
/// <param name="Low">The lower 64 bits.</param>
public readonly record struct RunId(ulong High, ulong Low)
{
    /// <summary>Bytes of the binary form: big-endian, <see cref="High"/> first.</summary>
    public const int ByteLength = 16;

    /// <summary>Reads the binary form.</summary>
    /// <param name="bytes">Exactly <see cref="ByteLength"/> bytes.</param>
    public static RunId FromBytes(ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(bytes.Length, ByteLength);
        return new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));
    }

    /// <summary>Reads what <see cref="ToString"/> prints; false for anything else.</summary>
    public static bool TryParse(string? text, out RunId run)
    {
        run = default;
        const NumberStyles Hex = NumberStyles.AllowHexSpecifier;
        if (text is not { Length: 2 * ByteLength }
            || !ulong.TryParse(text.AsSpan(0, 16), Hex, CultureInfo.InvariantCulture, out ulong high)
            || !ulong.TryParse(text.AsSpan(16), Hex, CultureInfo.InvariantCulture, out ulong low))
            return false;
        run = new RunId(high, low);
        return true;
    }

    /// <summary>Writes the binary form.</summary>
    /// <param name="destination">At least <see cref="ByteLength"/> bytes.</param>
    public void WriteTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, High);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], Low);
    }

    /// <summary>32 lower-case hexadecimal digits.</summary>
    public override string ToString() => $"{High:x16}{Low:x16}";
}
