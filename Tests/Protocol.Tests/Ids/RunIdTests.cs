using Xunit;

namespace Distributed.Protocol.Tests;

public class RunIdTests
{
    private static readonly RunId Run = new(0x0123456789abcdef, 0x00000000000000ff);

    [Fact]
    public void Text_and_bytes_go_both_ways()
    {
        Assert.Equal("0123456789abcdef00000000000000ff", Run.ToString());
        Assert.True(RunId.TryParse(Run.ToString(), out RunId parsed));
        Assert.Equal(Run, parsed);

        byte[] bytes = new byte[RunId.ByteLength];
        Run.WriteTo(bytes);
        Assert.Equal(Run.ToString(), Convert.ToHexStringLower(bytes));
        Assert.Equal(Run, RunId.FromBytes(bytes));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("0123456789abcdef00000000000000f")]
    [InlineData("0123456789abcdef00000000000000ff0")]
    [InlineData("0123456789abcdef 0000000000000ff")]
    [InlineData("0123456789abcdeg00000000000000ff")]
    public void Other_text_is_refused(string? text) => Assert.False(RunId.TryParse(text, out _));
}
