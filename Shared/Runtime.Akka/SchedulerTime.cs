using Akka.Actor;

namespace Distributed.Runtime.Akka;

/// <summary>The clock of actors: timers are those of an actor system's scheduler.</summary>
internal sealed class SchedulerTime(IScheduler scheduler) : TimeProvider
{
    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (period != Timeout.InfiniteTimeSpan)
            throw new NotSupportedException("A role's deadline comes once.");
        SchedulerTimer timer = new(scheduler.Advanced, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class SchedulerTimer(IActionScheduler scheduler, Action fire) : ITimer
    {
        private ICancelable? _scheduled;
        private bool _disposed;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (this)
            {
                _scheduled?.Cancel();
                if (_disposed || dueTime == Timeout.InfiniteTimeSpan) return !_disposed;
                try
                {
                    _scheduled = scheduler.ScheduleOnceCancelable(dueTime, fire);
                    return true;
                }
                catch (SchedulerException)
                {
                    // The actor system has ended, and the roles with it.
                    return false;
                }
            }
        }

        public void Dispose()
        {
            lock (this)
            {
                _disposed = true;
                _scheduled?.Cancel();
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
