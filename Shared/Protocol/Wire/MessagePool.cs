namespace Distributed.Protocol;

/// <summary>
/// The mutable messages that a receiver gave back, for the next ones to be decoded into. Giving back is optional: a
/// message that isn't goes to the garbage collector. Safe for any threads.
/// </summary>
public sealed class MessagePool
{
    private const int Capacity = 16;
    private readonly Lock _lock = new();
    private readonly Stack<Heartbeat> _heartbeats = new(Capacity);
    private readonly Stack<Train> _trains = new(Capacity);
    private readonly Stack<Credit> _credits = new(Capacity);

    /// <summary>A message of the type, whose fields hold anything.</summary>
    internal T Rent<T>() where T : Message, new()
    {
        lock (_lock)
            return StackOf<T>() is { Count: > 0 } stack ? stack.Pop() : new T();
    }

    /// <summary>Takes a message back. Whoever gives it back no longer touches it. Immutable messages are
    /// ignored.</summary>
    public void Return(Message message)
    {
        lock (_lock)
        {
            switch (message)
            {
                case Heartbeat heartbeat: Push(_heartbeats, heartbeat); break;
                case Train train: Push(_trains, train); break;
                case Credit credit: Push(_credits, credit); break;
            }
        }
    }

    private Stack<T>? StackOf<T>() =>
        _heartbeats as Stack<T> ?? _trains as Stack<T> ?? _credits as Stack<T>;

    private static void Push<T>(Stack<T> stack, T message)
    {
        if (stack.Count < Capacity)
            stack.Push(message);
    }
}
