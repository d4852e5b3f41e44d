using System.Reflection;
using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Distributed.Runtime;
using Microsoft.Extensions.Logging;

namespace Distributed.Coordinator;

/// <summary>
/// The workers that are connected: greets them while the data still load, compares versions and data, and lets them
/// take part once the cluster stands.
/// </summary>
internal sealed class WorkerConnections(ClusterPlan plan, ILogger log) : IListenerHandler
{
    /// <summary>
    /// A link closes by itself after so long a silence; the coordinator role acts on its lease long before.
    /// </summary>
    public const int LinkSilenceMilliseconds = 60_000;

    private const int HeartbeatMilliseconds = 400;

    /// <summary>Ready comes over the control link just before the data connection opens.</summary>
    private static readonly TimeSpan ReadyDeadline = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<WorkerId, WorkerConnection> _connections = [];
    private readonly TaskCompletionSource<Cluster> _cluster = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _lastId;

    /// <summary>The program's version: workers of another one are refused.</summary>
    public static string ProgramVersion { get; } =
        typeof(WorkerConnections).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion ?? "?";

    /// <summary>Where data connections go; null: where control connections went.</summary>
    public string? DataAddress { get; set; }

    /// <summary>The connections that were no worker's.</summary>
    public TurnedAway TurnedAway { get; } =
        new(sentence => log.LogWarning("{Sentence}", sentence.TrimEnd('.')), TimeProvider.System);

    /// <summary>Takes what workers' threads did; null: they were not asked.</summary>
    public TraceWriter? Trace => plan.Trace;

    /// <summary>The cluster stands: workers that wait may take part.</summary>
    public void Begin(Cluster cluster) => _cluster.TrySetResult(cluster);

    public WorkerConnection? Find(WorkerId id)
    {
        lock (_lock) return _connections.GetValueOrDefault(id);
    }

    /// <summary>Every worker connected now.</summary>
    public IReadOnlyList<WorkerConnection> All
    {
        get
        {
            lock (_lock) return [.. _connections.Values];
        }
    }

    public void ControlOpened(Hello hello, IControlLink link)
    {
        if (Objection(hello) is { } objection)
        {
            log.LogWarning("Refused a worker at {Peer}: {Reason}", link.Peer, objection);
            link.Refuse(objection);
            return;
        }

        WorkerConnection connection;
        lock (_lock)
        {
            connection = new WorkerConnection(new WorkerId(++_lastId), hello, link, this);
            _connections.Add(connection.Id, connection);
        }

        link.Accept(new Welcome(
            connection.Id, plan.Run, plan.Fence, plan.Specification.ToJson(), plan.DataDirectory,
            LinkSilenceMilliseconds, HeartbeatMilliseconds, DataAddress)
        { Trace = plan.Trace is not null },
            connection);
    }

    public void DataOpened(DataHello hello, DataLink<ParametersHeader, GradientHeader> link)
    {
        if (hello.Run != plan.Run || hello.Fence != plan.Fence || Find(hello.Worker) is not { } connection)
        {
            link.Refuse("This data connection belongs to no worker of the run.");
            return;
        }

        if (connection.WaitForReady(ReadyDeadline) is not { } ready)
        {
            string silence = $"{connection.Name} opened its data connection and did not say within "
                + $"{ReadyDeadline.TotalSeconds:0} s what it has loaded; it is let go and may join anew.";
            log.LogWarning("{Sentence}", silence.TrimEnd('.'));
            link.Refuse(silence);
            connection.Close();
            return;
        }

        // On the handshake's own thread: waits until the coordinator has its data too, as long as the worker does.
        if (!_cluster.Task.Wait(plan.Limits.AnswerMilliseconds))
        {
            string late = $"The coordinator has not loaded its data within {plan.Limits.AnswerMilliseconds / 1000} s; "
                + $"{connection.Name} is let go and may join anew.";
            log.LogWarning("{Sentence}", late.TrimEnd('.'));
            link.Refuse(late);
            connection.Close();
            return;
        }

        Cluster cluster = _cluster.Task.Result;
        if (Objection(ready, cluster) is { } objection)
        {
            log.LogWarning("Refused {Worker}: {Reason}", connection.Name, objection);
            link.Refuse(objection);
            connection.Close();
            return;
        }

        // A second one of a worker would take the place of the first.
        if (!connection.TryOpen(link, cluster))
        {
            link.Refuse("This worker has its data connection.");
            return;
        }

        cluster.Coordinator.Post(new WorkerJoined(connection.Id, connection.Name, connection.Hello.Threads));

        // Its links may have ended meanwhile, and the role was told so before it knew the worker.
        if (Find(connection.Id) is null)
        {
            connection.Close();
            cluster.Coordinator.Post(new WorkerGone(connection.Id, "its connection ended while it joined"));
        }
    }

    public void SamplesOpened(SamplesHello hello, SamplesSender link)
    {
        if (hello.Run == plan.Run && hello.Fence == plan.Fence && Find(hello.Worker) is not null)
            SampleService.Serve(hello, link, _cluster.Task);
        else
            link.Refuse("Who asks for the data set is no worker of the run.");
    }

    public void Rejected(in Rejection rejection) => TurnedAway.Count(rejection);

    /// <summary>A worker's links have ended.</summary>
    public void Forget(WorkerConnection connection, string reason)
    {
        lock (_lock) _connections.Remove(connection.Id);
        if (_cluster.Task.IsCompletedSuccessfully)
            _cluster.Task.Result.Coordinator.Post(new WorkerGone(connection.Id, reason));
    }

    /// <summary>Ends every connection.</summary>
    public void CloseAll()
    {
        foreach (WorkerConnection connection in All) connection.Close();
    }

    private string? Objection(Hello hello)
    {
        if (hello.Program != ProgramVersion)
        {
            return $"The coordinator is version {ProgramVersion} and the worker {hello.Program}: "
                + "run the same version on both.";
        }

        if (hello.NumericsClass != plan.Specification.NumericsClass)
        {
            return $"The run's numerics class is {plan.Specification.NumericsClass} and the worker's "
                + $"{hello.NumericsClass}: their bits differ; give the worker the run's --device.";
        }

        return hello.Threads < 1 ? "A worker needs at least one thread." : null;
    }

    private static string? Objection(Ready ready, Cluster cluster)
    {
        string expected = cluster.Specification.Data.Sha256!;
        if (ready.DataSha256 != expected)
        {
            string found = ready.DataSha256[..Math.Min(12, ready.DataSha256.Length)];
            return $"The worker's {cluster.Specification.Data.Name} data differ from the coordinator's (hash {found}…, "
                + $"expected {expected[..12]}…): give it the same files with --data-dir, or "
                + "--data-from coordinator.";
        }

        int count = cluster.Store.Layout.Count;
        return ready.ParameterCount == count
            ? null
            : $"The worker's model has {ready.ParameterCount} parameters, the coordinator's {count}.";
    }
}
