using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Distributed.Protocol;
using Xunit;

namespace Distributed.Runtime.Tests;

public class DataLinkTests
{
    private static readonly GradientHeader Gradient =
        new(new Fence(3), new StepNumber(5), new TreeNode(0, 2), 64, 1.5, 60, 70_000, 0);

    private static readonly ParametersHeader Parameters = new(new Fence(3), new ParameterVersion(6));

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(9_700_003)] // 37 MB
    public void Tensors_arrive_bit_by_bit_both_ways(int length)
    {
        using DataPair pair = new(length);
        float[] gradient = RandomFloats(length, 1);
        RandomFloats(length, 2).CopyTo(pair.Coordinator.Loan, 0);

        Assert.True(pair.WorkerLink.Send(Gradient, gradient));
        pair.Coordinator.WaitReceived();
        Assert.Equal(Gradient, pair.Coordinator.Last);
        Assert.True(Bits(gradient).SequenceEqual(Bits(pair.Coordinator.Block)));

        Assert.True(pair.CoordinatorLink.Post(Parameters));
        pair.Worker.WaitReceived();
        Assert.Equal(Parameters, pair.Worker.Last);
        Assert.True(Bits(pair.Coordinator.Loan).SequenceEqual(Bits(pair.Worker.Block)));
        Wait.Until(() => pair.Coordinator.SentCount == 1);
    }

    [Fact]
    public void Both_ways_at_once()
    {
        const int Length = 700_000;
        const int Rounds = 20;
        using DataPair pair = new(Length);
        float[] gradient = RandomFloats(Length, 1);
        Task<bool> pushing = Task.Run(() =>
            Enumerable.Range(0, Rounds).All(_ => pair.WorkerLink.Send(Gradient, gradient)));
        for (int round = 0; round < Rounds; round++)
        {
            Assert.True(pair.CoordinatorLink.Post(Parameters with { Version = new ParameterVersion(round) }));
            pair.Worker.WaitReceived();
            pair.Coordinator.WaitReceived();
        }
        Assert.True(pushing.Soon());
        Assert.Equal(Rounds - 1, pair.Worker.Last.Version.Value);
    }

    [Fact]
    public void An_unwanted_tensor_is_read_past()
    {
        using DataPair pair = new(100_000);
        float[] gradient = RandomFloats(100_000, 1);
        pair.Coordinator.Wanted = false;
        Assert.True(pair.WorkerLink.Send(Gradient, gradient));
        Wait.Until(() => pair.Coordinator.Acquired == 1);
        pair.Coordinator.Wanted = true;
        Assert.True(pair.WorkerLink.Send(Gradient with { Step = new StepNumber(6) }, gradient));
        pair.Coordinator.WaitReceived();
        Assert.Equal(6, pair.Coordinator.Last.Step.Value);
        Assert.Equal(gradient, pair.Coordinator.Block);
    }

    [Fact]
    public void Closing_unblocks_a_sender_whose_peer_does_not_read()
    {
        using TestListener listener = new();
        using RawPeer peer = new(listener.EndPoint);
        peer.Send(DataPair.Hello);
        DataLink<ParametersHeader, GradientHeader> link = listener.Datas.TakeSoon().Link;
        TensorRecorder<GradientHeader, ParametersHeader> recorder = new(9_700_003);
        link.Accept(9_700_003, 9_700_003, recorder, recorder);
        Task<bool> sending = Task.Run(() => link.Send(Parameters, recorder.Loan));
        Assert.True(link.Post(Parameters));
        Assert.IsType<DataReady>(peer.Read());
        link.Dispose();
        Assert.False(sending.Soon());
        Assert.Equal(LinkEndKind.ClosedHere, recorder.End.Kind);
        Assert.False(link.Post(Parameters));
        Assert.Equal((1, recorder.LentCount), (recorder.Ends, recorder.SentCount));
    }

    [Fact]
    public void A_peer_that_stops_within_a_tensor_times_out()
    {
        ProtocolLimits limits = new() { TransferMilliseconds = 150 };
        using RawWorker worker = new(1000, limits);
        byte[] frame = TensorFrame(Gradient, RandomFloats(1000, 1));
        worker.Peer.Send(frame.AsSpan(0, 2000));
        Assert.Equal(LinkEndKind.TimedOut, worker.Recorder.End.Kind);
        Assert.Equal(1, worker.Recorder.Acquired);
    }

    [Fact]
    public void A_quiet_peer_between_tensors_does_not()
    {
        using RawWorker worker = new(1000, new ProtocolLimits { TransferMilliseconds = 50 });
        long start = Environment.TickCount64;
        Wait.Until(() => Environment.TickCount64 - start > 300);
        worker.Peer.Send(TensorFrame(Gradient, RandomFloats(1000, 1)));
        worker.Recorder.WaitReceived();
        Assert.Equal(0, worker.Recorder.Ends);
    }

    [Theory]
    [InlineData(10)] // within the prefix
    [InlineData(20)] // within the header
    [InlineData(500)] // within the payload
    [InlineData(-2)] // within the checksum
    public void A_connection_that_breaks_within_a_frame_ends_and_nothing_is_received(int at)
    {
        using RawWorker worker = new(1000);
        byte[] frame = TensorFrame(Gradient, RandomFloats(1000, 1));
        worker.Peer.Send(frame.AsSpan(0, at > 0 ? at : frame.Length + at));
        worker.Peer.Dispose();
        Assert.Equal(LinkEndKind.ClosedByPeer, worker.Recorder.End.Kind);
        Assert.Equal(default, worker.Recorder.Last);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(-5)]
    [InlineData(300_000)]
    public void A_flipped_bit_is_found(int at)
    {
        using RawWorker worker = new(100_000);
        byte[] frame = TensorFrame(Gradient, RandomFloats(100_000, 1));
        frame[at > 0 ? at : frame.Length + at] ^= 0x10;
        worker.Peer.Send(frame);
        Assert.Equal("the peer sent a payload whose CRC-32C does not match", worker.Recorder.End.Reason);
        Assert.Equal(default, worker.Recorder.Last);
    }

    [Fact]
    public void What_does_not_belong_ends_the_link_before_a_block_is_acquired()
    {
        byte[] frame = TensorFrame(Gradient, RandomFloats(1000, 1));
        byte[] Changed(int at, byte value)
        {
            byte[] copy = [.. frame];
            copy[at] = value;
            return copy;
        }
        (string Reason, byte[] Bytes)[] cases =
        [
            ("a payload of the wrong length", TensorFrame(Gradient, RandomFloats(999, 1))),
            ("a length above its limit", TensorFrame(Gradient, RandomFloats(1001, 1))),
            ("a length above its limit", Changed(9, 0xff)),
            ("a message that does not belong on this connection", TensorFrame(Parameters, RandomFloats(1000, 1))),
            ("a message that does not belong on this connection", RawPeer.Frame(new Heartbeat())),
            ("bytes that are not this protocol's", Changed(0, 0)),
            ("a field of the wrong type", Changed(16, 0x92)),
            ("a number out of its range", TensorFrame(Gradient with { Samples = 0 }, RandomFloats(1000, 1))),
        ];
        foreach ((string reason, byte[] bytes) in cases)
        {
            using RawWorker worker = new(1000);
            worker.Peer.Send(bytes);
            Assert.Equal(new LinkEnd(LinkEndKind.ProtocolError, "the peer sent " + reason), worker.Recorder.End);
            Assert.Equal(0, worker.Recorder.Acquired);
            Assert.Equal(1, worker.Recorder.Ends);
        }
    }

    [Fact]
    public void Random_bytes_never_do_more_than_end_the_link()
    {
        Random random = new(1);
        for (int round = 0; round < 40; round++)
        {
            using RawWorker worker = new(100);
            byte[] frame = TensorFrame(Gradient, RandomFloats(100, 1));
            for (int changes = 0; changes < 3; changes++)
                frame[random.Next(frame.Length)] ^= (byte)random.Next(1, 256);
            worker.Peer.Send(frame);
            worker.Peer.Dispose();
            Assert.True(worker.Recorder.End.Kind is LinkEndKind.ProtocolError or LinkEndKind.ClosedByPeer);
        }
    }

    private static float[] RandomFloats(int length, int seed)
    {
        float[] floats = new float[length];
        new Random(seed).NextBytes(MemoryMarshal.AsBytes(floats.AsSpan()));
        return floats;
    }

    private static ReadOnlySpan<byte> Bits(float[] floats) => MemoryMarshal.AsBytes(floats.AsSpan());

    private static byte[] TensorFrame<THeader>(in THeader header, float[] payload)
        where THeader : struct, ITensorHeader<THeader>
    {
        byte[] head = new byte[256];
        int length = MessageCodec.WriteTensorHeader(header, payload.Length * sizeof(float), head);
        byte[] checksum = new byte[FramePrefix.ChecksumBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(checksum, Crc32C.Compute(Bits(payload)));
        return [.. head[..length], .. Bits(payload), .. checksum];
    }

    // A coordinator's link whose worker is a raw socket.
    private sealed class RawWorker : IDisposable
    {
        private readonly TestListener _listener;
        private readonly DataLink<ParametersHeader, GradientHeader> _link;

        public RawWorker(int length, ProtocolLimits? limits = null)
        {
            _listener = new TestListener(limits);
            Peer = new RawPeer(_listener.EndPoint);
            Peer.Send(DataPair.Hello);
            _link = _listener.Datas.TakeSoon().Link;
            Recorder = new(length);
            _link.Accept(length, length, Recorder, Recorder);
        }

        public RawPeer Peer { get; }

        public TensorRecorder<GradientHeader, ParametersHeader> Recorder { get; }

        public void Dispose()
        {
            Peer.Dispose();
            _link.Dispose();
            _listener.Dispose();
        }
    }
}
