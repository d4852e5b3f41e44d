using Xunit;

namespace Distributed.Protocol.Tests;

public class MessagePackErrorTests
{
    private delegate void Reading(ref MessagePackReader reader);

    private static readonly ProtocolLimits Limits = new() { MaxStringBytes = 8, MaxArrayItems = 4, MaxDepth = 3 };

    private static readonly Reading[] Readers =
    [
        (ref MessagePackReader reader) => reader.ReadBoolean(),
        (ref MessagePackReader reader) => reader.ReadInt32(),
        (ref MessagePackReader reader) => reader.ReadInt64(),
        (ref MessagePackReader reader) => reader.ReadUInt64(),
        (ref MessagePackReader reader) => reader.ReadSingle(),
        (ref MessagePackReader reader) => reader.ReadDouble(),
        (ref MessagePackReader reader) => reader.ReadString(),
        (ref MessagePackReader reader) => reader.ReadBinary(),
        (ref MessagePackReader reader) => reader.ReadArrayHeader(),
        (ref MessagePackReader reader) => reader.ReadMapHeader(),
        (ref MessagePackReader reader) => reader.ReadExtension(out _),
    ];

    [Fact]
    public void A_value_of_another_type_is_an_error_and_the_reserved_byte_is_its_own()
    {
        foreach (Reading read in Readers)
        {
            Assert.Equal(ProtocolError.WrongType, ErrorOf("c0", read));
            Assert.Equal(ProtocolError.ReservedByte, ErrorOf("c1", read));
            Assert.Equal(ProtocolError.Truncated, ErrorOf("", read));
        }
        Assert.Equal(ProtocolError.ReservedByte, ErrorOf("c1", (ref MessagePackReader reader) => reader.Skip()));
    }

    [Theory]
    [InlineData("d9097878787878787878787878")] // 9 bytes of text, limit 8
    [InlineData("dbffffffff")] // 4 GB of text
    public void Text_over_the_limit_is_refused_before_it_is_read(string hex) =>
        Assert.Equal(ProtocolError.TooLong, ErrorOf(hex, (ref MessagePackReader reader) => reader.ReadString()));

    [Theory]
    [InlineData("95", ProtocolError.TooLong)] // 5 items, limit 4
    [InlineData("ddffffffff", ProtocolError.TooLong)]
    [InlineData("940101", ProtocolError.Truncated)] // 4 items can't fit in 2 bytes
    public void Array_counts_are_checked(string hex, ProtocolError error) =>
        Assert.Equal(error, ErrorOf(hex, (ref MessagePackReader reader) => reader.ReadArrayHeader()));

    [Theory]
    [InlineData("85", ProtocolError.TooLong)]
    [InlineData("dfffffffff", ProtocolError.TooLong)]
    [InlineData("82010101", ProtocolError.Truncated)] // 2 pairs can't fit in 3 bytes
    public void Map_counts_are_checked(string hex, ProtocolError error) =>
        Assert.Equal(error, ErrorOf(hex, (ref MessagePackReader reader) => reader.ReadMapHeader()));

    [Fact]
    public void A_binary_longer_than_the_message_is_truncated() =>
        Assert.Equal(ProtocolError.Truncated, ErrorOf("c67fffffff00", (ref MessagePackReader r) => r.ReadBinary()));

    [Theory]
    [InlineData("91919101", ProtocolError.None)]
    [InlineData("9191919101", ProtocolError.TooDeep)]
    [InlineData("8101810181018101c0", ProtocolError.TooDeep)]
    public void Nesting_is_bounded(string hex, ProtocolError error) =>
        Assert.Equal(error, ErrorOf(hex, (ref MessagePackReader reader) => reader.Skip()));

    [Fact]
    public void A_megabyte_of_nesting_ends_at_once()
    {
        byte[] bytes = new byte[1 << 20];
        Array.Fill(bytes, (byte)0x91);
        MessagePackReader reader = new(bytes, ProtocolLimits.Default);
        reader.Skip();
        Assert.Equal(ProtocolError.TooDeep, reader.Error);
    }

    [Theory]
    [InlineData("cf8000000000000000")]
    [InlineData("cfffffffffffffffff")]
    public void A_number_above_64_signed_bits_is_out_of_range(string hex) =>
        Assert.Equal(ProtocolError.OutOfRange, ErrorOf(hex, (ref MessagePackReader reader) => reader.ReadInt64()));

    [Fact]
    public void Numbers_outside_the_fields_range_are_errors()
    {
        Assert.Equal(ProtocolError.OutOfRange, ErrorOf("ff", (ref MessagePackReader r) => r.ReadUInt64()));
        Assert.Equal(ProtocolError.OutOfRange, ErrorOf("ff", (ref MessagePackReader r) => r.ReadInt32(0)));
        Assert.Equal(ProtocolError.OutOfRange, ErrorOf("03", (ref MessagePackReader r) => r.ReadInt32(0, 2)));
        Assert.Equal(ProtocolError.OutOfRange, ErrorOf("ce80000000", (ref MessagePackReader r) => r.ReadInt32()));
    }

    [Theory]
    [InlineData("a1ff")]
    [InlineData("a2c080")] // an overlong NUL
    [InlineData("a3eda080")] // a surrogate
    public void Text_that_is_not_utf8_is_an_error(string hex) =>
        Assert.Equal(ProtocolError.InvalidText, ErrorOf(hex, (ref MessagePackReader reader) => reader.ReadString()));

    [Fact]
    public void The_first_error_stays_and_later_reads_return_defaults()
    {
        MessagePackReader reader = new([0xc0, 0x05], Limits);
        Assert.Equal(0, reader.ReadInt32());
        Assert.Equal(0, reader.ReadInt32());
        Assert.Equal("", reader.ReadString());
        Assert.Equal(ProtocolError.WrongType, reader.Error);
    }

    private static ProtocolError ErrorOf(string hex, Reading read)
    {
        MessagePackReader reader = new(Convert.FromHexString(hex), Limits);
        read(ref reader);
        return reader.Error;
    }
}
