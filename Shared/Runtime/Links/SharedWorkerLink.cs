using Distributed.Execution;
using Distributed.Protocol;
using Distributed.Runtime.Native;

namespace Distributed.Runtime;

/// <summary>
/// The worker's end of a data link through shared memory: parameters are read where the coordinator published them,
/// gradients computed where it adds them. What is mapped stays mapped until <see cref="Free"/>, since compute threads
/// may be at work on it when the link ends.
/// </summary>
internal sealed class SharedWorkerLink : IWorkerLink
{
    // Slots that are never computed into, so that a gradient computed elsewhere finds one.
    private const int Reserved = 2;

    private readonly FrameSocket _socket;
    private readonly ProtocolLimits _limits;
    private readonly SharedMemoryOffer _offer;
    private readonly Fence _fence;
    private readonly TensorLengths _lengths;
    private readonly WorkerMemory _memory;
    private readonly WorkersBell _bell;
    private readonly Lock _receiving = new();
    private readonly IBlock?[] _publications = new IBlock?[WorkerMemory.MostPublications];
    private readonly SharedMemory?[] _publicationMemories = new SharedMemory?[WorkerMemory.MostPublications];
    private readonly byte[] _header = new byte[WorkerMemory.HeaderBytes];
    private readonly MessagePool _pool;
    private readonly MessageLane _lane;
    private readonly Slot[] _slots;
    private readonly Stack<Slot> _free = new();
    private readonly Stack<IBlock> _others = new();
    private IParameterReceiver? _receiver;
    private int _arrived;
    private volatile bool _mayArrive = true;
    private int _watching;
    private bool _ended;
    private uint _pushed;
    private Thread? _endThread;
    private Thread? _thread;

    private SharedWorkerLink(
        FrameSocket socket, ProtocolLimits limits, SharedMemoryOffer offer, Fence fence, TensorLengths lengths,
        MessagePool pool, WorkerMemory memory, WorkersBell bell)
    {
        _socket = socket;
        _limits = limits;
        _offer = offer;
        _fence = fence;
        _lengths = lengths;
        _pool = pool;
        _memory = memory;
        _bell = bell;
        _lane = new MessageLane(memory);
        _slots = new Slot[memory.Slots];
        for (int i = _slots.Length - 1; i >= 0; i--)
            _free.Push(_slots[i] = new Slot(memory, i));
    }

    /// <summary>Opens what a coordinator offers; null when it isn't there, or is another's.</summary>
    public static SharedWorkerLink? TryOpen(
        FrameSocket socket, ProtocolLimits limits, SharedMemoryOffer offer, Fence fence, TensorLengths lengths,
        MessagePool pool)
    {
        long bytes = WorkerMemory.Bytes(offer.Slots, lengths.Gradient);
        if (!SharedMemory.IsSupported || bytes != offer.Bytes)
            return null;
        SharedMemory? opened = SharedMemory.Open(offer.ProcessId, offer.Descriptor, bytes, canWrite: true);
        if (opened is null)
            return null;
        WorkerMemory memory = new(opened, offer.Slots, lengths.Gradient);
        if (memory.Nonce == (long)offer.Nonce
            && WorkersBell.Open(offer.ProcessId, memory.BellDescriptor) is { } bell)
            return new SharedWorkerLink(socket, limits, offer, fence, lengths, pool, memory, bell);
        opened.Release();
        return null;
    }

    /// <summary>How long its thread sleeps at most.</summary>
    internal int CheckMilliseconds { get; set; } = 1_000;

    public void Start(IParameterReceiver receiver)
    {
        _receiver = receiver;
        _endThread = LinkThread.Start($"data end {_socket.Peer}", WatchEnd);
        _thread = LinkThread.Start($"data receive {_socket.Peer}", Run);
    }

    public void UseArrived()
    {
        Volatile.Write(ref _memory.Used, _arrived);
        _mayArrive = true;
        Interlocked.MemoryBarrier(); // either this sees the offer or the receiving thread sees that it may take it
        if (Volatile.Read(ref _memory.Offer) != 0)
            Receive();
    }

    public bool BeginWatch()
    {
        if (Interlocked.Exchange(ref _watching, 1) != 0)
            return false;
        Volatile.Write(ref _memory.Watched, 1);
        return true;
    }

    public void Receive()
    {
        lock (_receiving)
        {
            while (!_ended && ReceiveOne())
            {
            }
        }
    }

    public void EndWatch()
    {
        Volatile.Write(ref _memory.Watched, 0);
        Interlocked.MemoryBarrier(); // either this sees the change or the coordinator sees that it must wake
        Receive();
        Volatile.Write(ref _watching, 0);
    }

    public IBlock RentGradient()
    {
        // What was returned last comes first: few slots are ever touched, and they stay in cache.
        TakeReturned();
        if (_free.Count > Reserved)
            return _free.Pop();
        return _others.TryPop(out IBlock? other) ? other : new NativeBlock(_lengths.Gradient);
    }

    public bool Push(in GradientHeader header, IBlock gradient)
    {
        if (gradient is not Slot slot)
        {
            if (!WaitForSlot())
                return false;
            slot = _free.Pop();
            gradient.Span.CopyTo(slot.Span);
            _others.Push(gradient);
        }

        MessageCodec.WriteTensorHeader(header, 0, _memory.Header(slot.Index));
        slot.IsPushed = true;
        Volatile.Write(ref _memory.Ring(_pushed), slot.Index);
        Volatile.Write(ref _memory.Pushed, (int)++_pushed);
        WorkerMemory.Ring(ref _memory.CoordinatorBell);
        return _socket.End is null;
    }

    public void Dispose() => _socket.Close(LinkEnd.ClosedHere);

    public void Free()
    {
        _endThread?.Join();
        _thread?.Join();
        foreach (SharedMemory? publication in _publicationMemories)
            publication?.Release();
        while (_others.TryPop(out IBlock? other))
            (other as IDisposable)?.Dispose();
        _bell.Release();
        _memory.Memory.Release();
    }

    private void TakeReturned()
    {
        for (int i = _slots.Length - 1; i >= 0; i--)
        {
            Slot slot = _slots[i];
            if (!slot.IsPushed || Volatile.Read(ref _memory.Returned(i)) == 0)
                continue;
            Volatile.Write(ref _memory.Returned(i), 0);
            slot.IsPushed = false;
            _free.Push(slot);
        }
    }

    private bool WaitForSlot()
    {
        long start = Environment.TickCount64;
        while (_free.Count == 0 && _socket.End is null)
        {
            TakeReturned();
            if (_free.Count > 0)
                break;
            if (Environment.TickCount64 - start > _limits.TransferMilliseconds)
                _socket.Close(new LinkEnd(LinkEndKind.TimedOut, "the coordinator returns no slot"));
            Thread.Sleep(1);
        }

        return _socket.End is null;
    }

    private void WatchEnd()
    {
        if (_socket.Read(1, idle: true, out _))
            _socket.Fail(ProtocolError.UnexpectedMessage);
        _bell.Raise();
        _bell.Wake();
    }

    private void Run()
    {
        while (_socket.End is null)
        {
            int seen = _bell.Raised;
            Receive();
            if (_socket.End is null)
                _bell.Sleep(seen, CheckMilliseconds);
        }

        lock (_receiving)
            _ended = true;
        _receiver!.Ended(_socket.End!.Value);
    }

    /// <summary>Takes parameters or a message; false when there is nothing.</summary>
    private bool ReceiveOne()
    {
        long offer = _mayArrive && Volatile.Read(ref _memory.Offer) != 0
            ? Interlocked.Exchange(ref _memory.Offer, 0)
            : 0;
        if (offer == 0)
            return TakeMessage();
        Take((int)(offer >> 32), (int)(uint)offer - 1);
        return true;
    }

    private void Take(int sequence, int index)
    {
        if (!TryOpen(index))
        {
            _socket.Fail(ProtocolError.WrongPlace);
            return;
        }

        _publicationMemories[index]!.Bytes(0, _header.Length).CopyTo(_header);
        ProtocolError error = WorkerMemory.TryRead(_header, _limits, out ParametersHeader header);
        if (error == ProtocolError.None && header.Fence != _fence)
            error = ProtocolError.UnexpectedMessage;
        if (error != ProtocolError.None)
        {
            _socket.Fail(error);
            return;
        }

        _arrived = sequence;
        _mayArrive = false;
        _receiver!.Arrived(header, _publications[index]!);
    }

    private bool TakeMessage()
    {
        ProtocolError error = _lane.TryRead(_limits, _pool, out Message? message);
        if (error != ProtocolError.None)
            return _socket.Fail(error);
        if (message is null)
            return false;
        _receiver!.Received(message);
        return true;
    }

    private bool TryOpen(int index)
    {
        if ((uint)index >= (uint)_publications.Length)
            return false;
        if (_publications[index] is not null)
            return true;
        long bytes = Publication.BytesOf(_lengths.Parameters);
        int descriptor = _memory.Descriptor(index);
        if (SharedMemory.Open(_offer.ProcessId, descriptor, bytes, canWrite: false) is not { } opened)
            return false;
        _publicationMemories[index] = opened;
        _publications[index] = new PublishedBlock(opened, _lengths.Parameters);
        return true;
    }

    private sealed class Slot(WorkerMemory memory, int index) : IBlock
    {
        public int Index => index;

        public bool IsPushed { get; set; }

        public Span<float> Span => memory.Gradient(index);
    }

    // Mapped for reading alone: a write would end the process.
    private sealed class PublishedBlock(SharedMemory memory, int length) : IBlock
    {
        public Span<float> Span => memory.Floats(Publication.FloatsAt, length);
    }
}
