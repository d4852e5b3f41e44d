namespace Distributed.Runtime;

/// <summary>What runs the actors of a process.</summary>
public interface IEngine
{
    /// <summary>The clock by which actors are told of their deadlines.</summary>
    TimeProvider Time { get; }

    /// <summary>Starts an actor.</summary>
    /// <param name="name">Its name, for people.</param>
    /// <param name="handler">Handles an item; never called by two threads at once.</param>
    /// <param name="fault">Told of the first exception out of the handler, a broken invariant; the actor then takes
    /// nothing more.</param>
    IActor<T> Start<T>(string name, Action<T> handler, Action<Exception> fault);
}

/// <summary>The local engine: a <see cref="Mailbox{T}"/> for each actor, and the system's clock.</summary>
public sealed class LocalEngine : IEngine
{
    /// <summary>The one there is; it has no state.</summary>
    public static LocalEngine Instance { get; } = new();

    /// <inheritdoc/>
    public TimeProvider Time => TimeProvider.System;

    /// <inheritdoc/>
    public IActor<T> Start<T>(string name, Action<T> handler, Action<Exception> fault) =>
        new Mailbox<T>(handler, fault);
}
