using System.Diagnostics;
using Distributed.Protocol;

namespace Distributed.Runtime;

/// <summary>
/// What one thread did lately, for <c>trace.json</c>: that thread, or an actor's handler, adds to a ring of fixed size,
/// and one other takes out of it. Neither waits for the other, and nothing is allocated.
/// </summary>
/// <param name="name">The thread's name, for people.</param>
public sealed class TraceLane(string name)
{
    /// <summary>Spans that wait to be taken at most; a power of two.</summary>
    public const int Capacity = 4096;

    // The system's clock may be set while this process runs, and then its spans would overlap.
    private static readonly long Anchor = Stopwatch.GetTimestamp();
    private static readonly long AnchorMicroseconds = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks / 10;

    private readonly TraceSpan[] _spans = new TraceSpan[Capacity];
    private uint _added;
    private uint _taken;
    private long _lost;

    /// <summary>The thread's name.</summary>
    public string Name { get; } = name;

    /// <summary>Spans that found no room since the beginning.</summary>
    public long Lost => Volatile.Read(ref _lost);

    /// <summary>A moment in microseconds since 1970 (UTC), as this process's clock stood when it began.</summary>
    /// <param name="timestamp">The moment, of <see cref="Stopwatch"/>.</param>
    public static long UtcMicroseconds(long timestamp) => AnchorMicroseconds + Microseconds(Anchor, timestamp);

    /// <summary>Adds what began at a moment of <see cref="Stopwatch"/> and ends now.</summary>
    /// <param name="activity">What was done.</param>
    /// <param name="began">When it began.</param>
    /// <param name="step">For which step; none: 0.</param>
    /// <param name="first">The first micro-batch or sample of it.</param>
    /// <param name="count">How many.</param>
    public void Add(TraceActivity activity, long began, StepNumber step = default, int first = 0, int count = 0)
    {
        long took = Microseconds(began, Stopwatch.GetTimestamp());
        if (_added - Volatile.Read(ref _taken) == Capacity)
        {
            Volatile.Write(ref _lost, _lost + 1);
            return;
        }

        _spans[_added % Capacity] = new TraceSpan(activity, UtcMicroseconds(began), took, step, first, count);
        Volatile.Write(ref _added, _added + 1);
    }

    /// <summary>Takes the oldest spans out; returns how many.</summary>
    public int Take(Span<TraceSpan> destination)
    {
        int count = (int)Math.Min(Volatile.Read(ref _added) - _taken, (uint)destination.Length);
        for (int i = 0; i < count; i++) destination[i] = _spans[(_taken + (uint)i) % Capacity];
        Volatile.Write(ref _taken, _taken + (uint)count);
        return count;
    }

    private static long Microseconds(long from, long to) => (long)Stopwatch.GetElapsedTime(from, to).TotalMicroseconds;
}
