namespace Distributed.Runtime;

/// <summary>One timer for a role's earliest deadline: armed again and again, fires at most once for each.</summary>
public sealed class DeadlineTimer : IDisposable
{
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly long _start;
    private long _armed = long.MaxValue;

    /// <summary>Creates a timer that calls <paramref name="reached"/> on a thread of the pool.</summary>
    public DeadlineTimer(TimeProvider time, Action reached)
    {
        _time = time;
        _start = time.GetTimestamp();
        _timer = time.CreateTimer(_ => Fire(reached), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Time since the timer was created: the <c>now</c> that deadlines count in.</summary>
    public TimeSpan Now => _time.GetElapsedTime(_start);

    /// <summary>Arms the timer for a deadline, or for none. A deadline that only moved later is looked at when the one
    /// before fires, so that a busy role does not touch the timer with every input.</summary>
    public void Arm(TimeSpan? deadline)
    {
        if (deadline is not { } due || Volatile.Read(ref _armed) <= due.Ticks) return;
        Volatile.Write(ref _armed, due.Ticks);
        TimeSpan wait = due - Now;
        _timer.Change(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Fire(Action reached)
    {
        Volatile.Write(ref _armed, long.MaxValue);
        reached();
    }
}
