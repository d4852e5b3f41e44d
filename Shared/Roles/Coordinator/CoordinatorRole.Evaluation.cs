using Distributed.Protocol;

namespace Distributed.Roles.Coordinator;

// Evaluations: parts are handed out two at a time to each worker, so that none waits for the next one.
public sealed partial class CoordinatorRole
{
    private EvaluationRound? _evaluation;
    private long _evaluationId;

    private void BeginEvaluation(
        DataSplit split, int samples, ParameterVersion version, List<CoordinatorEffect> effects)
    {
        _evaluation = new EvaluationRound(++_evaluationId, split, version, samples, _settings.MicroBatch);
        _phase = Phase.Evaluating;
        effects.Add(new Report(new EvaluationAdvanced(split, 0, samples)));
    }

    private void HandOutParts(TimeSpan now, List<CoordinatorEffect> effects)
    {
        EvaluationRound round = _evaluation!;
        foreach (WorkerEntry worker in _workers.Values)
        {
            while (worker.IsActive && worker.Parts.Count < 2 && round.TryNext(out EvaluationPart part))
            {
                worker.Parts.Add(part);
                ArmCompute(worker, worker.Parts.Sum(round.Leaves), now);
                effects.Add(new SendToWorker(worker.Id, new Evaluate(
                    _fence, round.Id, round.Version, round.Split, part.First, part.Count, _settings.MicroBatch)));
            }
        }
    }

    private void Score(EvaluationReturned returned, TimeSpan now, List<CoordinatorEffect> effects)
    {
        _workers.TryGetValue(returned.Worker.Value, out WorkerEntry? worker);
        if (worker?.Standing == WorkerStanding.Overdue) Reactivate(worker, "it answered", now, effects);
        if (_evaluation is not { } round || returned.Result.Evaluation != round.Id || returned.Result.Fence != _fence)
            return;
        if (worker is not null)
        {
            worker.Parts.RemoveAll(part => part.First == returned.Result.First);
            worker.ComputeDeadline = null;
            if (worker.Parts.Count > 0) ArmCompute(worker, worker.Parts.Sum(round.Leaves), now);
        }

        if (!round.Accept(returned.Result, returned.Correct))
        {
            Progress = Progress with { DuplicatesDropped = Progress.DuplicatesDropped + 1 };
            return;
        }

        effects.Add(new Report(new EvaluationAdvanced(round.Split, round.Scored, round.Samples)));
        if (!round.IsComplete) return;
        if (round.Split == DataSplit.Test) _test = round.Score();
        else _validation = round.Score();
        ReportStragglers(now, effects);
        AbandonEvaluation();
    }

    private void AbandonEvaluation()
    {
        foreach (WorkerEntry worker in _workers.Values)
        {
            worker.Parts.Clear();
            worker.ComputeDeadline = null;
        }

        _evaluation = null;
        _phase = Phase.Idle;
    }
}
