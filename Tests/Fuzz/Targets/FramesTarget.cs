using System.Net;
using System.Net.Sockets;
using Distributed.Protocol;
using Distributed.Protocol.Tests;
using Distributed.Runtime;

namespace Distributed.Fuzz;

/// <summary>
/// What a peer that was let in sends over a real socket of this machine, until it sends no more: first a byte that
/// chooses the reader (control and data links of coordinator and worker, the receiver of samples), then frames.
/// </summary>
internal sealed class FramesTarget : FuzzTarget
{
    private const int Floats = 16;
    private const int SampleBytes = 100;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);
    private static readonly Fence Fence = new(3);
    private static readonly Welcome Welcome = new(new WorkerId(7), new RunId(1, 2), Fence, "{}", null, 20_000, 5_000);

    private static readonly MessageKind[] FromCoordinator =
        [MessageKind.Heartbeat, MessageKind.Train, MessageKind.Evaluate, MessageKind.Credit, MessageKind.Stop];

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public FramesTarget() => _listener.Start();

    public override string Name => "frames";

    public override bool UsesThreads => true;

    public override IReadOnlyList<byte[]> Words { get; } =
        ["DTR1"u8.ToArray(), [255, 255, 255, 255], [0, 0, 64, 0], [64, 0, 0, 0], [20, 0], [21, 0], [29, 0], [5, 0]];

    /// <summary>A frame's header may be as long as its limit says, whatever comes of it.</summary>
    public override long MostAllocated(int length) =>
        (3L * ProtocolLimits.Default.MaxHeaderBytes) + (1 << 20) + (200L * length);

    public override void Dispose() => _listener.Dispose();

    public override Outcome Read(byte[] input)
    {
        using Socket peer = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        peer.Connect(_listener.LocalEndpoint);
        using FrameSocket socket = new(_listener.AcceptSocket());
        using IDisposable? link = Open(input.FirstOrDefault() % 5, socket, out Ending? ending);
        peer.Send(input, Math.Min(1, input.Length), input.Length - Math.Min(1, input.Length), SocketFlags.None, out _);
        peer.Shutdown(SocketShutdown.Send);
        return ending is null ? ReceiveSamples(socket) : ending.Wait();
    }

    public override byte[] Repair(byte[] input) => Frames.Repair(input, 1);

    protected override IEnumerable<byte[]> MakeSeeds()
    {
        byte[] payload = new byte[Floats * sizeof(float)];
        ILookup<bool, Message> messages = Samples.Messages.ToLookup(message => FromCoordinator.Contains(message.Kind));
        foreach (Message message in messages[true]) yield return [1, .. Frames.Of(message)];
        foreach (Message message in messages[false]) yield return [0, .. Frames.Of(message)];
        yield return [0, .. Frames.Of(new Heartbeat { Fence = Fence }), .. Frames.Of(new Ready("ab", 93322))];
        yield return [2, .. Frames.Of(Samples.Gradient, payload), .. Frames.Of(Samples.Gradient, payload)];
        yield return [3, .. Frames.Of(Samples.Parameters, payload), .. Frames.Of(Samples.Parameters, payload)];
        yield return
            [4, .. Frames.Of(new SamplesHeader(0), payload), .. Frames.Of(new SamplesHeader(64), new byte[36])];
        yield return [4, .. Frames.Of(new Refused("No."))];
    }

    private static IDisposable? Open(int reader, FrameSocket socket, out Ending? ending)
    {
        ending = new Ending();
        switch (reader)
        {
            case 0 or 1:
                ControlLink control = new(socket, ProtocolLimits.Default, isCoordinator: reader == 0);
                control.Start(Welcome, ending);
                return control;
            case 2:
                DataLink<ParametersHeader, GradientHeader> gradients = new(socket, ProtocolLimits.Default);
                gradients.Start(Floats, Floats, new Tensors<GradientHeader>(ending));
                return gradients;
            case 3:
                DataLink<GradientHeader, ParametersHeader> parameters = new(socket, ProtocolLimits.Default);
                parameters.Start(Floats, Floats, new Tensors<ParametersHeader>(ending));
                return parameters;
            default:
                ending = null;
                return null;
        }
    }

    private static Outcome ReceiveSamples(FrameSocket socket)
    {
        SamplesOffer offer = Samples.Messages.OfType<SamplesOffer>().First();
        using SamplesReceiver receiver = new(socket, ProtocolLimits.Default, offer, 0);
        return Outcome.Of(Frames.Sentence, () =>
        {
            while (receiver.Position < SampleBytes) receiver.Receive(SampleBytes - receiver.Position);
        });
    }

    /// <summary>Waits for the link's end.</summary>
    private sealed class Ending : IControlHandler
    {
        private readonly TaskCompletionSource<LinkEnd> _end = new();

        public void Received(IControlLink link, Message message) => link.Return(message);

        public void Ended(IControlLink link, LinkEnd end) => _end.SetResult(end);

        public void Ended(LinkEnd end) => _end.SetResult(end);

        /// <summary>A peer that says no more is no mistake.</summary>
        public Outcome Wait()
        {
            if (!_end.Task.Wait(Deadline)) throw new TimeoutException("The link did not end.");
            LinkEnd end = _end.Task.Result;
            return end.Kind == LinkEndKind.ClosedByPeer ? Outcome.Accepted
                : Outcome.Refused($"The link ended: {end.Reason}.");
        }
    }

    private sealed class Tensors<THeader>(Ending ending) : ITensorReceiver<THeader>
        where THeader : struct, ITensorHeader<THeader>
    {
        private readonly float[] _block = new float[Floats];
        private int _tensors;

        /// <summary>Every third tensor is one that nobody waits for.</summary>
        public Span<float> Acquire(in THeader header) => ++_tensors % 3 == 0 ? default : _block;

        public void Received(in THeader header)
        {
        }

        public void Ended(LinkEnd end) => ending.Ended(end);
    }
}
