using Distributed.Execution;
using Distributed.Protocol;
using Distributed.Runtime.Native;

namespace Distributed.Runtime;

/// <summary>
/// A copy of the parameters under a version, shared by the links that carry it and reused when all are done. It lies in
/// memory of its own that the host's workers map, to read it in place; where there is none, in this process's.
/// Invariant: it is filled only while it has no user. A link is a user from when it is given the publication until its
/// worker has later parameters in use, never took it, or is gone; so nobody waits for a worker that stands still.
/// </summary>
public sealed class Publication
{
    /// <summary>Where the floats begin in shared memory, after prefix and header.</summary>
    internal const int FloatsAt = 4096;

    private readonly SharedMemory? _memory;
    private readonly NativeBlock? _block;
    private readonly int _length;
    private int _users;

    internal Publication(int index, int length)
    {
        Index = index;
        _length = length;
        _memory = SharedMemory.IsSupported ? SharedMemory.Create(BytesOf(length), othersMayWrite: false) : null;
        _block = _memory is null ? new NativeBlock(length) : null;
    }

    /// <summary>Its fence and version.</summary>
    public ParametersHeader Header { get; private set; }

    /// <summary>The parameters.</summary>
    public ReadOnlySpan<float> Parameters => Room;

    /// <summary>Its place among all publications.</summary>
    internal int Index { get; }

    /// <summary>By which others open the memory; -1: it isn't shared.</summary>
    internal int Descriptor => _memory?.Descriptor ?? -1;

    internal bool IsFree => Volatile.Read(ref _users) == 0;

    private Span<float> Room => _memory is null ? _block!.Span : _memory.Floats(FloatsAt, _length);

    /// <summary>One more link carries it.</summary>
    public void Use() => Interlocked.Increment(ref _users);

    /// <summary>A link is done with it.</summary>
    public void Release() => Interlocked.Decrement(ref _users);

    internal static long BytesOf(int length) => FloatsAt + sizeof(float) * (long)length;

    internal void Fill(in ParametersHeader header, ReadOnlySpan<float> parameters)
    {
        Header = header;
        if (_memory is not null)
            MessageCodec.WriteTensorHeader(header, 0, _memory.Bytes(0, WorkerMemory.HeaderBytes));
        parameters.CopyTo(Room);
    }
}

/// <summary>
/// The publications of a run. The newest is kept for workers that join; older ones are reused as soon as no link
/// carries them: two are enough while every worker keeps up, and each that lags behind holds two more at most.
/// One thread of control publishes.
/// </summary>
/// <param name="length">Floats of a parameter block.</param>
public sealed class Publications(int length)
{
    private readonly List<Publication> _all = [];
    private readonly List<SharedCoordinatorLink> _links = [];

    /// <summary>Wakes the workers that share memory; null: there can be none.</summary>
    internal WorkersBell? Bell { get; } = WorkersBell.Create();

    /// <summary>The newest.</summary>
    public Publication? Newest { get; private set; }

    /// <summary>How many there are.</summary>
    internal int Count => _all.Count;

    /// <summary>Copies parameters into a publication that nobody uses.</summary>
    public void Publish(in ParametersHeader header, ReadOnlySpan<float> parameters)
    {
        lock (_links)
        {
            foreach (SharedCoordinatorLink link in _links)
                link.ReleaseUnused();
        }

        Publication? free = null;
        foreach (Publication publication in _all)
        {
            if (free is null && publication != Newest && publication.IsFree)
                free = publication;
        }

        if (free is null)
            _all.Add(free = new Publication(_all.Count, length));
        free.Fill(header, parameters);
        Newest = free;
    }

    /// <summary>Wakes the workers, together, if any was offered a publication or sent a message since it was last
    /// called.</summary>
    public void Flush()
    {
        lock (_links)
        {
            bool isDue = false;
            foreach (SharedCoordinatorLink link in _links)
                isDue |= link.TakeDue();
            if (!isDue)
                return;
            Bell!.Raise();
            bool mayBeAsleep = false;
            foreach (SharedCoordinatorLink link in _links)
                mayBeAsleep |= link.MayBeAsleep;
            if (mayBeAsleep)
                Bell.Wake();
        }
    }

    internal void Attach(SharedCoordinatorLink link)
    {
        lock (_links)
            _links.Add(link);
    }

    internal void Detach(SharedCoordinatorLink link)
    {
        lock (_links)
            _links.Remove(link);
    }
}
