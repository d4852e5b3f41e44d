using System.Text;
using Xunit;

namespace Distributed.Protocol.Tests;

public class Crc32CTests
{
    [Fact]
    public void Known_answers()
    {
        Assert.Equal(0u, Crc32C.Compute([]));
        Assert.Equal(0xE3069283u, Crc32C.Compute(Encoding.ASCII.GetBytes("123456789")));
        // RFC 3720, appendix B.4.
        Assert.Equal(0x8A9136AAu, Crc32C.Compute(new byte[32]));
        Assert.Equal(0x62A8AB43u, Crc32C.Compute(Enumerable.Repeat((byte)0xff, 32).ToArray()));
        Assert.Equal(0x46DD794Eu, Crc32C.Compute(Enumerable.Range(0, 32).Select(i => (byte)i).ToArray()));
        Assert.Equal(0x113FDB5Cu, Crc32C.Compute(Enumerable.Range(0, 32).Select(i => (byte)(31 - i)).ToArray()));
    }

    [Fact]
    public void Every_length_agrees_with_the_definition_bit_by_bit()
    {
        byte[] bytes = new byte[3 * 3072 + 50];
        new Random(1).NextBytes(bytes);
        for (int length = 0; length < bytes.Length; length += length < 100 ? 1 : 211)
            Assert.Equal(BitByBit(bytes.AsSpan(0, length)), Crc32C.Compute(bytes.AsSpan(0, length)));
        Assert.Equal(BitByBit(bytes), Crc32C.Compute(bytes));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3072)]
    [InlineData(256 * 1024)]
    public void Pieces_give_the_checksum_of_the_whole(int piece)
    {
        byte[] bytes = new byte[Math.Min(3 * piece + 7, 700_000)];
        new Random(2).NextBytes(bytes);
        uint crc = 0;
        for (int at = 0; at < bytes.Length; at += piece)
            crc = Crc32C.Append(crc, bytes.AsSpan(at, Math.Min(piece, bytes.Length - at)));
        Assert.Equal(Crc32C.Compute(bytes), crc);
    }

    [Fact]
    public void Any_flipped_bit_changes_it()
    {
        byte[] bytes = new byte[4000];
        new Random(3).NextBytes(bytes);
        uint whole = Crc32C.Compute(bytes);
        for (int bit = 0; bit < 8 * bytes.Length; bit += 37)
        {
            bytes[bit / 8] ^= (byte)(1 << bit % 8);
            Assert.NotEqual(whole, Crc32C.Compute(bytes));
            bytes[bit / 8] ^= (byte)(1 << bit % 8);
        }
    }

    private static uint BitByBit(ReadOnlySpan<byte> bytes)
    {
        uint register = uint.MaxValue;
        foreach (byte value in bytes)
        {
            register ^= value;
            for (int i = 0; i < 8; i++)
                register = (register >> 1) ^ ((register & 1) != 0 ? 0x82F63B78u : 0);
        }
        return ~register;
    }
}
