namespace Distributed.Runtime;

/// <summary>
/// What a process says of its own health. It is sound while its actors handle what is posted: none is busy with one
/// item for longer than <see cref="StallLimit"/>. It is ready while it waits for nothing. Any thread may ask or tell.
/// </summary>
/// <param name="waitsFor">What it waits for at first, as in "waits for ...".</param>
/// <param name="time">The clock; null: the system's.</param>
public sealed class HealthStatus(string waitsFor, TimeProvider? time = null)
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Dictionary<string, Pulse> _actors = [];
    private volatile string? _waitsFor = waitsFor;

    /// <summary>How long an actor may be busy with one item. Far beyond an optimizer's step or a snapshot of a large
    /// model; a worker pushes its gradient within one, which may take seconds over a slow network.</summary>
    public static TimeSpan StallLimit { get; } = TimeSpan.FromSeconds(30);

    /// <summary>What the process waits for before it takes part; null: nothing, it is ready.</summary>
    public string? WaitsFor
    {
        get => _waitsFor;
        set => _waitsFor = value;
    }

    /// <summary>The actors that have been busy with one item for too long.</summary>
    public IReadOnlyList<string> StalledActors
    {
        get
        {
            lock (_actors) return [.. _actors.Where(actor => IsStalled(actor.Value)).Select(actor => actor.Key)];
        }
    }

    /// <summary>
    /// A handler for an actor's mailbox that does what <paramref name="handler"/> does, and is watched. It allocates
    /// nothing when it is called. An actor of the same name as an earlier one takes that one's place.
    /// </summary>
    /// <param name="actor">The actor's name, for people.</param>
    /// <param name="handler">Handles an item; never called by two threads at once.</param>
    public Action<T> Watch<T>(string actor, Action<T> handler)
    {
        Pulse pulse = new();
        lock (_actors) _actors[actor] = pulse;
        return item =>
        {
            Volatile.Write(ref pulse.BusySince, _time.GetTimestamp());
            try
            {
                handler(item);
            }
            finally
            {
                Volatile.Write(ref pulse.BusySince, Pulse.Idle);
            }
        };
    }

    private bool IsStalled(Pulse pulse)
    {
        long since = Volatile.Read(ref pulse.BusySince);
        return since != Pulse.Idle && _time.GetElapsedTime(since) > StallLimit;
    }

    private sealed class Pulse
    {
        public const long Idle = long.MinValue;

        public long BusySince = Idle;
    }
}
