using Xunit;

namespace Distributed.Protocol.Tests;

/// <summary>Random bytes and randomly changed messages: a value or an error, never an exception, and no more memory
/// than a small multiple of the message.</summary>
public class FuzzTests
{
    private const int Rounds = 40_000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Changed_messages_are_read_or_refused(int seed)
    {
        Random random = new(seed);
        MessagePool pool = new();
        int accepted = 0;
        for (int round = 0; round < Rounds; round++)
        {
            Message message = Samples.Messages[random.Next(Samples.Messages.Length)];
            byte[] bytes = Change(Samples.Header(message), random);
            long before = GC.GetAllocatedBytesForCurrentThread();
            ProtocolError error =
                MessageCodec.TryRead(message.Kind, bytes, ProtocolLimits.Default, pool, out Message? read);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated < 1024 + 64 * bytes.Length, $"{allocated} bytes for {Convert.ToHexString(bytes)}");
            Assert.Equal(error == ProtocolError.None, read is not null);
            if (read is null)
                continue;
            accepted++;
            // What was accepted is a proper message: it goes both ways.
            MessageCodec.TryRead(read.Kind, Samples.Header(read), ProtocolLimits.Default, pool, out Message? again);
            Assert.Equal(read, again);
        }
        Assert.InRange(accepted, 1, Rounds - 1);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public void Random_bytes_are_skipped_or_refused(int seed)
    {
        Random random = new(seed);
        for (int round = 0; round < Rounds; round++)
        {
            byte[] bytes = new byte[random.Next(64)];
            random.NextBytes(bytes);
            MessagePackReader reader = new(bytes, ProtocolLimits.Default);
            while (reader.Remaining > 0 && !reader.Failed)
                reader.Skip();
            FramePrefix.TryRead(
                bytes.Concat(new byte[FramePrefix.ByteLength]).ToArray(), int.MaxValue, int.MaxValue, out _);
            MessageCodec.TryReadTensorHeader<GradientHeader>(bytes, ProtocolLimits.Default, out _);
            MessageCodec.TryReadTensorHeader<SamplesHeader>(bytes, ProtocolLimits.Default, out _);
        }
    }

    private static byte[] Change(byte[] bytes, Random random)
    {
        List<byte> changed = [.. bytes];
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            int at = random.Next(changed.Count + 1);
            switch (random.Next(4))
            {
                case 0 when at < changed.Count: changed[at] = (byte)random.Next(256); break;
                case 1 when at < changed.Count: changed[at] ^= (byte)(1 << random.Next(8)); break;
                case 2 when at < changed.Count: changed.RemoveAt(at); break;
                default: changed.Insert(at, (byte)random.Next(256)); break;
            }
        }
        return [.. changed];
    }
}
