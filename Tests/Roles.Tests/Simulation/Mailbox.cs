using System.Runtime.CompilerServices;

namespace Distributed.Roles.Tests.Simulation;

/// <summary>
/// An actor's mailbox: items are handled one at a time, in order, each a little after the one before. While suspended
/// (its process is stopped) items queue up; closed (its process is dead) it swallows them.
/// </summary>
internal sealed class Mailbox<T>(VirtualTime time, Chance chance, Action<T> handle)
{
    // Far beyond what any run of this size can have under way at a time: an endless exchange of messages shows here.
    private const int Bound = 5_000;

    private readonly Queue<T> _items = new();
    private bool _pumping;

    public bool IsSuspended { get; private set; }

    public bool IsClosed { get; private set; }

    public int Count => _items.Count;

    public void Post(T item)
    {
        if (IsClosed) return;
        _items.Enqueue(item);
        Check.That(_items.Count < Bound, $"{typeof(T).Name}: {_items.Count} items queue up");
        Schedule();
    }

    public void Suspend() => IsSuspended = true;

    public void Resume()
    {
        IsSuspended = false;
        Schedule();
    }

    public void Close()
    {
        IsClosed = true;
        _items.Clear();
    }

    private void Schedule()
    {
        if (_pumping || IsSuspended || IsClosed || _items.Count == 0) return;
        _pumping = true;
        time.After(chance.Milliseconds(0.005, 0.3), Pump);
    }

    private void Pump()
    {
        _pumping = false;
        if (IsSuspended || IsClosed) return;
        handle(_items.Dequeue());
        Schedule();
    }
}

/// <summary>
/// One direction of a connection: what is sent arrives in order after random delays, unless it breaks.
/// </summary>
internal sealed class Link<T>(VirtualTime time, Chance chance, Action<T> deliver)
{
    private TimeSpan _last;
    private bool _isBroken;

    public void Send(T item)
    {
        if (_isBroken) return;
        TimeSpan arrival = time.Now + chance.Milliseconds(0.05, chance.Happens(0.02) ? 200 : 3);
        if (arrival < _last) arrival = _last;
        _last = arrival;
        time.At(arrival, () =>
        {
            if (!_isBroken) deliver(item);
        });
    }

    /// <summary>What has not arrived is lost.</summary>
    public void Break() => _isBroken = true;
}

/// <summary>The simulation's assertion: its message is what a failing seed prints.</summary>
internal static class Check
{
    public static void That(
        bool condition, [InterpolatedStringHandlerArgument(nameof(condition))] ref FailureText text)
    {
        if (!condition) throw new SimulationFailure(text.ToString());
    }
}

/// <summary>A broken invariant.</summary>
internal sealed class SimulationFailure(string message) : Exception(message);

/// <summary>Builds a failure's text only when the condition does not hold.</summary>
[InterpolatedStringHandler]
internal readonly ref struct FailureText
{
    private readonly System.Text.StringBuilder? _text;

    public FailureText(int literalLength, int formattedCount, bool condition, out bool isNeeded)
    {
        isNeeded = !condition;
        _text = isNeeded ? new System.Text.StringBuilder(literalLength + 16 * formattedCount) : null;
    }

    public void AppendLiteral(string text) => _text!.Append(text);

    public void AppendFormatted<T>(T value) => _text!.Append(value);

    public override string ToString() => _text?.ToString() ?? "";
}
