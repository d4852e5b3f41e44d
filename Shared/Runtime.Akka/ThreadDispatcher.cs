using Akka.Configuration;
using Akka.Dispatch;

namespace Distributed.Runtime.Akka;

/// <summary>
/// Runs actors on one thread of their own, which sleeps when there is nothing to do. Akka's own dispatchers spin first,
/// at every message of the cluster, and in the programs' processes that time is taken from compute threads.
/// </summary>
public sealed class ThreadDispatcherConfigurator : MessageDispatcherConfigurator
{
    private readonly ThreadDispatcher _dispatcher;

    /// <summary>What Akka calls, with the dispatcher's section of the settings.</summary>
    public ThreadDispatcherConfigurator(Config config, IDispatcherPrerequisites prerequisites)
        : base(config, prerequisites) => _dispatcher = new ThreadDispatcher(this);

    /// <inheritdoc/>
    public override MessageDispatcher Dispatcher() => _dispatcher;

    private sealed class ThreadDispatcher(MessageDispatcherConfigurator configurator) : MessageDispatcher(configurator)
    {
        private readonly Queue<IRunnable> _runs = new();
        private Thread? _thread;
        private bool _ended;

        protected override void ExecuteTask(IRunnable run)
        {
            lock (_runs)
            {
                _runs.Enqueue(run);
                _ended = false;
                if (_thread is null)
                {
                    _thread = new Thread(Work) { IsBackground = true, Name = Id };
                    _thread.Start();
                }

                Monitor.Pulse(_runs);
            }
        }

        // No actor is left; one that comes later has the thread started again.
        protected override void Shutdown()
        {
            lock (_runs)
            {
                _ended = true;
                Monitor.Pulse(_runs);
            }
        }

        private void Work()
        {
            while (TryTake() is { } run) run.Run();
        }

        private IRunnable? TryTake()
        {
            lock (_runs)
            {
                while (_runs.Count == 0)
                {
                    if (_ended)
                    {
                        _thread = null;
                        return null;
                    }

                    Monitor.Wait(_runs);
                }

                return _runs.Dequeue();
            }
        }
    }
}
