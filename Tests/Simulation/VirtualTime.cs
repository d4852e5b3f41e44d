namespace Distributed.Simulation;

/// <summary>
/// The simulation's clock and agenda: events run one at a time, earliest first, ties in order of scheduling.
/// </summary>
internal sealed class VirtualTime
{
    private readonly PriorityQueue<Action, (TimeSpan At, long Order)> _agenda = new();
    private long _scheduled;

    public TimeSpan Now { get; private set; }

    /// <summary>Schedules an event so long from now.</summary>
    public void After(TimeSpan delay, Action action) => At(Now + delay, action);

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

/// <summary>Random delays and choices of one simulation, all drawn from its seed.</summary>
internal sealed class Chance(int seed)
{
    private readonly Random _random = new(seed);

    public int Below(int limit) => _random.Next(limit);

    public int Between(int least, int most) => _random.Next(least, most + 1);

    public bool Happens(double probability) => _random.NextDouble() < probability;

    public T Of<T>(IReadOnlyList<T> choices) => choices[_random.Next(choices.Count)];

    /// <summary>A time between two bounds in milliseconds, short ones as likely as long ones (log-uniform).</summary>
    public TimeSpan Milliseconds(double least, double most) =>
        TimeSpan.FromMilliseconds(least * Math.Pow(most / least, _random.NextDouble()));
}
