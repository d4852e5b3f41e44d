using System.Net;
using Distributed.Execution;
using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Distributed.Runtime;
using Microsoft.Extensions.Logging;

namespace Distributed.Coordinator;

/// <summary>What a cluster is started from.</summary>
internal sealed record ClusterPlan
{
    /// <summary>The run.</summary>
    public RunId Run { get; init; } = RunPlan.NewRun();

    /// <summary>The number that this coordinator works under.</summary>
    public Fence Fence { get; init; } = new(1);

    /// <summary>What is trained.</summary>
    public required RunSpecification Specification { get; init; }

    /// <summary>The folder that data files are in; null: the usual places.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>Local worker processes.</summary>
    public required int Workers { get; init; }

    /// <summary>Compute threads of each.</summary>
    public required int Threads { get; init; }

    /// <summary>What computes in each, as its option says it; null: its threads.</summary>
    public string? Device { get; init; }

    /// <summary>The run's secret.</summary>
    public string Token { get; init; } = RunPlan.NewToken();

    /// <summary>Where to wait for other workers; null: there are none.</summary>
    public HostAddress? Listen { get; init; }

    /// <summary>How links of other workers are kept from others.</summary>
    public LinkSecurity Security { get; init; } = LinkSecurity.LoopbackOnly;

    /// <summary>What a peer may make this process read, hold or wait for.</summary>
    public ProtocolLimits Limits { get; init; } = ProtocolLimits.Default;

    /// <summary>What local workers are told about certificates, as options; a node's workers need it.</summary>
    public IReadOnlyList<string> SecurityOptions { get; init; } = [];

    /// <summary>This coordinator's node in the cluster of an engine for many machines; null: the local engine.
    /// </summary>
    public ICoordinatorNode? Node { get; init; }

    /// <summary>Takes what threads did and when; null: nobody asks.</summary>
    public TraceWriter? Trace { get; init; }

    /// <summary>Watches the actors; null: nobody asks.</summary>
    public HealthStatus? Health { get; init; }
}

/// <summary>
/// The ports, the local worker processes and their connections. Started before the data are loaded, so that processes
/// start, load and compile meanwhile; <see cref="Begin"/> lets them take part.
/// </summary>
internal sealed class LocalCluster : IDisposable
{
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(5);

    private readonly List<Listener> _listeners = [];
    private readonly LocalWorkers _workers;
    private readonly Observer _observer;

    private LocalCluster(ClusterPlan plan, ILogger log)
    {
        IEngine engine = (IEngine?)plan.Node ?? LocalEngine.Instance;
        Engine = plan.Health?.Watch(engine) ?? engine;
        Connections = new WorkerConnections(plan, log);
        _observer = new Observer(log);
        try
        {
            WorkerLauncher launcher = plan.Node is { } node ? Open(plan, node) : Open(plan);
            _workers = new LocalWorkers(plan.Workers, launcher, _observer, TimeProvider.System);
        }
        catch
        {
            CloseListeners();
            throw;
        }
    }

    /// <summary>What runs the actors.</summary>
    public IEngine Engine { get; }

    public WorkerConnections Connections { get; }

    /// <summary>Where others join; null: nowhere.</summary>
    public HostAddress? Address { get; private set; }

    /// <summary>Worker processes that were started again.</summary>
    public int Restarts => _workers.Restarts;

    /// <summary>Opens the ports and starts the worker processes.</summary>
    /// <exception cref="LinkException">A port cannot be had.</exception>
    public static LocalCluster Start(ClusterPlan plan, ILogger log) => new(plan, log);

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
        Connections.TurnedAway.Summarize();
    }

    public void Dispose()
    {
        CloseListeners();
        Connections.TurnedAway.Dispose();
        _workers.Dispose();
    }

    private void CloseListeners()
    {
        foreach (Listener listener in _listeners) listener.Dispose();
    }

    // A port of loopback for its own workers, and another one for others where that is asked for.
    private WorkerLauncher Open(ClusterPlan plan)
    {
        Listener own = Listen(new IPEndPoint(IPAddress.Loopback, 0), plan, Connections, LinkSecurity.LoopbackOnly);
        if (plan.Listen is { } listen)
            Address = listen with { EndPoint = Listen(listen.EndPoint, plan, Connections, plan.Security).EndPoint };
        return new WorkerLauncher(AppContext.BaseDirectory, plan, own.EndPoint.ToString());
    }

    // The engine's node takes control links at its address; tensors come to the port after it.
    private WorkerLauncher Open(ClusterPlan plan, ICoordinatorNode node)
    {
        IPEndPoint control = node.Address.EndPoint;
        int port = plan.Listen is null or { EndPoint.Port: 0 } ? 0 : control.Port + 1;
        Address = node.Address;
        DataPort door = new(Connections, $"This run's workers join with --engine {Engines.Akka} --join {Address}.");
        Listener data = Listen(new IPEndPoint(control.Address, port), plan, door, plan.Security);
        Connections.DataAddress = (Address with { EndPoint = data.EndPoint }).ToString();
        node.Open(plan.Token, Connections);
        return new WorkerLauncher(
            AppContext.BaseDirectory, plan, Address.ToString(), ["--engine", Engines.Akka, .. plan.SecurityOptions]);
    }

    private Listener Listen(IPEndPoint endPoint, ClusterPlan plan, IListenerHandler handler, LinkSecurity security)
    {
        ProtocolLimits limits = plan.Limits with { TransferMilliseconds = WorkerConnections.LinkSilenceMilliseconds };
        Listener listener = Listener.Open(endPoint, plan.Token, handler, limits, security);
        _listeners.Add(listener);
        return listener;
    }

    /// <summary>Takes tensors only: who comes for more is told where to go.</summary>
    private sealed class DataPort(IListenerHandler inner, string direction) : IListenerHandler
    {
        public void ControlOpened(Hello hello, IControlLink link)
        {
            link.Refuse(direction);
        }

        public void DataOpened(DataHello hello, DataLink<ParametersHeader, GradientHeader> link) =>
            inner.DataOpened(hello, link);

        public void SamplesOpened(SamplesHello hello, SamplesSender link) => inner.SamplesOpened(hello, link);

        public void Rejected(in Rejection rejection) => inner.Rejected(rejection);
    }

    /// <summary>Hands what the worker processes do to the run; what comes before it begins is kept for then.</summary>
    private sealed class Observer(ILogger log) : ILocalWorkersObserver
    {
        private readonly TaskCompletionSource<Cluster> _cluster =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Begin(Cluster cluster) => _cluster.TrySetResult(cluster);

        public void Printed(string worker, string line) => log.LogInformation("{Worker}: {Line}", worker, line);

        public void Noticed(string sentence) => Tell(cluster => cluster.Show(new Notice(sentence)));

        public void Warned(string sentence) => log.LogWarning("{Sentence}", sentence.TrimEnd('.'));

        public void Restarted(string worker) => Tell(cluster => cluster.Show(new WorkerRestarted(worker)));

        public void Exhausted(string reason, bool isUserError) =>
            Tell(cluster => cluster.Coordinator.Post(new WorkersExhausted(reason, isUserError)));

        public void AllLeft() => Tell(cluster => cluster.Coordinator.Post(new StopRequested()));

        private void Tell(Action<Cluster> tell) =>
            _cluster.Task.ContinueWith(cluster => tell(cluster.Result), TaskScheduler.Default);
    }
}
