namespace Distributed.Runtime;

/// <summary>
/// What a process says of its own health. It is sound while its actors handle what is posted: none has left something
/// unhandled for longer than <see cref="StallLimit"/>. It is ready while it waits for nothing. Any thread may ask or
/// tell.
/// </summary>
/// <param name="waitsFor">What it waits for at first, as in "waits for ...".</param>
/// <param name="time">The clock; null: the system's.</param>
public sealed class HealthStatus(string waitsFor, TimeProvider? time = null)
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Dictionary<string, WatchedActor> _actors = [];
    private volatile string? _waitsFor = waitsFor;

    /// <summary>How long an actor may take for an item. Far beyond an optimizer's step or a snapshot of a large model;
    /// a worker pushes its gradient within one, which may take seconds over a slow network.</summary>
    public static TimeSpan StallLimit { get; } = TimeSpan.FromSeconds(30);

    /// <summary>What the process waits for before it takes part; null: nothing, it is ready.</summary>
    public string? WaitsFor
    {
        get => _waitsFor;
        set => _waitsFor = value;
    }

    /// <summary>The actors that have left something unhandled for too long.</summary>
    public IReadOnlyList<string> StalledActors
    {
        get
        {
            lock (_actors) return [.. _actors.Where(actor => actor.Value.IsStalled).Select(actor => actor.Key)];
        }
    }

    /// <summary>An engine that runs actors as another one does, and has them watched. Nothing is allocated for an item.
    /// An actor of the same name as an earlier one takes that one's place.</summary>
    public IEngine Watch(IEngine engine) => new WatchedEngine(engine, this);

    private void Add(string name, WatchedActor actor)
    {
        lock (_actors) _actors[name] = actor;
    }

    private sealed class WatchedEngine(IEngine engine, HealthStatus status) : IEngine
    {
        public TimeProvider Time => engine.Time;

        public IActor<T> Start<T>(string name, Action<T> handler, Action<Exception> fault)
        {
            WatchedActor<T> actor = new(status._time, handler);
            actor.Inner = engine.Start<T>(name, actor.Handle, fault);
            status.Add(name, actor);
            return actor;
        }
    }

    private abstract class WatchedActor(TimeProvider time)
    {
        private long _posted;
        private long _handled;
        private long _progressed;
        private volatile bool _closed;

        /// <summary>Since an item waits, or the one before it was handled, too much time has passed.</summary>
        public bool IsStalled => !_closed && Volatile.Read(ref _posted) != Volatile.Read(ref _handled)
            && time.GetElapsedTime(Volatile.Read(ref _progressed)) > StallLimit;

        protected void CountPosted()
        {
            // Before the item counts, so that an actor that was idle for long does not look stalled.
            if (Volatile.Read(ref _posted) == Volatile.Read(ref _handled)) Progress();
            Interlocked.Increment(ref _posted);
        }

        protected void CountHandled()
        {
            Progress();
            Interlocked.Increment(ref _handled);
        }

        protected void CountClosed() => _closed = true;

        private void Progress() => Volatile.Write(ref _progressed, time.GetTimestamp());
    }

    private sealed class WatchedActor<T>(TimeProvider time, Action<T> handler) : WatchedActor(time), IActor<T>
    {
        public IActor<T> Inner { get; set; } = null!;

        public void Post(in T item)
        {
            CountPosted();
            Inner.Post(item);
        }

        public void Close()
        {
            CountClosed();
            Inner.Close();
        }

        public void Handle(T item)
        {
            try
            {
                handler(item);
            }
            catch
            {
                // It takes nothing more, and whoever started it is told.
                CountClosed();
                throw;
            }

            CountHandled();
        }
    }
}
