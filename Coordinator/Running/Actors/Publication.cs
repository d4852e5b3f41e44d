using Distributed.Numerics;
using Distributed.Protocol;

namespace Distributed.Coordinator;

/// <summary>
/// A copy of the parameters under a version, shared by the links that send it and reused when all are done.
/// </summary>
internal sealed class Publication(int length)
{
    private readonly NativeBuffer _block = new(length);
    private int _users;

    public ParameterVersion Version { get; private set; }

    public ReadOnlySpan<float> Block => _block.Span;

    public bool IsFree => Volatile.Read(ref _users) == 0;

    public void Fill(ParameterVersion version, ReadOnlySpan<float> parameters)
    {
        Version = version;
        parameters.CopyTo(_block.Span);
    }

    public void Use() => Interlocked.Increment(ref _users);

    public void Release() => Interlocked.Decrement(ref _users);
}

/// <summary>
/// The publications of a run. The newest is kept for workers that join; older ones are reused as soon as no link sends
/// them, so their number is bounded by the links that are behind.
/// </summary>
internal sealed class Publications(int length)
{
    private readonly List<Publication> _all = [];

    public Publication? Newest { get; private set; }

    public void Publish(ParameterVersion version, ReadOnlySpan<float> parameters)
    {
        Publication? free = _all.Find(publication => publication.IsFree && publication != Newest);
        if (free is null) _all.Add(free = new Publication(length));
        free.Fill(version, parameters);
        Newest = free;
    }
}
