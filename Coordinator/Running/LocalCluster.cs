using System.Net;
using Distributed.Execution;
using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Distributed.Runtime;
using Microsoft.Extensions.Logging;

namespace Distributed.Coordinator;

/// <summary>
/// The port, the local worker processes and their connections. Started before the data are loaded, so that processes
/// start, load and compile meanwhile; <see cref="Begin"/> lets them take part.
/// </summary>
internal sealed class LocalCluster : IDisposable
{
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(5);

    private readonly Listener _localListener;
    private readonly Listener? _listener;
    private readonly LocalWorkers _workers;
    private readonly Observer _observer;

    private LocalCluster(
        Listener localListener, Listener? listener, WorkerConnections connections, LocalWorkers workers,
        Observer observer)
    {
        _observer = observer;
        _localListener = localListener;
        _listener = listener;
        Connections = connections;
        _workers = workers;
    }

    public WorkerConnections Connections { get; }

    /// <summary>Where others join; null: nowhere.</summary>
    public IPEndPoint? EndPoint => _listener?.EndPoint;

    /// <summary>Worker processes that were started again.</summary>
    public int Restarts => _workers.Restarts;

    /// <summary>
    /// Opens a port of loopback for its own workers, another one for others where that is asked for, and starts the
    /// worker processes.
    /// </summary>
    /// <exception cref="LinkException">A port cannot be had.</exception>
    public static LocalCluster Start(
        RunSpecification specification, string? dataDirectory, int workers, int threads, string token, Fence fence,
        ILogger log, HostAddress? listen = null, LinkSecurity? security = null)
    {
        WorkerConnections connections = new(RunPlan.NewRun(), fence, specification, dataDirectory, log);
        ProtocolLimits limits =
            ProtocolLimits.Default with { TransferMilliseconds = WorkerConnections.LinkSilenceMilliseconds };
        Listener local = Listener.Open(new IPEndPoint(IPAddress.Loopback, 0), token, connections, limits);
        Listener? others = null;
        try
        {
            if (listen is not null) others = Listener.Open(listen.EndPoint, token, connections, limits, security);
            Observer observer = new(log);
            WorkerLauncher launcher = new(AppContext.BaseDirectory, local.EndPoint, token, threads, dataDirectory);
            LocalWorkers processes = new(workers, launcher, observer, TimeProvider.System);
            return new LocalCluster(local, others, connections, processes, observer);
        }
        catch
        {
            local.Dispose();
            others?.Dispose();
            throw;
        }
    }

    /// <summary>Lets the workers take part in a run.</summary>
    public void Begin(Cluster cluster)
    {
        Connections.Begin(cluster);
        _observer.Begin(cluster);
    }

    /// <summary>Ends the process of a local worker whose connection was dropped; it is started again.</summary>
    public void Kill(WorkerConnection connection)
    {
        if (connection.Hello.LaunchId >= 0) _workers.Kill(connection.Hello.LaunchId, connection.Hello.ProcessId);
    }

    /// <summary>A local worker's work was accepted: its earlier deaths are forgiven.</summary>
    public void ReportProgress(WorkerConnection connection)
    {
        if (connection.Hello.LaunchId >= 0) _workers.ReportProgress(connection.Hello.LaunchId);
    }

    /// <summary>Ends every connection and waits for the processes; those that stay are killed.</summary>
    public async Task StopAsync()
    {
        Connections.CloseAll();
        await _workers.StopAsync(StopDeadline).ConfigureAwait(false);
    }

    public void Dispose()
    {
        _localListener.Dispose();
        _listener?.Dispose();
        _workers.Dispose();
    }

    /// <summary>Hands what the worker processes do to the run; what comes before it begins is kept for then.</summary>
    private sealed class Observer(ILogger log) : ILocalWorkersObserver
    {
        private readonly TaskCompletionSource<Cluster> _cluster =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Begin(Cluster cluster) => _cluster.TrySetResult(cluster);

        public void Printed(string worker, string line) => log.LogInformation("{Worker}: {Line}", worker, line);

        public void Noticed(string sentence) => Tell(cluster => cluster.Show(new Notice(sentence)));

        public void Restarted(string worker) => Tell(cluster => cluster.Show(new WorkerRestarted(worker)));

        public void Exhausted(string reason, bool isUserError) =>
            Tell(cluster => cluster.Coordinator.Post(new WorkersExhausted(reason, isUserError)));

        public void AllLeft() => Tell(cluster => cluster.Coordinator.Post(new StopRequested()));

        private void Tell(Action<Cluster> tell) =>
            _cluster.Task.ContinueWith(cluster => tell(cluster.Result), TaskScheduler.Default);
    }
}
