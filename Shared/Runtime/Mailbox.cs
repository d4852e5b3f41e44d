namespace Distributed.Runtime;

/// <summary>
/// An actor of the local engine. Whoever posts while nothing is
/// being handled handles the items itself until none is left, so that no thread has to be woken on a training step's
/// path, and after warm-up nothing is allocated. An exception out of the handler is a broken invariant: it is given to
/// <paramref name="fault"/> once and the mailbox takes nothing more.
/// </summary>
/// <param name="handler">Handles an item; never called by two threads at once.</param>
/// <param name="fault">Told of the first exception.</param>
public sealed class Mailbox<T>(Action<T> handler, Action<Exception> fault) : IActor<T>
{
    private readonly Queue<T> _items = new(64);
    private bool _handling;
    private bool _closed;

    /// <inheritdoc/>
    public void Post(in T item)
    {
        lock (_items)
        {
            if (_closed) return;
            _items.Enqueue(item);
            if (_handling) return;
            _handling = true;
        }

        HandleAll();
    }

    /// <inheritdoc/>
    public void Close()
    {
        lock (_items)
        {
            _closed = true;
            _items.Clear();
        }
    }

    private void HandleAll()
    {
        while (true)
        {
            T? item;
            lock (_items)
            {
                if (!_items.TryDequeue(out item))
                {
                    _handling = false;
                    return;
                }
            }

            try
            {
                handler(item);
            }
            catch (Exception e)
            {
                Close();
                fault(e);
            }
        }
    }
}
