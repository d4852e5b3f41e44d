using Xunit;

namespace Distributed.Protocol.Tests;

/// <summary>Every format of the specification, as written out there: first byte, then the big-endian parts.</summary>
public class MessagePackTests
{
    private delegate void Writing(ref MessagePackWriter writer);
    private delegate T Reading<T>(ref MessagePackReader reader);

    [Theory]
    [InlineData(0, "00")]
    [InlineData(127, "7f")]
    [InlineData(128, "cc80")]
    [InlineData(255, "ccff")]
    [InlineData(256, "cd0100")]
    [InlineData(65535, "cdffff")]
    [InlineData(65536, "ce00010000")]
    [InlineData(4294967295, "ceffffffff")]
    [InlineData(4294967296, "cf0000000100000000")]
    [InlineData(long.MaxValue, "cf7fffffffffffffff")]
    [InlineData(-1, "ff")]
    [InlineData(-32, "e0")]
    [InlineData(-33, "d0df")]
    [InlineData(-128, "d080")]
    [InlineData(-129, "d1ff7f")]
    [InlineData(-32768, "d18000")]
    [InlineData(-32769, "d2ffff7fff")]
    [InlineData(int.MinValue, "d280000000")]
    [InlineData(int.MinValue - 1L, "d3ffffffff7fffffff")]
    [InlineData(long.MinValue, "d38000000000000000")]
    public void Integers_take_their_smallest_format(long value, string hex)
    {
        Assert.Equal(hex, Written((ref MessagePackWriter writer) => writer.Write(value)));
        Assert.Equal(value, Read(hex, (ref MessagePackReader reader) => reader.ReadInt64()));
        if (value >= 0)
            Assert.Equal((ulong)value, Read(hex, (ref MessagePackReader reader) => reader.ReadUInt64()));
    }

    [Theory]
    [InlineData("cc05", 5)]
    [InlineData("cd0005", 5)]
    [InlineData("ce00000005", 5)]
    [InlineData("cf0000000000000005", 5)]
    [InlineData("d005", 5)]
    [InlineData("d10005", 5)]
    [InlineData("d200000005", 5)]
    [InlineData("d30000000000000005", 5)]
    [InlineData("d1ffff", -1)]
    [InlineData("d2ffffffff", -1)]
    [InlineData("d3ffffffffffffffff", -1)]
    public void Integers_are_read_from_any_format(string hex, int value)
    {
        Assert.Equal(value, Read(hex, (ref MessagePackReader reader) => reader.ReadInt32()));
        Assert.Equal(value, Read(hex, (ref MessagePackReader reader) => reader.ReadInt64()));
    }

    [Fact]
    public void Largest_unsigned_integer_goes_both_ways()
    {
        Assert.Equal("cfffffffffffffffff", Written((ref MessagePackWriter writer) => writer.Write(ulong.MaxValue)));
        Assert.Equal(ulong.MaxValue, Read("cfffffffffffffffff", (ref MessagePackReader reader) => reader.ReadUInt64()));
    }

    [Fact]
    public void Nil_booleans_and_floats()
    {
        Assert.Equal("c0", Written((ref MessagePackWriter writer) => writer.WriteNil()));
        Assert.True(Read("c0", (ref MessagePackReader reader) => reader.TryReadNil()));
        Assert.Equal("c2", Written((ref MessagePackWriter writer) => writer.Write(false)));
        Assert.Equal("c3", Written((ref MessagePackWriter writer) => writer.Write(true)));
        Assert.False(Read("c2", (ref MessagePackReader reader) => reader.ReadBoolean()));
        Assert.True(Read("c3", (ref MessagePackReader reader) => reader.ReadBoolean()));
        Assert.Equal("ca3fc00000", Written((ref MessagePackWriter writer) => writer.Write(1.5f)));
        Assert.Equal(1.5f, Read("ca3fc00000", (ref MessagePackReader reader) => reader.ReadSingle()));
        Assert.Equal("cb3ff8000000000000", Written((ref MessagePackWriter writer) => writer.Write(1.5)));
        Assert.Equal(1.5, Read("cb3ff8000000000000", (ref MessagePackReader reader) => reader.ReadDouble()));
        Assert.Equal(1.5, Read("ca3fc00000", (ref MessagePackReader reader) => reader.ReadDouble()));
        Assert.Equal("cb8000000000000000", Written((ref MessagePackWriter writer) => writer.Write(-0.0)));
    }

    [Theory]
    [InlineData(0, "a0")]
    [InlineData(31, "bf")]
    [InlineData(32, "d920")]
    [InlineData(255, "d9ff")]
    [InlineData(256, "da0100")]
    [InlineData(65535, "daffff")]
    [InlineData(65536, "db00010000")]
    public void Strings(int length, string head)
    {
        string text = new('x', length);
        string hex = head + string.Concat(Enumerable.Repeat("78", length));
        Assert.Equal(hex, Written((ref MessagePackWriter writer) => writer.Write(text)));
        Assert.Equal(text, Read(hex, (ref MessagePackReader reader) => reader.ReadString()));
    }

    [Fact]
    public void Text_is_utf8()
    {
        Assert.Equal("a6c3a9f09f8c8d", Written((ref MessagePackWriter writer) => writer.Write("é🌍")));
        Assert.Equal("é🌍", Read("a6c3a9f09f8c8d", (ref MessagePackReader reader) => reader.ReadString()));
        Assert.Null(Read("c0", (ref MessagePackReader reader) => reader.ReadStringOrNil()));
    }

    [Theory]
    [InlineData(0, "c400")]
    [InlineData(255, "c4ff")]
    [InlineData(256, "c50100")]
    [InlineData(65536, "c600010000")]
    public void Binaries(int length, string head)
    {
        byte[] bytes = Enumerable.Repeat((byte)0xab, length).ToArray();
        string hex = head + string.Concat(Enumerable.Repeat("ab", length));
        Assert.Equal(hex, Written((ref MessagePackWriter writer) => writer.WriteBinary(bytes)));
        Assert.Equal(bytes, Read(hex, (ref MessagePackReader reader) => reader.ReadBinary().ToArray()));
    }

    [Theory]
    [InlineData(0, "90", "80")]
    [InlineData(15, "9f", "8f")]
    [InlineData(16, "dc0010", "de0010")]
    [InlineData(65535, "dcffff", "deffff")]
    [InlineData(65536, "dd00010000", "df00010000")]
    public void Arrays_and_maps(int count, string array, string map)
    {
        Assert.Equal(array, Written((ref MessagePackWriter writer) => writer.WriteArrayHeader(count)));
        Assert.Equal(map, Written((ref MessagePackWriter writer) => writer.WriteMapHeader(count)));
        string items = string.Concat(Enumerable.Repeat("c0", count));
        Reading<int> arrayHeader = Header((ref MessagePackReader reader) => reader.ReadArrayHeader());
        Reading<int> mapHeader = Header((ref MessagePackReader reader) => reader.ReadMapHeader());
        Assert.Equal(count, Read(array + items, arrayHeader));
        Assert.Equal(count, Read(map + items + items, mapHeader));
        Skipped(array + items);
        Skipped(map + items + items);
    }

    [Theory]
    [InlineData(1, "d405")]
    [InlineData(2, "d505")]
    [InlineData(4, "d605")]
    [InlineData(8, "d705")]
    [InlineData(16, "d805")]
    [InlineData(0, "c70005")]
    [InlineData(3, "c70305")]
    [InlineData(255, "c7ff05")]
    [InlineData(256, "c8010005")]
    [InlineData(65536, "c90001000005")]
    public void Extensions(int length, string head)
    {
        byte[] bytes = Enumerable.Repeat((byte)0xcd, length).ToArray();
        string hex = head + string.Concat(Enumerable.Repeat("cd", length));
        Assert.Equal(hex, Written((ref MessagePackWriter writer) => writer.WriteExtension(5, bytes)));
        MessagePackReader reader = new(Convert.FromHexString(hex), ProtocolLimits.Default);
        Assert.Equal(bytes, reader.ReadExtension(out sbyte type).ToArray());
        Assert.Equal(5, type);
        Assert.Equal(ProtocolError.None, reader.Error);
        Skipped(hex);
    }

    [Theory]
    [InlineData("d6ff5bb2f1c0")] // timestamp 32
    [InlineData("d7ffa1dcd7c866e8f6e0")] // timestamp 64
    [InlineData("c70cff00000001ffffffffffffff00")] // timestamp 96
    [InlineData("c0")]
    [InlineData("cfffffffffffffffff")]
    [InlineData("d38000000000000000")]
    [InlineData("ca7fc00000")]
    [InlineData("93019283a1610102c40101c301d4050000")]
    public void Unknown_values_are_skipped_whole(string hex)
    {
        Skipped(hex);
    }

    [Fact]
    public void A_writer_out_of_room_says_so_and_writes_nothing_beyond()
    {
        for (int room = 0; room < 9; room++)
        {
            byte[] bytes = new byte[12];
            MessagePackWriter writer = new(bytes.AsSpan(0, room));
            writer.Write(long.MinValue);
            Assert.True(writer.Overflowed);
            writer.WriteNil();
            Assert.True(writer.Overflowed);
            Assert.All(bytes, value => Assert.Equal(0, value));
        }
    }

    private static string Written(Writing write)
    {
        byte[] bytes = new byte[70_000];
        MessagePackWriter writer = new(bytes);
        write(ref writer);
        Assert.False(writer.Overflowed);
        return Convert.ToHexStringLower(bytes.AsSpan(0, writer.Written));
    }

    // Reads the value, which must take all the bytes; cut short by any number of bytes it must fail.
    private static T Read<T>(string hex, Reading<T> read)
    {
        byte[] bytes = Convert.FromHexString(hex);
        for (int length = 0; length < Math.Min(bytes.Length, 12); length++)
        {
            MessagePackReader cut = new(bytes.AsSpan(0, length), ProtocolLimits.Default);
            read(ref cut);
            cut.Skip();
            Assert.Equal(ProtocolError.Truncated, cut.Error);
        }
        MessagePackReader reader = new(bytes, ProtocolLimits.Default);
        T value = read(ref reader);
        Assert.Equal(ProtocolError.None, reader.Error);
        Assert.Equal(0, reader.Remaining);
        return value;
    }

    private static Reading<int> Header(Reading<int> header) => (ref MessagePackReader reader) =>
    {
        bool map = reader.NextType == MessagePackType.Map;
        int count = header(ref reader);
        for (int i = 0; i < (map ? 2 : 1) * count; i++)
            reader.Skip();
        return count;
    };

    private static void Skipped(string hex)
    {
        MessagePackReader reader = new(Convert.FromHexString(hex + "2a"), ProtocolLimits.Default);
        reader.Skip();
        Assert.Equal(42, reader.ReadInt64());
        Assert.Equal(ProtocolError.None, reader.Error);
    }
}
