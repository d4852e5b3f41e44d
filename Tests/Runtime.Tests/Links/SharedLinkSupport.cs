using System.Collections.Concurrent;
using Distributed.Execution;
using Distributed.Protocol;
using Distributed.Runtime.Native;
using Xunit;

namespace Distributed.Runtime.Tests;

/// <summary>A test of shared memory, where the system has what it needs.</summary>
internal sealed class SharedMemoryFactAttribute : FactAttribute
{
    public SharedMemoryFactAttribute()
    {
        if (!SharedMemory.IsSupported) Skip = "shares memory as Linux does";
    }
}

/// <summary>Keeps what a coordinator's shared link brings.</summary>
internal sealed class GradientRecorder : IGradientReceiver
{
    private readonly ManualResetEventSlim _over = new();
    private LinkEnd _end;

    public BlockingCollection<(GradientHeader Header, ILentBlock Gradient)> Gradients { get; } = [];

    public int Ends { get; private set; }

    public bool HasEnded => _over.IsSet;

    public LinkEnd End => _over.Wait(Wait.Deadline) ? _end : throw new TimeoutException("The link did not end.");

    public void Arrived(in GradientHeader header, ILentBlock gradient) => Gradients.Add((header, gradient));

    public void Ended(LinkEnd end)
    {
        Ends++;
        _end = end;
        _over.Set();
    }
}

/// <summary>Keeps what a worker's link brings.</summary>
internal sealed class ParameterRecorder : IParameterReceiver
{
    private readonly ManualResetEventSlim _over = new();
    private LinkEnd _end;

    public BlockingCollection<(ParametersHeader Header, IBlock Parameters)> Arrivals { get; } = [];

    public LinkEnd End => _over.Wait(Wait.Deadline) ? _end : throw new TimeoutException("The link did not end.");

    public BlockingCollection<Message> Messages { get; } = [];

    public void Arrived(in ParametersHeader header, IBlock parameters) => Arrivals.Add((header, parameters));

    public void Received(Message message) => Messages.Add(message);

    public void Ended(LinkEnd end)
    {
        _end = end;
        _over.Set();
    }
}

/// <summary>Both ends of a started link through shared memory.</summary>
internal sealed class SharedPair : IDisposable
{
    public static readonly TensorLengths Lengths = new(Parameters: 5_000, Gradient: 7_001);

    public static readonly Fence Fence = DataPair.Hello.Fence;

    public SharedPair(
        Publications publications, int slots = 8,
        IGradientReceiver? gradients = null, IParameterReceiver? parameters = null)
    {
        Task<IWorkerLink> opening = Task.Run(() =>
            Connector.OpenData(Listener.EndPoint, DataPair.Hello, Lengths, Pool));
        (_, DataLink<ParametersHeader, GradientHeader> link) = Listener.Datas.TakeSoon();
        CoordinatorLink = SharedCoordinatorLink.TryOpen(link, Lengths, slots, publications, gradients ?? Coordinator)!;
        Assert.NotNull(CoordinatorLink);
        WorkerLink = Assert.IsType<SharedWorkerLink>(opening.Soon());
        WorkerLink.Start(parameters ?? Worker);
    }

    public TestListener Listener { get; } = new();

    public MessagePool Pool { get; } = new();

    public GradientRecorder Coordinator { get; } = new();

    public ParameterRecorder Worker { get; } = new();

    public SharedCoordinatorLink CoordinatorLink { get; }

    public IWorkerLink WorkerLink { get; }

    public static ParametersHeader Header(long version) => new(Fence, new ParameterVersion(version));

    public static float[] Parameters(long version) =>
        [.. Enumerable.Range(0, Lengths.Parameters).Select(i => i + (float)version)];

    /// <summary>Publishes a version and offers it to workers.</summary>
    public static void Publish(Publications publications, long version, params SharedPair[] pairs)
    {
        publications.Publish(Header(version), Parameters(version));
        foreach (SharedPair pair in pairs) Assert.True(pair.CoordinatorLink.Publish(publications.Newest!));
        publications.Flush();
    }

    public void Dispose()
    {
        WorkerLink.Dispose();
        CoordinatorLink.Dispose();
        Listener.Dispose();
    }
}

/// <summary>A worker that answers the offer of memory and then does with it what it likes.</summary>
internal sealed class HostileWorker : IDisposable
{
    public const int Slots = 4;
    private readonly TestListener _listener = new();
    private readonly RawPeer _peer;
    private readonly SharedCoordinatorLink _link;

    public HostileWorker(Publications publications)
    {
        _peer = new RawPeer(_listener.EndPoint);
        _peer.Send(DataPair.Hello);
        (_, DataLink<ParametersHeader, GradientHeader> link) = _listener.Datas.TakeSoon();
        Task<SharedCoordinatorLink?> opening = Task.Run(() =>
            SharedCoordinatorLink.TryOpen(link, SharedPair.Lengths, Slots, publications, Recorder));
        Offer = Assert.IsType<SharedMemoryOffer>(_peer.Read());
        SharedMemory memory =
            SharedMemory.Open(Offer.ProcessId, Offer.Descriptor, Offer.Bytes, canWrite: true)!;
        Assert.NotNull(memory);
        Memory = new WorkerMemory(memory, Slots, SharedPair.Lengths.Gradient);
        Assert.Equal((long)Offer.Nonce, Memory.Nonce);
        _peer.Send(new SharedMemoryAnswer(true));
        _link = opening.Soon()!;
        Assert.NotNull(_link);
    }

    public SharedMemoryOffer Offer { get; }

    public WorkerMemory Memory { get; }

    public GradientRecorder Recorder { get; } = new();

    public SharedCoordinatorLink Link => _link;

    /// <summary>Puts a slot into the ring and says that so many were pushed.</summary>
    public void Push(int slot, int pushed)
    {
        Volatile.Write(ref Memory.Ring((uint)pushed - 1), slot);
        Volatile.Write(ref Memory.Pushed, pushed);
        WorkerMemory.Ring(ref Memory.CoordinatorBell);
    }

    public void Send(ReadOnlySpan<byte> bytes) => _peer.Send(bytes);

    public void Dispose()
    {
        _peer.Dispose();
        _link.Dispose();
        _ = Recorder.End;
        Memory.Memory.Release();
        _listener.Dispose();
    }
}
