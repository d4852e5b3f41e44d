using Distributed.Protocol;
using Distributed.Protocol.Tests;

namespace Distributed.Fuzz;

/// <summary>A message or a tensor's header: the message's number, then its MessagePack.</summary>
internal sealed class MessagePackTarget : FuzzTarget
{
    private readonly MessagePool _pool = new();

    public override string Name => "messagepack";

    public override IReadOnlyList<byte[]> Words { get; } =
    [
        [0xc0], [0xc1], [0xc2], [0xcf, 255, 255, 255, 255, 255, 255, 255, 255], [0xd3, 128, 0, 0, 0, 0, 0, 0, 0],
        [0xdd, 255, 255, 255, 255], [0xdf, 255, 255, 255, 255], [0xdb, 255, 255, 255, 255], [0xc6, 255, 255, 255, 255],
        [0xdd, 0, 16, 0, 0], [0xdb, 0, 16, 0, 0], [0xc9, 0, 0, 0, 1, 5], [0xd9, 4], [0x91, 0x91, 0x91], [0x9f], [0x8f],
        [0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0], [0xca, 0x7f, 0x80, 0, 0],
    ];

    public override long MostAllocated(int length) => 1024 + (64L * length);

    public override Outcome Read(byte[] input)
    {
        MessageKind kind = (MessageKind)input.FirstOrDefault();
        ReadOnlySpan<byte> bytes = input.AsSpan(Math.Min(1, input.Length));
        MessagePackReader values = new(bytes, ProtocolLimits.Default);
        while (values.Remaining > 0 && !values.Failed) values.Skip();
        ProtocolError error = kind switch
        {
            MessageKind.Gradient => ReadHeader<GradientHeader>(bytes),
            MessageKind.Parameters => ReadHeader<ParametersHeader>(bytes),
            MessageKind.Samples => ReadHeader<SamplesHeader>(bytes),
            _ => ReadMessage(kind, bytes),
        };
        return error == ProtocolError.None ? Outcome.Accepted : Outcome.Refused($"The peer sent {error.Describe()}.");
    }

    protected override IEnumerable<byte[]> MakeSeeds() =>
    [
        .. Samples.Messages.Select(message => (byte[])[(byte)message.Kind, .. Samples.Header(message)]),
        [(byte)MessageKind.Gradient, .. Samples.Header(Samples.Gradient)],
        [(byte)MessageKind.Parameters, .. Samples.Header(Samples.Parameters)],
        [(byte)MessageKind.Samples, .. Samples.Header(Samples.Piece)],
    ];

    private static ProtocolError ReadHeader<THeader>(ReadOnlySpan<byte> bytes)
        where THeader : struct, ITensorHeader<THeader>
    {
        ProtocolError error = MessageCodec.TryReadTensorHeader(bytes, ProtocolLimits.Default, out THeader header);
        if (error == ProtocolError.None)
        {
            MessageCodec.TryReadTensorHeader(Samples.Header(header), ProtocolLimits.Default, out THeader again);
            // NaN is no number's equal, but its bytes are.
            Require(Samples.Header(again).AsSpan().SequenceEqual(Samples.Header(header)), header);
        }

        return error;
    }

    private ProtocolError ReadMessage(MessageKind kind, ReadOnlySpan<byte> bytes)
    {
        ProtocolError error = MessageCodec.TryRead(kind, bytes, ProtocolLimits.Default, _pool, out Message? message);
        Require(error == ProtocolError.None == message is not null, error);
        if (message is null) return error;
        MessageCodec.TryRead(kind, Samples.Header(message), ProtocolLimits.Default, _pool, out Message? again);
        Require(message.Equals(again), message);
        _pool.Return(message);
        _pool.Return(again!);
        return error;
    }

    /// <summary>What was accepted is a proper message: it goes both ways.</summary>
    private static void Require(bool holds, object what)
    {
        if (!holds) throw new InvalidOperationException($"Not read back as it was written: {what}.");
    }
}
