using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Distributed.Roles.ParameterServer;
using Distributed.Runtime;

namespace Distributed.Coordinator;

/// <summary>
/// The shell around the coordinator role: its mailbox, its one timer, and the carrying out of its effects.
/// </summary>
internal sealed class CoordinatorActor : IDisposable
{
    private readonly IActor<CoordinatorInput> _mailbox;
    private readonly List<CoordinatorEffect> _effects = [];
    private readonly Dictionary<long, DataSplit> _evaluations = [];
    private readonly CoordinatorRole _role;
    private readonly DeadlineTimer _timer;
    private readonly Cluster _cluster;

    public CoordinatorActor(Cluster cluster, TrainingSettings settings, Fence fence, TrainingProgress progress)
    {
        _cluster = cluster;
        _mailbox = cluster.Engine.Start<CoordinatorInput>("coordinator", Handle, cluster.Fault);
        _timer = new DeadlineTimer(cluster.Engine.Time, () => Post(new DeadlineReached()));
        _role = new CoordinatorRole(settings, fence, progress, Cluster.FirstVersion, _timer.Now);
    }

    /// <summary>Where the run stands; exact once it has finished.</summary>
    public TrainingProgress Progress => _role.Progress;

    public void Post(CoordinatorInput input) => _mailbox.Post(input);

    /// <summary>Takes in an evaluation's result with the number of right predictions in it.</summary>
    public void Return(WorkerId worker, EvaluationResult result)
    {
        DataSplit split;
        lock (_evaluations)
        {
            if (!_evaluations.TryGetValue(result.Evaluation, out split)) return;
        }

        int classes = _cluster.Data.Dataset.ClassNames.Count;
        if (result.Predictions.Any(predicted => (uint)predicted >= (uint)classes))
        {
            _cluster.Drop(worker, $"it predicted a class beyond the {classes} there are");
            return;
        }

        int count = _cluster.Data.Count(split);
        int correct = 0;
        for (int i = 0; i < result.Predictions.Length; i++)
        {
            int position = result.First + i;
            if ((uint)position < (uint)count && _cluster.Data.Label(split, position) == result.Predictions[i])
                correct++;
        }

        if (result.TopFive < correct || result.TopFive > result.Predictions.Length)
        {
            _cluster.Drop(worker,
                $"it has {result.TopFive} labels among the five likeliest of {result.Predictions.Length} samples, "
                + $"{correct} of them the likeliest");
            return;
        }

        Post(new EvaluationReturned(worker, result, correct));
    }

    public void Dispose()
    {
        _mailbox.Close();
        _timer.Dispose();
    }

    private void Handle(CoordinatorInput input)
    {
        _effects.Clear();
        if (input is NodeAccepted accepted) _cluster.Credit(accepted);
        _role.Handle(input, _timer.Now, _effects);

        // What workers wait for comes first; showing and logging a step costs as much as sending the next one.
        foreach (CoordinatorEffect effect in _effects)
        {
            if (effect is not (Report or Finish)) Carry(effect);
        }

        _cluster.ParameterServer.Publications.Flush();
        foreach (CoordinatorEffect effect in _effects)
        {
            if (effect is Report or Finish) Carry(effect);
        }

        _timer.Arm(_role.Deadline);
    }

    private void Carry(CoordinatorEffect effect)
    {
        switch (effect)
        {
            case SendToWorker send:
                if (send.Message is Evaluate evaluate)
                {
                    lock (_evaluations) _evaluations[evaluate.Evaluation] = evaluate.Split;
                }

                _cluster.Connections.Find(send.Worker)?.Send(send.Message);
                break;
            case DropWorker drop: _cluster.Drop(drop.Worker, drop.Reason); break;
            case BeginStep begin:
                _cluster.ParameterServer.Post(
                    new CollectStep(begin.Step, begin.Samples, begin.MicroBatch, begin.Reductions));
                break;
            case CancelStep cancel: _cluster.ParameterServer.Post(new GiveUpStep(cancel.Step)); break;
            case PublishTo publish: _cluster.ParameterServer.Post(new Subscribe(publish.Worker)); break;
            case StopPublishingTo stop: _cluster.ParameterServer.Post(new Unsubscribe(stop.Worker)); break;
            case PublishParameters publish:
                _cluster.ParameterServer.Post(new PublishChoice(publish.Choice));
                break;
            case KeepBest: _cluster.ParameterServer.PostKeepBest(); break;
            case SaveCheckpoint save: _cluster.ParameterServer.PostSave(save); break;
            case Report report: _cluster.Show(report.Event); break;
            case Finish finish: _cluster.Finish(finish); break;
            default: throw new InvalidOperationException($"Unknown effect {effect.GetType().Name}.");
        }
    }
}
