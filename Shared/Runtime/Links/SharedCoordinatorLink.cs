using System.Security.Cryptography;
using Distributed.Execution;
using Distributed.Protocol;
using Distributed.Runtime.Native;

namespace Distributed.Runtime;

/// <summary>Takes the gradients of a <see cref="SharedCoordinatorLink"/>, on the link's own thread.</summary>
public interface IGradientReceiver
{
    /// <summary>A gradient was pushed. It lies where the worker computed it, and stays there until it is returned,
    /// whatever becomes of worker and link.</summary>
    void Arrived(in GradientHeader header, ILentBlock gradient);

    /// <summary>The link ended: called exactly once, and last.</summary>
    void Ended(LinkEnd end);
}

/// <summary>
/// The coordinator's end of a data link through shared memory: publications are offered where they lie, gradients are
/// taken where they lie, and messages about them go beside them. The connection carries nothing; its end is
/// the link's end, because it says that the peer's process is gone. <see cref="WorkerMemory"/> says what is whose.
/// </summary>
public sealed class SharedCoordinatorLink : IDisposable
{
    // In use, waiting to be used, and offered.
    private const int MostHeld = 3;
    private const int CheckMilliseconds = 1_000;

    private readonly FrameSocket _socket;
    private readonly ProtocolLimits _limits;
    private readonly WorkerMemory _memory;
    private readonly Publications _publications;
    private readonly IGradientReceiver _receiver;
    private readonly Slot[] _slots;
    private readonly byte[] _header = new byte[WorkerMemory.HeaderBytes];
    private readonly MessageLane _lane;
    private readonly List<(int Sequence, Publication Publication)> _held = new(MostHeld + 1); // guarded by itself
    private int _sequence;
    private bool _ended;
    private bool _isDue;
    private uint _taken;

    private SharedCoordinatorLink(
        FrameSocket socket, ProtocolLimits limits, WorkerMemory memory, Publications publications,
        IGradientReceiver receiver)
    {
        _socket = socket;
        _limits = limits;
        _memory = memory;
        _publications = publications;
        _receiver = receiver;
        _lane = new MessageLane(memory);
        _slots = new Slot[memory.Slots];
        for (int i = 0; i < _slots.Length; i++)
            _slots[i] = new Slot(memory, i);
    }

    /// <summary>Whether a thread of the worker's looks for changes by itself.</summary>
    internal bool IsWatched => Volatile.Read(ref _memory.Watched) != 0;

    /// <summary>Whether something waits that nobody looks for. One that looked and has taken all is at work already:
    /// to wake another of its threads would only disturb it.</summary>
    internal bool MayBeAsleep => !IsWatched && (Volatile.Read(ref _memory.Offer) != 0 || _lane.IsWaiting);

    /// <summary>
    /// Offers memory to a worker and starts the link if the worker has found it. Null: it is on another host, or one of
    /// the two can't or won't; the connection is then still to be accepted or refused.
    /// </summary>
    /// <param name="link">The worker's data connection.</param>
    /// <param name="lengths">The run's tensors.</param>
    /// <param name="slots">Gradients that there is room for; unused room costs nothing.</param>
    /// <param name="publications">Where parameters are published.</param>
    /// <param name="receiver">Takes what comes.</param>
    public static SharedCoordinatorLink? TryOpen(
        DataLink<ParametersHeader, GradientHeader> link, TensorLengths lengths, int slots,
        Publications publications, IGradientReceiver receiver)
    {
        long bytes = WorkerMemory.Bytes(slots, lengths.Gradient);
        SharedMemory? created =
            publications.Bell is null ? null : SharedMemory.Create(bytes, othersMayWrite: true);
        if (created is null)
            return null;
        WorkerMemory memory = new(created, slots, lengths.Gradient);
        long nonce = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long)));
        memory.Nonce = nonce;
        memory.BellDescriptor = publications.Bell!.Descriptor;
        FrameSocket socket = link.Socket;
        Handshake.Send(socket, new SharedMemoryOffer(
            Environment.ProcessId, created.Descriptor, bytes, slots, (ulong)nonce));
        Message? answer = Handshake.Read(
            socket, link.Limits, link.Limits.MaxHandshakeBytes, link.Limits.HandshakeMilliseconds);
        created.CloseDescriptor();
        if (answer is SharedMemoryAnswer { Opened: true })
        {
            SharedCoordinatorLink opened = new(socket, link.Limits, memory, publications, receiver);
            publications.Attach(opened);
            created.Retain();
            LinkThread.Start($"data end {socket.Peer}", opened.WatchEnd);
            LinkThread.Start($"data receive {socket.Peer}", opened.Run);
            return opened;
        }

        created.Release();
        if (answer is not (null or SharedMemoryAnswer))
            socket.Fail(ProtocolError.UnexpectedMessage);
        return null;
    }

    /// <summary>
    /// Offers the worker a publication, in place of one that it has not taken yet. Returns at once. The worker may
    /// sleep until <see cref="Publications.Flush"/>: whoever publishes has more to do, and a worker that is woken may
    /// take its core. False: the link has ended.
    /// </summary>
    public bool Publish(Publication publication)
    {
        lock (_held)
        {
            if (_ended)
                return false;
            if (publication.Descriptor >= 0 && publication.Index < WorkerMemory.MostPublications)
                Offer(publication);
            else
                _socket.Close(new LinkEnd(LinkEndKind.Failed, "the coordinator is out of shared memory"));
        }

        return _socket.End is null;
    }

    /// <summary>Sends the worker a message, in order with the others sent here, but not with those of its control link.
    /// Returns at once; the worker may sleep until <see cref="Publications.Flush"/>. False: the link has ended, or the
    /// worker is so far behind that it now has.</summary>
    public bool Send(Message message)
    {
        lock (_held)
        {
            if (_ended)
                return false;
            if (!_lane.TryWrite(message))
                _socket.Close(new LinkEnd(LinkEndKind.TimedOut, "the peer reads too slowly"));
            _isDue = true;
        }

        return _socket.End is null;
    }

    /// <summary>Closes at once, from any thread.</summary>
    public void Dispose() => _socket.Close(LinkEnd.ClosedHere);

    /// <summary>Whether the worker is to be told of a change since this was last asked.</summary>
    internal bool TakeDue()
    {
        lock (_held)
        {
            bool isDue = _isDue && !_ended;
            _isDue = false;
            return isDue;
        }
    }

    /// <summary>Gives back the publications before the one that the worker computes with.</summary>
    internal void ReleaseUnused()
    {
        lock (_held)
        {
            if (_ended)
                return;
            int used = Volatile.Read(ref _memory.Used);
            while (_held.Count > 0 && _held[0].Sequence < used)
                ReleaseAt(0);
        }
    }

    // The worker's process is gone when its connection ends; nothing else comes over it.
    private void WatchEnd()
    {
        if (_socket.Read(1, idle: true, out _))
            _socket.Fail(ProtocolError.UnexpectedMessage);
        WorkerMemory.Ring(ref _memory.CoordinatorBell);
        _memory.Memory.Release();
    }

    private void Offer(Publication publication)
    {
        publication.Use();
        _held.Add((++_sequence, publication));
        _memory.Descriptor(publication.Index) = publication.Descriptor;
        long offer = (long)_sequence << 32 | (uint)(publication.Index + 1);
        bool replaced = Interlocked.Exchange(ref _memory.Offer, offer) != 0;
        if (replaced && _held.Count > 1)
            ReleaseAt(_held.Count - 2);
        ReleaseUnused();
        if (_held.Count > MostHeld)
            _socket.Close(new LinkEnd(LinkEndKind.ProtocolError, "the peer takes parameters and does not use them"));
        _isDue = true;
    }

    private void ReleaseAt(int place)
    {
        _held[place].Publication.Release();
        _held.RemoveAt(place);
    }

    private void Run()
    {
        while (_socket.End is null)
        {
            int seen = Volatile.Read(ref _memory.CoordinatorBell);
            ProtocolError error = TakePushed();
            if (error != ProtocolError.None)
                _socket.Fail(error);
            else if (_socket.End is null)
                Futex.Wait(ref _memory.CoordinatorBell, seen, CheckMilliseconds);
        }

        lock (_held)
        {
            _ended = true;
            while (_held.Count > 0)
                ReleaseAt(0);
        }

        _publications.Detach(this);
        _receiver.Ended(_socket.End!.Value);
        _memory.Memory.Release();
    }

    private ProtocolError TakePushed()
    {
        uint pushed = (uint)Volatile.Read(ref _memory.Pushed);
        if (pushed - _taken > (uint)_slots.Length)
            return ProtocolError.WrongPlace;
        for (; _taken != pushed; _taken++)
        {
            int index = Volatile.Read(ref _memory.Ring(_taken));
            if ((uint)index >= (uint)_slots.Length || _slots[index].IsLent)
                return ProtocolError.WrongPlace;
            _memory.Header(index).CopyTo(_header);
            ProtocolError error = WorkerMemory.TryRead(_header, _limits, out GradientHeader header);
            if (error != ProtocolError.None)
                return error;
            _slots[index].Lend();
            _receiver.Arrived(header, _slots[index]);
        }

        return ProtocolError.None;
    }

    private sealed class Slot(WorkerMemory memory, int index) : ILentBlock
    {
        private volatile bool _lent;

        public bool IsLent => _lent;

        public Span<float> Span => memory.Gradient(index);

        public void Lend()
        {
            memory.Memory.Retain();
            _lent = true;
        }

        public void Return()
        {
            _lent = false;
            Volatile.Write(ref memory.Returned(index), 1);
            memory.Memory.Release();
        }
    }
}
