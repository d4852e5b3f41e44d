namespace Distributed.Simulation;

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
