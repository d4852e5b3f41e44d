namespace Distributed.Runtime.Tests;

/// <summary>A clock that a test moves. Timers fire while it moves, each with the clock at its own time.</summary>
internal sealed class FakeTime : TimeProvider
{
    private readonly List<FakeTimer> _timers = [];
    private TimeSpan _now = TimeSpan.FromDays(3); // a time of day means nothing: only differences do

    /// <summary>How often a timer was set.</summary>
    public int Changes { get; private set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _now.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        FakeTimer timer = new(this, () => callback(state));
        timer.Set(dueTime, period);
        _timers.Add(timer);
        return timer;
    }

    public void Advance(TimeSpan duration)
    {
        TimeSpan end = _now + duration;
        while (_timers.Where(timer => timer.Due <= end).MinBy(timer => timer.Due) is { } next)
        {
            if (next.Due > _now) _now = next.Due.Value;
            next.Fire();
        }

        _now = end;
    }

    private sealed class FakeTimer(FakeTime time, Action callback) : ITimer
    {
        public TimeSpan? Due { get; private set; }

        public void Set(TimeSpan dueTime, TimeSpan period)
        {
            if (period != Timeout.InfiniteTimeSpan) throw new NotSupportedException("No timer here repeats.");
            ArgumentOutOfRangeException.ThrowIfLessThan(dueTime, Timeout.InfiniteTimeSpan);
            Due = dueTime == Timeout.InfiniteTimeSpan ? null : time._now + dueTime;
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            time.Changes++;
            Set(dueTime, period);
            return true;
        }

        public void Fire()
        {
            Due = null;
            callback();
        }

        public void Dispose() => Due = null;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
