using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Distributed.Fuzz;

/// <summary>One change of an input; every number is valid, whatever the input's length.</summary>
/// <param name="Kind">Which change.</param>
/// <param name="At">Where.</param>
/// <param name="Length">Of how many bytes, or which word or other input.</param>
/// <param name="Value">To what.</param>
internal sealed record Edit(int Kind, int At, int Length, int Value)
{
    public static Edit Random(Random random) => new(random.Next(), random.Next(), random.Next(), random.Next());
}

/// <summary>
/// Changes inputs: bits, bytes, numbers of all widths to their extremes, ranges cut, copied and doubled, words of the
/// format, pieces of other inputs, numbers in text; and puts checksums right. A function of its arguments.
/// </summary>
internal static class Mutator
{
    /// <summary>The longest input.</summary>
    public const int MostBytes = 1 << 16;

    private static readonly long[] Extremes =
    [
        0, 1, -1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, -128, 255, 256, 1000, 1024, 4096,
        short.MaxValue, short.MinValue, ushort.MaxValue, 65536, 1 << 20, 1 << 24, 1 << 26, 1 << 28, 1 << 30,
        int.MaxValue, int.MinValue, uint.MaxValue, 1L << 32, long.MaxValue, long.MinValue,
    ];

    private static readonly string[] Numbers =
    [
        "0", "-1", "1", "2", "1.5", "1e400", "1e-400", "-0", "65536", "1048576", "268435456", "2147483647",
        "2147483648", "9223372036854775807", "18446744073709551615", "1e9", "0.9999999999999999",
    ];

    /// <summary>An input with all the changes.</summary>
    /// <param name="input">What is changed.</param>
    /// <param name="edits">The changes in order.</param>
    /// <param name="target">Whose words and checksums.</param>
    /// <param name="others">Inputs to take pieces of; at least one.</param>
    public static byte[] Apply(
        byte[] input, IReadOnlyList<Edit> edits, FuzzTarget target, IReadOnlyList<byte[]> others)
    {
        List<byte> bytes = [.. input];
        bool isRepaired = false;
        foreach (Edit edit in edits)
        {
            isRepaired |= edit.Kind % 16 == 15;
            Apply(bytes, edit, target.Words, others);
            if (bytes.Count > MostBytes) bytes.RemoveRange(MostBytes, bytes.Count - MostBytes);
        }

        return isRepaired ? target.Repair([.. bytes]) : [.. bytes];
    }

    private static void Apply(
        List<byte> bytes, Edit edit, IReadOnlyList<byte[]> words, IReadOnlyList<byte[]> others)
    {
        int at = edit.At % (bytes.Count + 1);
        int left = bytes.Count - at;
        int length = Math.Min(left, 1 + (edit.Length % (edit.Value % 8 == 0 ? 4096 : 16)));
        switch (edit.Kind % 16)
        {
            case 0 or 1 when left > 0: bytes[at] ^= (byte)(1 << (edit.Value % 8)); break;
            case 2 when left > 0: bytes[at] = (byte)edit.Value; break;
            case 3 when left > 0: bytes[at] += (byte)((edit.Value % 33) - 16); break;
            case 4 or 5: Overwrite(bytes, at, Number(edit)); break;
            case 6: bytes.RemoveRange(at, length); break;
            case 7: bytes.InsertRange(edit.Value % (bytes.Count + 1), bytes.GetRange(at, length)); break;
            case 8 when edit.Value % 4 == 0: bytes.RemoveRange(at, left); break;
            case 8: bytes.Insert(at, (byte)edit.Value); break;
            case 9 when words.Count > 0: bytes.InsertRange(at, words[edit.Length % words.Count]); break;
            case 10 when words.Count > 0: Overwrite(bytes, at, words[edit.Length % words.Count]); break;
            case 11: Splice(bytes, at, edit, others[edit.Length % others.Count]); break;
            case 12 or 13: ReplaceNumber(bytes, at, edit); break;
            case 14: bytes.InsertRange(at, Enumerable.Repeat((byte)edit.Value, edit.Length % 256)); break;
        }
    }

    /// <summary>An extreme, or near to one, in 1, 2, 4 or 8 bytes of either order.</summary>
    private static byte[] Number(Edit edit)
    {
        byte[] number = new byte[8];
        long value = Extremes[edit.Value % Extremes.Length] + ((edit.Value >> 8) % 5 == 0 ? (edit.Value >> 12) % 3 : 0);
        int width = 1 << (edit.Length % 4);
        if ((edit.Length & 4) == 0)
        {
            BinaryPrimitives.WriteInt64LittleEndian(number, value);
            return number[..width];
        }

        BinaryPrimitives.WriteInt64BigEndian(number, value);
        return number[^width..];
    }

    private static void Overwrite(List<byte> bytes, int at, byte[] with)
    {
        for (int index = 0; index < with.Length && at + index < bytes.Count; index++) bytes[at + index] = with[index];
    }

    /// <summary>A range of another input, or all of it from there on.</summary>
    private static void Splice(List<byte> bytes, int at, Edit edit, byte[] other)
    {
        int from = edit.Value % (other.Length + 1);
        if (edit.Value % 3 == 0)
        {
            bytes.RemoveRange(at, bytes.Count - at);
            bytes.AddRange(other[Math.Min(at, other.Length)..]);
            return;
        }

        int length = Math.Min(other.Length - from, edit.At % 257);
        bytes.InsertRange(at, other[from..(from + length)]);
    }

    /// <summary>The next number in decimal digits becomes another.</summary>
    private static void ReplaceNumber(List<byte> bytes, int at, Edit edit)
    {
        int start = bytes.FindIndex(at, IsDigit);
        if (start < 0) return;
        int end = bytes.FindIndex(start, letter => !IsDigit(letter));
        end = end < 0 ? bytes.Count : end;
        string text = edit.Value % 2 == 0 ? Numbers[edit.Length % Numbers.Length]
            : (edit.Length % 300).ToString(CultureInfo.InvariantCulture);
        bytes.RemoveRange(start, end - start);
        bytes.InsertRange(start, Encoding.ASCII.GetBytes(text));
    }

    private static bool IsDigit(byte letter) => letter is >= (byte)'0' and <= (byte)'9';
}
