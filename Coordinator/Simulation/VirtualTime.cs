namespace Distributed.Coordinator;

/// <summary>
/// A simulation's clock and agenda: events run one at a time, earliest first, ties in order of scheduling.
/// </summary>
internal sealed class VirtualTime
{
    private readonly PriorityQueue<Action, (TimeSpan At, long Order)> _agenda = new();
    private long _scheduled;

    /// <summary>The time of the event that runs.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>Seconds as a span, to the nearest tick of 100 ns.</summary>
    public static TimeSpan Span(double seconds) =>
        TimeSpan.FromTicks((long)Math.Round(seconds * TimeSpan.TicksPerSecond));

    /// <summary>Schedules an event at a time; one that has passed counts as now.</summary>
    public void At(TimeSpan time, Action action) =>
        _agenda.Enqueue(action, (time < Now ? Now : time, _scheduled++));

    /// <summary>Runs the next event; false when there is none.</summary>
    public bool RunNext()
    {
        if (!_agenda.TryDequeue(out Action? action, out (TimeSpan At, long Order) when)) return false;
        Now = when.At;
        action();
        return true;
    }
}

/// <summary>
/// One thread of control with a mailbox, in virtual time: inputs are handled one after the other, each when what the
/// one before cost has passed.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="handle">Handles an input and says by <see cref="Spend"/> what that costs.</param>
internal sealed class SerialActor<T>(VirtualTime time, Action<T> handle)
{
    private readonly Queue<T> _mailbox = new();
    private bool _isAwake;

    /// <summary>When what was done so far is over; what it sends goes out then.</summary>
    public TimeSpan Free { get; private set; }

    /// <summary>Seconds spent in all.</summary>
    public double SpentSeconds { get; private set; }

    /// <summary>Hands an input over at a time.</summary>
    public void Post(TimeSpan at, T input) => time.At(at, () =>
    {
        _mailbox.Enqueue(input);
        if (_isAwake) return;
        _isAwake = true;
        time.At(Free, Next);
    });

    /// <summary>Takes so long over the input that is being handled.</summary>
    public void Spend(double seconds)
    {
        Free += VirtualTime.Span(seconds);
        SpentSeconds += seconds;
    }

    private void Next()
    {
        Free = time.Now;
        handle(_mailbox.Dequeue());
        if (_mailbox.Count > 0) time.At(Free, Next);
        else _isAwake = false;
    }
}
