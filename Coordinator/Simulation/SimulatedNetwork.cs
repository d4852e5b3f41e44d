namespace Distributed.Coordinator;

/// <summary>
/// When things arrive. A transfer needs the worker's link and the server's at once, each of which carries one transfer
/// after the other in either direction; on one host tensors stay where they are, and only the word of them travels.
/// </summary>
/// <param name="cost">The costs.</param>
/// <param name="workers">How many workers there are.</param>
internal sealed class SimulatedNetwork(CostModel cost, int workers)
{
    private readonly TimeSpan[] _up = new TimeSpan[workers], _down = new TimeSpan[workers];
    private TimeSpan _in, _out;

    /// <summary>Seconds in which the server's link carried something, both directions added.</summary>
    public double ServerSeconds { get; private set; }

    /// <summary>When a message that is sent at a time is handled.</summary>
    public TimeSpan Message(TimeSpan sent) =>
        sent + VirtualTime.Span(cost.HandOverSeconds + (cost.Network?.LatencySeconds ?? 0));

    /// <summary>When a gradient that a worker pushes at a time is at the server.</summary>
    public TimeSpan Push(int worker, TimeSpan sent) => Message(Transfer(ref _up[worker], ref _in, sent,
        cost.GradientBytes));

    /// <summary>When parameters that the server sends a worker at a time are there.</summary>
    public TimeSpan Publish(int worker, TimeSpan sent) => Message(Transfer(ref _out, ref _down[worker], sent,
        cost.ParameterBytes));

    private TimeSpan Transfer(ref TimeSpan from, ref TimeSpan to, TimeSpan sent, long bytes)
    {
        if (cost.Network is not { } network) return sent;
        double seconds = bytes / network.BytesPerSecond;
        ServerSeconds += seconds;
        TimeSpan begin = from > to ? from : to;
        if (sent > begin) begin = sent;
        return from = to = begin + VirtualTime.Span(seconds);
    }
}
