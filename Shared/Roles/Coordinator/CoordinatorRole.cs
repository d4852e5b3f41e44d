using Distributed.Protocol;

namespace Distributed.Roles.Coordinator;

/// <summary>
/// Decides the course of a run: deals the micro-batches of each step, deals lost work again, closes epochs, orders
/// evaluations and checkpoints, stops. A pure state machine: <see cref="Handle"/> changes memory and appends effects.
/// One step at a time: step s + 1 begins only when s was applied, so no sample can be counted twice or skipped.
/// </summary>
public sealed partial class CoordinatorRole
{
    private readonly TrainingSettings _settings;
    private readonly Fence _fence;
    private readonly SortedDictionary<int, WorkerEntry> _workers = [];
    private ParameterVersion _version;
    private Phase _phase = Phase.Idle;
    private EvaluationScore? _validation;
    private EvaluationScore? _test;
    private ParameterChoice _published = ParameterChoice.Current;
    private int _reductions;
    private bool _stopping;
    private RunEnding _stopEnding = RunEnding.Stopped;
    private string _stopReason = "";
    private WorkersExhausted? _exhausted;
    private TimeSpan? _stopDeadline;
    private TimeSpan? _noticeDeadline;

    /// <summary>Creates the role for a run that stands at <paramref name="progress"/>, with parameters published as
    /// <paramref name="version"/> under <paramref name="fence"/>.</summary>
    public CoordinatorRole(
        TrainingSettings settings, Fence fence, TrainingProgress progress, ParameterVersion version, TimeSpan now)
    {
        _settings = settings;
        _fence = fence;
        _version = version;
        Progress = progress;
        _reductions = settings.Plateau?.Reductions(progress.History) ?? 0;
        _lastSave = now;
        // What another one wrote stands under another fence: a run that goes on is saved under this one at once, so
        // that nothing a stale coordinator still writes is ever newer.
        _saveRequested = progress.Step > 0;
        _saved = _saveRequested ? new TrainingProgress { Step = -1 } : progress;
    }

    private enum Phase
    {
        Idle,
        Stepping,
        Cancelling,
        Evaluating,
        Publishing,
        Finished,
    }

    /// <summary>Where the run stands.</summary>
    public TrainingProgress Progress { get; private set; }

    /// <summary>Whether <see cref="Finish"/> was given out.</summary>
    public bool IsFinished => _phase == Phase.Finished;

    /// <summary>When the role must be told that its deadline was reached, if nothing happens before.</summary>
    public TimeSpan? Deadline
    {
        get
        {
            if (IsFinished) return null;
            TimeSpan? earliest = Earlier(_phase == Phase.Stepping ? _stopDeadline : null, _noticeDeadline);
            earliest = Earlier(earliest, SaveOverdue);
            foreach (WorkerEntry worker in _workers.Values)
            {
                earliest = Earlier(earliest, DropDeadline(worker));
                if (worker.Standing != WorkerStanding.Silent)
                    earliest = Earlier(earliest, worker.LastHeard + _settings.Lease);
                earliest = Earlier(earliest, worker.ComputeDeadline);
                earliest = Earlier(earliest, LateAt(worker));
            }

            return earliest;
        }
    }

    /// <summary>Takes in what happened at <paramref name="now"/> and appends what is to be done.</summary>
    public void Handle(CoordinatorInput input, TimeSpan now, List<CoordinatorEffect> effects)
    {
        if (IsFinished) return;
        switch (input)
        {
            case WorkerJoined joined: Join(joined, now, effects); break;
            case WorkerHeard heard: Hear(heard.Worker, now, effects); break;
            case WorkerLeaving leaving: Leave(leaving.Worker, effects); break;
            case WorkerGone gone: Lose(gone, effects); break;
            case NodeAccepted accepted: Accept(accepted, now, effects); break;
            case NodeDropped dropped: Drop(dropped, now, effects); break;
            case StepApplied applied: Apply(applied, now, effects); break;
            case StepCancelled: if (_phase == Phase.Cancelling) _phase = Phase.Idle; break;
            case StepNotFinite broken: EndAsNotFinite(broken, effects); break;
            case EvaluationReturned returned: Score(returned, now, effects); break;
            case ParametersPublished published: TakePublished(published); break;
            case CheckpointSaved saved: EndSave(saved.Id, null, effects); break;
            case CheckpointFailed failed: EndSave(failed.Id, failed.Reason, effects); break;
            case StopRequested: RequestStop(now); break;
            case WorkersExhausted exhausted: _exhausted = exhausted; break;
            case DeadlineReached: break;
            default: throw new InvalidOperationException($"Unknown input {input.GetType().Name}.");
        }

        if (IsFinished) return;
        CheckWorkers(now, effects);
        if (_phase == Phase.Stepping) DealAgain(now, effects);
        CheckExhausted();
        CheckStop(now, effects);
        CheckSave(now, effects);
        Advance(now, effects);
        if (IsFinished) return;
        SettleIdleWorkers(now, effects);
        HelpStragglers(now, effects);
        NoticeWaiting(now, effects);
    }

    /// <summary>Begins whatever is next, when nothing is under way.</summary>
    private void Advance(TimeSpan now, List<CoordinatorEffect> effects)
    {
        while (_phase == Phase.Idle)
        {
            SaveIfDue(now, effects);
            if (SaveIsWaiting) return;
            if (IsTested)
            {
                if (!_saving) Complete(effects);
                return;
            }

            if (_stopping)
            {
                if (!_saving) EndStopped(effects);
                return;
            }

            if (CountActive() < LeastWorkers) RecallOverdue(now, effects);
            if (CountActive() < LeastWorkers) return;
            if (IsTrained) PublishBestOrTest(effects);
            else if (Progress.StepInEpoch < _settings.StepsPerEpoch)
            {
                if (IsPublished(ParameterChoice.Current, effects)) BeginNextStep(now, effects);
            }
            else if (_settings.ValidationSamples > 0 && _validation is null)
            {
                if (IsPublished(Evaluated, effects))
                    BeginEvaluation(DataSplit.Validation, _settings.ValidationSamples, _version, effects);
            }
            else CloseEpoch(effects);
        }

        if (_phase == Phase.Evaluating) HandOutParts(now, effects);
    }

    private bool IsTrained =>
        Progress.Epoch >= _settings.Epochs
        || (_settings.Patience > 0 && Progress.EpochsWithoutImprovement >= _settings.Patience);

    private bool IsTested => IsTrained && (_settings.TestSamples == 0 || _test is not null);

    /// <summary>The parameters that are validated.</summary>
    private ParameterChoice Evaluated =>
        _settings.EvaluatesAverage ? ParameterChoice.Average : ParameterChoice.Current;

    private int LeastWorkers => Math.Max(1, _settings.MinimumWorkers);

    private void CloseEpoch(List<CoordinatorEffect> effects)
    {
        bool isBest = _validation is not { } score || Progress.BestEpoch == 0
            || score.Accuracy > Progress.BestAccuracy
            || (score.Accuracy == Progress.BestAccuracy && score.Loss < Progress.BestLoss);
        EpochRecord record = new(
            Progress.Epoch + 1, Progress.Step,
            Progress.EpochLossSum / Progress.EpochSamples, (double)Progress.EpochCorrect / Progress.EpochSamples,
            _validation?.Loss ?? double.NaN, _validation?.Accuracy ?? double.NaN, Progress.EpochSamples,
            _validation?.TopFiveAccuracy ?? double.NaN);
        Progress = Progress with
        {
            Epoch = record.Epoch,
            StepInEpoch = 0,
            EpochSamples = 0,
            EpochLossSum = 0,
            EpochCorrect = 0,
            BestEpoch = isBest ? record.Epoch : Progress.BestEpoch,
            BestAccuracy = isBest && _validation is not null ? record.ValidationAccuracy : Progress.BestAccuracy,
            BestLoss = isBest && _validation is not null ? record.ValidationLoss : Progress.BestLoss,
            History = [.. Progress.History, record],
        };
        _validation = null;
        _reductions = _settings.Plateau?.Reductions(Progress.History) ?? 0;
        if (isBest) effects.Add(new KeepBest());
        effects.Add(new Report(new EpochEnded(record, isBest, Progress)));
        _saveRequested = true;
        _saveIsBest |= isBest;
    }

    private void PublishBestOrTest(List<CoordinatorEffect> effects)
    {
        bool isShown = _published == Evaluated && Progress.BestEpoch == Progress.Epoch;
        if (isShown || IsPublished(ParameterChoice.Best, effects))
            BeginEvaluation(DataSplit.Test, _settings.TestSamples, _version, effects);
    }

    /// <summary>Whether these are the parameters that workers have or will get; else they are asked for.</summary>
    private bool IsPublished(ParameterChoice choice, List<CoordinatorEffect> effects)
    {
        if (_published == choice) return true;
        _phase = Phase.Publishing;
        effects.Add(new PublishParameters(choice));
        return false;
    }

    private void TakePublished(ParametersPublished published)
    {
        if (_phase != Phase.Publishing)
            throw new InvalidOperationException($"The {published.Choice} parameters were not asked for.");
        _version = published.Version;
        _published = published.Choice;
        _phase = Phase.Idle;
    }

    private void RequestStop(TimeSpan now)
    {
        if (_stopping) return;
        _stopping = true;
        _stopDeadline = now + _settings.StopDeadline;
        _saveRequested = true;
        if (_phase == Phase.Evaluating) AbandonEvaluation();
    }

    /// <summary>A step that does not end in time, or that nobody is left to end, is given up when stopping.</summary>
    private void CheckStop(TimeSpan now, List<CoordinatorEffect> effects)
    {
        if (!_stopping || _phase != Phase.Stepping) return;
        if (now < _stopDeadline && CountActive() > 0) return;
        _dealt.Clear();
        _phase = Phase.Cancelling;
        effects.Add(new CancelStep(CurrentStep));
    }

    private void EndAsNotFinite(StepNotFinite broken, List<CoordinatorEffect> effects) =>
        End(RunEnding.UserError,
            $"The loss is no longer finite at step {broken.Step.Value} (first in layer {broken.Layer}): "
            + "lower --learning-rate, or resume from an earlier checkpoint with other settings.", effects);

    /// <summary>
    /// With the last worker gone and none to come, the run stops as if asked to, so that it can be resumed.
    /// </summary>
    private void CheckExhausted()
    {
        if (_exhausted is not { } exhausted || _workers.Count > 0 || _stopping) return;
        _stopEnding = exhausted.UserError ? RunEnding.UserError : RunEnding.Failed;
        _stopReason = exhausted.Reason;
        _stopping = true;
        _saveRequested = true;
        if (_phase == Phase.Evaluating) AbandonEvaluation();
    }

    private void EndStopped(List<CoordinatorEffect> effects)
    {
        string reason = string.Join(" ", new[] { _stopReason, _saveFailure ?? "" }.Where(text => text.Length > 0));
        End(_stopEnding, reason, effects);
    }

    private void Complete(List<CoordinatorEffect> effects)
    {
        if (_saveFailure is null) End(RunEnding.Completed, "", effects);
        else End(RunEnding.UserError, _saveFailure, effects);
    }

    private void End(RunEnding ending, string reason, List<CoordinatorEffect> effects)
    {
        bool goesOn = ending == RunEnding.Stopped && _settings.IsHandedOver;
        foreach (WorkerEntry worker in _workers.Values)
        {
            if (goesOn) break;
            effects.Add(new SendToWorker(worker.Id, new Stop(reason.Length == 0 ? "the run has ended" : reason)));
        }

        _phase = Phase.Finished;
        effects.Add(new Finish(ending, reason, _test));
    }

    private bool IsWaitingForWorkers => _phase switch
    {
        Phase.Stepping or Phase.Evaluating => !_workers.Values.Any(MayFinish),
        Phase.Idle => !SaveIsWaiting && !_stopping && !IsTested && CountActive() < LeastWorkers,
        _ => false,
    };

    /// <summary>Says from time to time that the run waits for workers, as long as it does.</summary>
    private void NoticeWaiting(TimeSpan now, List<CoordinatorEffect> effects)
    {
        if (!IsWaitingForWorkers)
        {
            _noticeDeadline = null;
            return;
        }

        if (_noticeDeadline is { } due && now < due) return;
        bool first = _noticeDeadline is null;
        _noticeDeadline = now + _settings.WaitingNotice;
        if (first && _workers.Count == 0) return;
        string silent = string.Join(
            ", ", _workers.Values.Where(w => !w.IsActive).Select(w => $"{w.Name} is {Word(w.Standing)}"));
        effects.Add(new Report(new Notice(
            $"Waiting for workers: {CountActive()} of at least {LeastWorkers} are there"
            + (silent.Length == 0 ? "." : $" ({silent})."))));
    }

    private static string Word(WorkerStanding standing) => standing switch
    {
        WorkerStanding.Silent => "silent",
        WorkerStanding.Overdue => "overdue",
        WorkerStanding.Leaving => "leaving",
        _ => "gone",
    };

    private int CountActive() => _workers.Values.Count(worker => worker.IsActive);

    private static TimeSpan? Earlier(TimeSpan? left, TimeSpan? right) =>
        left is null ? right : right is null || left < right ? left : right;
}
