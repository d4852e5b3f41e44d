using System.Diagnostics;
using Distributed.Execution;
using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Distributed.Roles.ParameterServer;
using Distributed.Runtime;

namespace Distributed.Coordinator;

/// <summary>
/// The shell around the parameter server role: carries out sums, the optimizer step and publications, and takes
/// snapshots, one after the other in the order they were asked for.
/// </summary>
internal sealed class ParameterServerActor
{
    private readonly IActor<object> _mailbox;
    private readonly List<ParameterServerEffect> _effects = [];
    private readonly ParameterServerRole _role;
    private readonly Cluster _cluster;
    private readonly Fence _fence;
    private readonly TraceLane? _trace;

    public ParameterServerActor(Cluster cluster, Fence fence)
    {
        _cluster = cluster;
        _fence = fence;
        _trace = cluster.Trace;
        _mailbox = cluster.Engine.Start<object>("parameter-server", Handle, cluster.Fault);
        _role = new ParameterServerRole(fence, Cluster.FirstVersion);
        Publications = new Publications(cluster.Store.Layout.Length);
        Publications.Publish(new ParametersHeader(fence, Cluster.FirstVersion), cluster.Store.Parameters);
    }

    /// <summary>What links carry to the workers.</summary>
    public Publications Publications { get; }

    public void Post(ParameterServerInput input) => _mailbox.Post(input);

    /// <summary>Keeps the validated parameters, as they are at this point of the queue, as the best.</summary>
    public void PostKeepBest() => _mailbox.Post(KeepBestRequest);

    /// <summary>Takes a snapshot at this point of the queue and has it written.</summary>
    public void PostSave(SaveCheckpoint save) => _mailbox.Post(save);

    public void Close() => _mailbox.Close();

    private static readonly object KeepBestRequest = new();

    private void Handle(object item)
    {
        long began = Stopwatch.GetTimestamp();
        if (item == KeepBestRequest)
        {
            _cluster.Store.KeepBest();
            _trace?.Add(TraceActivity.KeepBest, began);
            return;
        }

        if (item is SaveCheckpoint save)
        {
            _cluster.Saver.Save(save);
            _trace?.Add(TraceActivity.Snapshot, began, new StepNumber(save.Progress.Step));
            return;
        }

        _effects.Clear();
        _role.Handle((ParameterServerInput)item, _effects);
        foreach (ParameterServerEffect effect in _effects) Carry(effect);
        Publications.Flush();
    }

    private void Carry(ParameterServerEffect effect)
    {
        ParameterStore store = _cluster.Store;
        long began = Stopwatch.GetTimestamp();
        switch (effect)
        {
            case AddGradient add:
                store.Add(add.Destination, add.Source);
                _trace?.Add(TraceActivity.Add, began);
                break;
            case ReleaseGradient release: store.ReleaseGradient(release.Buffer); break;
            case StepOptimizer step:
                store.Step(step.Step.Value, step.Samples, step.Reductions, step.Gradient);
                _trace?.Add(TraceActivity.Optimize, began, step.Step);
                break;
            case PrepareParameters prepare:
                Publications.Publish(
                    new ParametersHeader(_fence, prepare.Version), store.Choose(prepare.Choice));
                _trace?.Add(TraceActivity.Publish, began);
                break;
            case SendParameters send:
                _cluster.Connections.Find(send.Worker)?.Publish(Publications.Newest!);
                break;
            case DiagnoseNotFinite diagnose:
                string layer = store.FirstNotFinite(diagnose.Gradient);
                store.ReleaseGradient(diagnose.Gradient);
                _cluster.Coordinator.Post(new StepNotFinite(diagnose.Step, layer));
                break;
            case EndLink end: _cluster.Drop(end.Worker, end.Reason); break;
            case TellCoordinator tell: _cluster.Coordinator.Post(tell.Input); break;
            default: throw new InvalidOperationException($"Unknown effect {effect.GetType().Name}.");
        }
    }
}
