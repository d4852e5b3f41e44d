using Distributed.Fuzz;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Distributed.Protocol.Tests;

/// <summary>Arbitrary bytes and changed messages: a value or an error, never an exception, and no more memory than a
/// small multiple of the message. Messages of arbitrary content arrive as they were.</summary>
public class FuzzTests
{
    private const int Inputs = 20_000;
    private const int Messages = 1_000;

    // What can't be written as UTF-8 can't arrive.
    private static readonly Arbitrary<string> Text = Arb.From(ArbMap.Default.GeneratorFor<UnicodeString>()
        .Select(text => string.Concat((text.Item ?? "").Where(letter => !char.IsSurrogate(letter)))));

    private static readonly Arbitrary<int> Count = Arb.From(
        Gen.OneOf(Gen.Choose(0, 300), Gen.Choose(0, int.MaxValue - 1)));

    [Fact]
    public void Whatever_bytes_come_are_a_message_or_an_error()
    {
        using MessagePackTarget target = new();
        FuzzProperties.Hold(target, Inputs);
    }

    [Fact]
    public void A_prefix_of_any_bytes_is_within_the_limits_or_an_error() => FuzzProperties.Soon(
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), Count, Count, (bytes, header, payload) =>
        {
            byte[] start = [.. "DTR1"u8, .. bytes, .. new byte[FramePrefix.ByteLength]];
            ProtocolError error = FramePrefix.TryRead(start, header, payload, out FramePrefix prefix);
            return error != ProtocolError.None
                || (prefix.HeaderBytes >= 0 && prefix.HeaderBytes <= header
                    && prefix.PayloadBytes >= 0 && prefix.PayloadBytes <= payload);
        }), Inputs);

    [Fact]
    public void Texts_arrive_as_they_were() => FuzzProperties.Soon(
        Prop.ForAll(Text, Text, Count, (first, second, number) =>
            Arrives(new Hello(number, first, second, first, second, number, number + 1, number - 1))
            && Arrives(new Welcome(
                new WorkerId(number), new RunId(1, (ulong)number), new Fence(number), first, second, number + 1, 1))
            && Arrives(new Refused(first)) && Arrives(new Stop(first)) && Arrives(new Leaving(second))
            && Arrives(new DataHello(first, new RunId((ulong)number, 2), new Fence(number), new WorkerId(number)))
            && Arrives(new TraceSpans(new Fence(number), number, first,
            [
                new TraceSpan(TraceActivity.Load, number, number, new StepNumber(number), number, number),
                new TraceSpan(TraceActivity.Snapshot, 1, 2, new StepNumber(3), 4, 5),
            ], number))
            && Arrives(new Ready(second, number))), Messages);

    [Fact]
    public void Numbers_arrive_as_they_were() => FuzzProperties.Soon(
        Prop.ForAll(ArbMap.Default.ArbFor<double[]>(), ArbMap.Default.ArbFor<int[]>(), Count,
            (losses, classes, number) => Arrives(new EvaluationResult(
                new Fence(number), number, number, number, [.. losses.Where(double.IsFinite)], classes, number))
            && Arrives(new Evaluate(
                new Fence(number), number, new ParameterVersion(number), DataSplit.Test, number, number, number + 1))
            && Arrives(Train(classes, number))
            && Arrives(new Credit { Fence = new Fence(number), Step = new StepNumber(number), Count = number })),
        Messages);

    private static Train Train(int[] starts, int number)
    {
        Train train = new()
        {
            Fence = new Fence(number),
            Step = new StepNumber(number),
            Epoch = number,
            Version = new ParameterVersion(number),
            FirstSample = number,
            Samples = number + 1,
            MicroBatch = number + 1,
            Credits = number,
        };
        foreach (int start in starts) train.Nodes.Add(TreeNode.Leaf(Math.Abs(start)));
        return train;
    }

    private static bool Arrives(Message message) =>
        MessageCodec.TryRead(
            message.Kind, Samples.Header(message), ProtocolLimits.Default, new MessagePool(), out Message? read)
            == ProtocolError.None && message.Equals(read);
}
