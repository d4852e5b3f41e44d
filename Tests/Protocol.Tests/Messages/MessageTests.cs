using Xunit;

namespace Distributed.Protocol.Tests;

public class MessageTests
{
    public static TheoryData<int> Numbers => [.. Enumerable.Range(0, Samples.Messages.Length)];

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Goes_both_ways(int index)
    {
        Message message = Samples.Messages[index];
        Assert.Equal(message, Read(message.Kind, Samples.Header(message)));
    }

    [Fact]
    public void Tensor_headers_go_both_ways()
    {
        Assert.Equal(ProtocolError.None, MessageCodec.TryReadTensorHeader(
            Samples.Header(Samples.Gradient), ProtocolLimits.Default, out GradientHeader gradient));
        Assert.Equal(Samples.Gradient, gradient);
        Assert.Equal(ProtocolError.None, MessageCodec.TryReadTensorHeader(
            Samples.Header(Samples.Parameters), ProtocolLimits.Default, out ParametersHeader parameters));
        Assert.Equal(Samples.Parameters, parameters);
        Assert.Equal(ProtocolError.None, MessageCodec.TryReadTensorHeader(
            Samples.Header(Samples.Piece), ProtocolLimits.Default, out SamplesHeader piece));
        Assert.Equal(Samples.Piece, piece);
    }

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Every_field_is_required_once_and_unknown_ones_are_skipped(int index)
    {
        Message message = Samples.Messages[index];
        byte[] header = Samples.Header(message);
        int fields = header[0] & 0x0f;
        Assert.Equal(0x80, header[0] & 0xf0);
        byte[][] pairs = Pairs(header, fields);

        byte[] known = Map([.. pairs.Reverse(), [0x3f, 0x92, 0xc0, 0x01], [0xcd, 0x01, 0x00, 0xa1, 0x78]]);
        Assert.Equal(message, Read(message.Kind, known));

        for (int field = 0; field < fields; field++)
        {
            byte[] without = Map([.. pairs.Where((_, other) => other != field)]);
            Assert.Equal(ProtocolError.MissingField, Error(message.Kind, without));
            Assert.Equal(ProtocolError.RepeatedField, Error(message.Kind, Map([.. pairs, pairs[field]])));
        }
    }

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Cut_or_lengthened_bytes_are_errors(int index)
    {
        Message message = Samples.Messages[index];
        byte[] header = Samples.Header(message);
        for (int length = 0; length < header.Length; length++)
            Assert.NotEqual(ProtocolError.None, Error(message.Kind, header[..length]));
        Assert.Equal(ProtocolError.TrailingBytes, Error(message.Kind, [.. header, 0xc0]));
    }

    [Fact]
    public void Numbers_that_make_no_sense_are_errors()
    {
        void Refuse(Message message) =>
            Assert.Equal(ProtocolError.OutOfRange, Error(message.Kind, Samples.Header(message)));

        Refuse(new Credit { Fence = new(-1) });
        Refuse(new Credit { Count = -1 });
        Refuse(new Train { Samples = 1, MicroBatch = 0 });
        Refuse(new Train { Samples = 0, MicroBatch = 1 });
        Refuse(new Train { Samples = 1, MicroBatch = 1, Nodes = { new TreeNode(1, 1) } });
        Refuse(new Train { Samples = 1, MicroBatch = 1, Nodes = { new TreeNode(-1, 1) } });
        Refuse(new Evaluate(default, 0, default, (DataSplit)3, 0, 1, 1));
        Refuse(new SamplesHello("", default, default, default, -2));
        SamplesOffer offer = Samples.Messages.OfType<SamplesOffer>().Single();
        Refuse(offer with { Sha256 = "../" + offer.Sha256[3..] });
        Refuse(offer with { Sha256 = offer.Sha256[1..] });
        Refuse(offer with { Width = 0 });
        Refuse(offer with { Height = 1 << 16, Width = 1 << 15 });
        Refuse(offer with { TrainCount = int.MaxValue });
        Refuse(offer with { TestCount = 0 });
        Refuse(offer with { Held = offer.TrainCount });
    }

    [Fact]
    public void Unknown_numbers_are_errors()
    {
        HashSet<MessageKind> known = [.. Samples.Messages.Select(message => message.Kind)];
        for (int kind = 0; kind <= ushort.MaxValue; kind++)
        {
            ProtocolError error = Error((MessageKind)kind, [0x80]);
            Assert.Equal(known.Contains((MessageKind)kind), error != ProtocolError.UnexpectedMessage);
        }
    }

    [Fact]
    public void A_large_message_grows_the_buffer_and_keeps_what_was_there()
    {
        byte[] buffer = [];
        int length = 0;
        EvaluationResult result = new(new(1), 2, 0, 50_000, new double[2000], new int[50_000], 0);
        MessageCodec.Append(new Stop("first"), ref buffer, ref length);
        int first = length;
        MessageCodec.Append(result, ref buffer, ref length);
        Assert.Equal(new Stop("first"), Read(MessageKind.Stop, buffer[FramePrefix.ByteLength..first]));
        Assert.Equal(result, Read(MessageKind.EvaluationResult, buffer[(first + FramePrefix.ByteLength)..length]));
    }

    [Fact]
    public void Steady_messages_are_written_and_read_without_allocation()
    {
        Message[] steady = [.. Samples.Messages.Where(message => message is Heartbeat or Train or Credit)];
        Assert.Equal(3, steady.Length);
        byte[] buffer = new byte[1024];
        MessagePool pool = new();
        long before = 0;
        for (int round = 0; round < 2000; round++)
        {
            if (round == 1000)
                before = GC.GetAllocatedBytesForCurrentThread();
            foreach (Message message in steady)
            {
                if (!MessageCodec.TryWrite(message, buffer, out int written))
                    throw new InvalidOperationException("no room");
                ReadOnlySpan<byte> header = buffer.AsSpan(FramePrefix.ByteLength, written - FramePrefix.ByteLength);
                MessageCodec.TryRead(message.Kind, header, ProtocolLimits.Default, pool, out Message? read);
                pool.Return(read!);
            }
            int length = MessageCodec.WriteTensorHeader(Samples.Gradient, 4, buffer);
            MessageCodec.TryReadTensorHeader<GradientHeader>(
                buffer.AsSpan(FramePrefix.ByteLength, length - FramePrefix.ByteLength), ProtocolLimits.Default, out _);
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_printed_hello_keeps_the_token_to_itself()
    {
        Assert.DoesNotContain("secret", new Hello(1, "secret", "", "", "", 1, 1, 0).ToString());
        Assert.DoesNotContain("secret", new DataHello("secret", default, default, default).ToString());
        Assert.DoesNotContain("secret", new SamplesHello("secret", default, default, default, 0).ToString());
    }

    private static Message Read(MessageKind kind, byte[] header)
    {
        ProtocolError error =
            MessageCodec.TryRead(kind, header, ProtocolLimits.Default, new MessagePool(), out Message? message);
        Assert.Equal(ProtocolError.None, error);
        return message!;
    }

    private static ProtocolError Error(MessageKind kind, byte[] header)
    {
        ProtocolError error =
            MessageCodec.TryRead(kind, header, ProtocolLimits.Default, new MessagePool(), out Message? message);
        Assert.Equal(error == ProtocolError.None, message is not null);
        return error;
    }

    private static byte[][] Pairs(byte[] header, int fields)
    {
        byte[][] pairs = new byte[fields][];
        MessagePackReader reader = new(header.AsSpan(1), ProtocolLimits.Default);
        for (int field = 0; field < fields; field++)
        {
            int start = header.Length - reader.Remaining;
            reader.Skip();
            reader.Skip();
            pairs[field] = header[start..(header.Length - reader.Remaining)];
        }
        Assert.Equal(0, reader.Remaining);
        return pairs;
    }

    private static byte[] Map(byte[][] pairs) => [(byte)(0x80 | pairs.Length), .. pairs.SelectMany(pair => pair)];
}
