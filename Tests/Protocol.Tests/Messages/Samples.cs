namespace Distributed.Protocol.Tests;

/// <summary>One of each message, the ones whose bytes CONTRACTS.md shows.</summary>
internal static class Samples
{
    private static readonly Fence Fence = new(3);
    private static readonly StepNumber Step = new(1000);
    private static readonly RunId Run = new(0x0011223344556677, 0x8899aabbccddeeff);

    private static readonly string Hash = string.Concat(Enumerable.Repeat("ab", 32));

    public static readonly Message[] Messages =
    [
        new Hello(1, "token", "0.1.0", "fp32-cpu-1", "host", 4242, 2, -1),
        new Welcome(new WorkerId(7), Run, Fence, "{}", null, 2000, 500, "host:5001") { Trace = true },
        new Refused("No."),
        new Ready("ab", 93322),
        new Heartbeat { Fence = Fence },
        new Train
        {
            Fence = Fence,
            Step = Step,
            Epoch = 2,
            Version = new ParameterVersion(1000),
            FirstSample = 128,
            Samples = 100,
            MicroBatch = 32,
            Nodes = { new TreeNode(0, 2), new TreeNode(2, 3) },
            Credits = 4,
        },
        new Evaluate(Fence, 5, new ParameterVersion(1000), DataSplit.Validation, 64, 40, 32),
        new EvaluationResult(Fence, 5, 64, 3, [0.5, 0.25], [9, 0, 300], 2),
        new Credit { Fence = Fence, Step = Step, Count = 1 },
        new Stop("Done."),
        new Leaving("Bye."),
        new DataHello("token", Run, Fence, new WorkerId(7)),
        new DataReady(),
        new SharedMemoryOffer(4242, 57, 1 << 20, 26, 0x0011223344556677),
        new SharedMemoryAnswer(true),
        new Challenge("00112233445566778899aabbccddeeff"),
        new Knock(),
        new TraceSpans(
            Fence, 1, "compute 0", [new TraceSpan(TraceActivity.Compute, 1_700_000_000_000_000, 900, Step, 2, 1)], 0),
        new SamplesHello("token", Run, Fence, new WorkerId(7), 65536),
        new SamplesPending(),
        new SamplesOffer("digits", Hash, 1, 28, 28, 10_000, 2_000, 0, ["zero", "one"]),
    ];

    public static readonly GradientHeader Gradient =
        new(Fence, Step, new TreeNode(0, 2), 64, 1.5, 60, 70_000, 0);

    public static readonly ParametersHeader Parameters = new(Fence, new ParameterVersion(1001));

    public static readonly SamplesHeader Piece = new(65536);

    public static byte[] Header(Message message)
    {
        byte[] buffer = [];
        int length = 0;
        MessageCodec.Append(message, ref buffer, ref length);
        return buffer[FramePrefix.ByteLength..length];
    }

    public static byte[] Header<THeader>(in THeader header) where THeader : struct, ITensorHeader<THeader>
    {
        byte[] buffer = new byte[256];
        int length = MessageCodec.WriteTensorHeader(header, 4, buffer);
        return buffer[FramePrefix.ByteLength..length];
    }
}
