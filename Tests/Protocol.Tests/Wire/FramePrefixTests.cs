using Xunit;

namespace Distributed.Protocol.Tests;

public class FramePrefixTests
{
    private const string Golden = "44545231" + "1400" + "0000" + "03000000" + "00010000";

    [Fact]
    public void Layout_is_the_documented_one()
    {
        FramePrefix prefix = new(MessageKind.Gradient, 3, 256);
        byte[] bytes = new byte[FramePrefix.ByteLength];
        prefix.Write(bytes);
        Assert.Equal(Golden, Convert.ToHexStringLower(bytes));
        Assert.Equal(ProtocolError.None, FramePrefix.TryRead(bytes, 3, 256, out FramePrefix read));
        Assert.Equal(prefix, read);
    }

    [Theory]
    [InlineData(0, 0x45, 3, 256, ProtocolError.BadMagic)]
    [InlineData(3, 0x32, 3, 256, ProtocolError.BadMagic)]
    [InlineData(6, 0x01, 3, 256, ProtocolError.ReservedBits)]
    [InlineData(8, 0x04, 3, 256, ProtocolError.TooLong)]
    [InlineData(11, 0xff, int.MaxValue, 256, ProtocolError.TooLong)]
    [InlineData(12, 0x01, 3, 256, ProtocolError.TooLong)]
    [InlineData(15, 0xff, 3, int.MaxValue, ProtocolError.TooLong)]
    [InlineData(12, 0x01, 3, 0, ProtocolError.WrongPayloadLength)]
    public void Anything_else_is_an_error(int at, byte value, int maxHeader, int maxPayload, ProtocolError error)
    {
        byte[] bytes = Convert.FromHexString(Golden);
        bytes[at] = value;
        Assert.Equal(error, FramePrefix.TryRead(bytes, maxHeader, maxPayload, out FramePrefix prefix));
        Assert.Equal(default, prefix);
    }
}
