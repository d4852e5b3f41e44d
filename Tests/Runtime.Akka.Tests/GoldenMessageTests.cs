#if MESSAGE_PACK
using MessagePack;
#endif
using Xunit;

namespace Distributed.Runtime.Akka.Tests;

/// <summary>Our own reader and writer speak MessagePack as others do.</summary>
public sealed class GoldenMessageTests
{
#if MESSAGE_PACK
    [Fact]
    public void MessagePackCSharpDecodesEveryGoldenMessage()
    {
        string[] golden =
        [
            .. File.ReadLines(Path.Combine(Checkout.Folder, "Shared", "Protocol", "CONTRACTS.md"))
                .Where(line => line.StartsWith("Golden: `", StringComparison.Ordinal))
                .Select(line => line["Golden: `".Length..^1]),
        ];
        Assert.NotEmpty(golden);
        foreach (string hex in golden)
        {
            MessagePackReader reader = new(Convert.FromHexString(hex));
            int fields = reader.ReadMapHeader();
            for (int field = 0; field < fields; field++)
            {
                Assert.Equal(field, reader.ReadInt32());
                reader.Skip();
            }

            Assert.True(reader.End, hex);
        }
    }
#else
    [Fact(Skip = "MessagePack-CSharp: not in this feed")]
    public void MessagePackCSharpDecodesEveryGoldenMessage() => Assert.Fail("skipped");
#endif
}
