namespace Distributed.Roles.Coordinator;

// Stragglers: work that takes far longer than the others' is dealt a second time to those who have nothing left to do.
// The straggler goes on and its answer counts if it comes first; a node counts once, so no bit depends on who wins.
public sealed partial class CoordinatorRole
{
    // How long those took who have nothing to do now; null: everybody is busy.
    private TimeSpan? _idleTook;

    /// <summary>Brings up to date who owes nodes, and how long those took who owe none.</summary>
    private void MarkOwing()
    {
        foreach (WorkerEntry worker in _workers.Values) worker.Owes = worker.MayPush = false;
        foreach (DealtNode dealt in _dealt)
        {
            if (!_workers.TryGetValue(dealt.Worker.Value, out WorkerEntry? worker)) continue;
            worker.Owes = true;
            worker.MayPush |= dealt.Granted;
        }
    }

    private void HelpStragglers(TimeSpan now, List<CoordinatorEffect> effects)
    {
        FindIdle();
        while (_workers.Values.FirstOrDefault(worker => now >= LateAt(worker)) is { } late)
        {
            TimeSpan took = now - late.ComputeSince, usual = _idleTook!.Value;
            late.DealtTwice = _phase == Phase.Stepping
                ? _dealt.Where(d => d.Worker == late.Id).Sum(d => d.Node.Count)
                : late.Parts.Sum(_evaluation!.Leaves);
            late.DueAt = late.ComputeSince + usual;
            string reason = $"its {late.DealtTwice} micro-batches take {took.TotalSeconds:0.0} s so far, and the "
                + $"others' took {usual.TotalSeconds:0.0} s";
            Suspend(late, WorkerStanding.Overdue, reason, now, effects);
            if (_phase == Phase.Stepping) DealAgain(now, effects);
            else HandOutParts(now, effects);
            MarkOwing();
            FindIdle();
        }
    }

    private void FindIdle()
    {
        _idleTook = null;
        if (_phase is not (Phase.Stepping or Phase.Evaluating)) return;
        foreach (WorkerEntry worker in _workers.Values)
        {
            if (worker.IsIdle && !(worker.Took < _idleTook)) _idleTook = worker.Took;
        }
    }

    /// <summary>When what a worker has is late, if there is someone who could do it instead. One that was never
    /// measured has code to compile first.</summary>
    private TimeSpan? LateAt(WorkerEntry worker)
    {
        bool isWaitedFor = worker.IsActive && (worker.Parts.Count > 0 || worker.MayPush);
        if (_idleTook is not { } usual || !isWaitedFor || worker.MicroBatchSeconds == 0) return null;
        if (worker.Took > usual) usual = worker.Took;
        TimeSpan late = _settings.StragglerFactor * usual;
        return worker.ComputeSince + (late > _settings.LeastLateness ? late : _settings.LeastLateness);
    }

    private void ReportStragglers(TimeSpan now, List<CoordinatorEffect> effects)
    {
        foreach (WorkerEntry worker in _workers.Values)
        {
            if (worker.DealtTwice == 0) continue;
            effects.Add(new Report(new StragglerHelped(
                worker.Id, worker.Name, worker.DealtTwice, (now - worker.DueAt).TotalSeconds)));
            worker.DealtTwice = 0;
        }
    }
}
