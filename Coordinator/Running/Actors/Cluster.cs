using Distributed.Execution;
using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Distributed.Runtime;

namespace Distributed.Coordinator;

/// <summary>What carries a snapshot of the parameters to disk.</summary>
internal interface ICheckpointSaver
{
    /// <summary>Copies parameters and optimizer state at once, writes them in the background, and posts
    /// <see cref="CheckpointSaved"/> or <see cref="CheckpointFailed"/>.</summary>
    void Save(SaveCheckpoint save);
}

/// <summary>
/// The coordinator's side of a running cluster: the two actors, what they act on, and what they tell. Created once the
/// data are loaded and the parameters are where the run stands.
/// </summary>
internal sealed class Cluster : IDisposable
{
    private readonly TaskCompletionSource<Finish> _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Action<RunEvent> _show;
    private readonly LocalCluster _local;

    public Cluster(
        RunSpecification specification, RunData data, ParameterStore store, LocalCluster local,
        RunFigures figures, Action<RunEvent> show,
        TrainingSettings settings, Fence fence, TrainingProgress progress)
    {
        Specification = specification;
        Data = data;
        Store = store;
        _local = local;
        Figures = figures;
        _show = show;
        ParameterServer = new ParameterServerActor(this, fence);
        Coordinator = new CoordinatorActor(this, settings, fence, progress);
    }

    /// <summary>
    /// The version under which a coordinator publishes first; its fence tells it from an earlier one's.
    /// </summary>
    public static ParameterVersion FirstVersion { get; } = new(1);

    public RunSpecification Specification { get; }

    public RunData Data { get; }

    public ParameterStore Store { get; }

    public WorkerConnections Connections => _local.Connections;

    /// <summary>Takes what the parameter server did; null: nobody asks.</summary>
    public TraceLane? Trace => _local.Connections.Trace?.ParameterServer;

    /// <summary>What runs the two actors.</summary>
    public IEngine Engine => _local.Engine;

    public RunFigures Figures { get; }

    public CoordinatorActor Coordinator { get; }

    public ParameterServerActor ParameterServer { get; }

    public required ICheckpointSaver Saver { get; init; }

    /// <summary>How the run ended, or the broken invariant that ended it.</summary>
    public Task<Finish> Finished => _finished.Task;

    public void Show(RunEvent happened)
    {
        if (happened is StepEnded step) Figures.Count(step);

        // Workers are told to stop when the run ends: that they do is nothing to say.
        if (!_finished.Task.IsCompleted) _show(happened);
    }

    /// <summary>Counts a node for the worker that computed it.</summary>
    public void Credit(NodeAccepted accepted)
    {
        if (Connections.Find(accepted.Worker) is not { } worker) return;
        Figures.Count(accepted, worker);
        _local.ReportProgress(worker);
    }

    public void Drop(WorkerId worker, string reason)
    {
        if (Connections.Find(worker) is not { } connection)
        {
            Coordinator.Post(new WorkerGone(worker, reason));
            return;
        }

        Show(new Notice($"Dropped {connection.Name}: {reason}."));
        connection.Close();
        _local.Kill(connection);
    }

    public void Finish(Finish finish) => _finished.TrySetResult(finish);

    public void Fault(Exception exception) => _finished.TrySetException(exception);

    public void Dispose()
    {
        Coordinator.Dispose();
        ParameterServer.Close();
    }
}
