using Distributed.Protocol;

namespace Distributed.Roles.Coordinator;

// Workers: who takes part, whose lease or compute has run out.
public sealed partial class CoordinatorRole
{
    // What a worker says of its own speed may not make a wait endless.
    private const double LongestComputeSeconds = 86_400;

    private void Join(WorkerJoined joined, TimeSpan now, List<CoordinatorEffect> effects)
    {
        WorkerEntry worker = new(joined.Worker, joined.Name, joined.Threads) { LastHeard = now };
        if (!_workers.TryAdd(joined.Worker.Value, worker))
            throw new InvalidOperationException($"Worker {joined.Worker.Value} joined twice.");
        _exhausted = null;
        effects.Add(new PublishTo(worker.Id));
        ReportStanding(worker, "", effects);
        _dealIsStale = true;
    }

    private void Hear(WorkerId id, TimeSpan now, List<CoordinatorEffect> effects)
    {
        if (!_workers.TryGetValue(id.Value, out WorkerEntry? worker)) return;
        worker.LastHeard = now;
        if (worker.Standing != WorkerStanding.Silent) return;
        effects.Add(new PublishTo(id));
        Reactivate(worker, "it is heard again", now, effects);
    }

    private void Leave(WorkerId id, List<CoordinatorEffect> effects)
    {
        if (!_workers.TryGetValue(id.Value, out WorkerEntry? worker) || worker.IsLeaving) return;
        worker.IsLeaving = true;
        worker.Standing = WorkerStanding.Leaving;
        _dealIsStale = true;
        ReportStanding(worker, "it was asked to stop", effects);
    }

    /// <summary>Ends the deadline of a worker that has nothing to do, and lets it go if it is leaving.</summary>
    private void SettleIdleWorkers(TimeSpan now, List<CoordinatorEffect> effects)
    {
        MarkOwing();
        foreach (WorkerEntry worker in _workers.Values)
        {
            if (worker.Parts.Count > 0 || worker.Owes) continue;
            if (worker.ComputeDeadline is not null) worker.Took = now - worker.ComputeSince;
            worker.ComputeDeadline = null;
            if (!worker.IsLeaving || worker.IsReleased) continue;
            worker.IsReleased = true;
            worker.StandingSince = now;
            effects.Add(new SendToWorker(worker.Id, new Stop("nothing is left to do for it")));
        }
    }

    private void Lose(WorkerGone gone, List<CoordinatorEffect> effects)
    {
        if (!_workers.Remove(gone.Worker.Value, out WorkerEntry? worker)) return;
        worker.Standing = WorkerStanding.Gone;
        _dealIsStale = true;
        effects.Add(new StopPublishingTo(worker.Id));
        ReportStanding(worker, gone.Reason, effects);
        ReturnParts(worker);
    }

    private void CheckWorkers(TimeSpan now, List<CoordinatorEffect> effects)
    {
        foreach (WorkerEntry worker in _workers.Values)
        {
            TimeSpan silence = now - worker.LastHeard;
            if (now >= DropDeadline(worker))
            {
                effects.Add(new DropWorker(
                    worker.Id, $"it was {Word(worker.Standing)} for {(now - worker.StandingSince).TotalSeconds:0} s"));
                worker.StandingSince = now;
            }

            if (worker.Standing != WorkerStanding.Silent && silence >= _settings.Lease)
            {
                effects.Add(new StopPublishingTo(worker.Id));
                Suspend(worker, WorkerStanding.Silent, $"not heard of for {silence.TotalSeconds:0.0} s", now, effects);
            }
            else if (worker.ComputeDeadline is { } due && now >= due)
            {
                CheckOverdue(worker, now, effects);
            }
        }

        if (CountActive() == 0) RecallOverdue(now, effects);
    }

    /// <summary>Without enough others, overdue workers are better than none.</summary>
    private void RecallOverdue(TimeSpan now, List<CoordinatorEffect> effects)
    {
        foreach (WorkerEntry worker in _workers.Values)
        {
            if (worker.Standing == WorkerStanding.Overdue) Reactivate(worker, "too few others are there", now, effects);
        }
    }

    /// <summary>When a worker that neither works nor goes is dropped; null for one that does.</summary>
    private TimeSpan? DropDeadline(WorkerEntry worker) =>
        worker.IsReleased || worker.Standing is WorkerStanding.Silent or WorkerStanding.Overdue
            ? worker.StandingSince + _settings.DropAfter
            : null;

    private void CheckOverdue(WorkerEntry worker, TimeSpan now, List<CoordinatorEffect> effects)
    {
        string reason = $"its compute takes {(now - worker.ComputeSince).TotalSeconds:0} s so far";
        worker.ComputeDeadline = now + _settings.LeastComputeDeadline;
        MarkOwing();
        if (worker.Parts.Count == 0 && !worker.MayPush) return;
        if (_workers.Values.Any(other => other != worker && other.IsActive))
            Suspend(worker, WorkerStanding.Overdue, reason, now, effects);
        else
            effects.Add(new Report(
                new Notice($"Still waiting for {worker.Name}: {reason}, and nobody else can take its work.")));
    }

    private void Suspend(
        WorkerEntry worker, WorkerStanding standing, string reason, TimeSpan now, List<CoordinatorEffect> effects)
    {
        worker.Standing = standing;
        worker.StandingSince = now;
        worker.ComputeDeadline = null;
        _dealIsStale = true;
        ReportStanding(worker, reason, effects);
        ReturnParts(worker);
    }

    private void Reactivate(WorkerEntry worker, string reason, TimeSpan now, List<CoordinatorEffect> effects)
    {
        worker.Standing = worker.IsLeaving ? WorkerStanding.Leaving : WorkerStanding.Active;
        worker.ComputeDeadline = null;
        int owed = _dealt.Where(d => d.Worker == worker.Id).Sum(d => d.Node.Count);
        if (owed > 0) ArmCompute(worker, owed, now);
        _dealIsStale = true;
        ReportStanding(worker, reason, effects);
    }

    /// <summary>Makes the parts of an evaluation that a worker had free for others.</summary>
    private void ReturnParts(WorkerEntry worker)
    {
        foreach (EvaluationPart part in worker.Parts) _evaluation?.Return(part);
        worker.Parts.Clear();
    }

    /// <summary>Gives a worker its time for <paramref name="microBatches"/>: four times what it measured, and more for
    /// one that was never measured.</summary>
    private void ArmCompute(WorkerEntry worker, int microBatches, TimeSpan now)
    {
        double each = worker.MicroBatchSeconds;
        if (each == 0) each = _workers.Values.Max(other => other.MicroBatchSeconds);
        int rounds = (microBatches + worker.Threads - 1) / worker.Threads;
        TimeSpan allowed = each == 0
            ? 12 * _settings.LeastComputeDeadline
            : TimeSpan.FromSeconds(Math.Min(_settings.ComputeDeadlineFactor * rounds * each, LongestComputeSeconds));
        if (allowed < _settings.LeastComputeDeadline) allowed = _settings.LeastComputeDeadline;
        if (worker.ComputeDeadline is null) worker.ComputeSince = now;
        worker.ComputeDeadline = now + allowed;
    }

    private static void ReportStanding(WorkerEntry worker, string reason, List<CoordinatorEffect> effects) =>
        effects.Add(new Report(new WorkerChanged(worker.Id, worker.Name, worker.Standing, reason)));
}
