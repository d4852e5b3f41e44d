namespace Distributed.Roles.Tests.Simulation;

/// <summary>
/// Everything that goes wrong in one simulation: a random choice of kinds, at random times until <see cref="End"/>;
/// then all is well and the run must finish.
/// </summary>
internal sealed class Faults
{
    private readonly ClusterSimulation _simulation;
    private readonly Chance _chance;
    private readonly List<Action> _kinds = [];
    private readonly double _meanGap;

    public Faults(ClusterSimulation simulation)
    {
        _simulation = simulation;
        _chance = simulation.Chance;
        End = _chance.Milliseconds(2000, 120_000);
        SaveFailures = _chance.Of([0, 0, 0.2, 0.6]);
        _meanGap = _chance.Milliseconds(100, 5000).TotalMilliseconds;
        Choose(0.5, StopWorker, StopWorker, SlowWorker, SlowWorker, Kill, KillUnnoticed, BreakConnection, Join, Leave);
        // These end everything else that goes wrong, so most runs do without.
        Choose(0.15, RestartCoordinator, StopCoordinator, AskToStop, KillAll);
    }

    /// <summary>When the last fault is over.</summary>
    public TimeSpan End { get; }

    /// <summary>How likely a checkpoint cannot be written.</summary>
    public double SaveFailures { get; }

    public void Begin()
    {
        if (_kinds.Count > 0) Next();
        _simulation.Time.At(End, Heal);
    }

    private void Choose(double probability, params Action[] kinds)
    {
        foreach (Action kind in kinds)
        {
            if (_chance.Happens(probability)) _kinds.Add(kind);
        }
    }

    private void Next() => _simulation.Time.After(_chance.Milliseconds(_meanGap / 4, _meanGap * 4), () =>
    {
        if (_simulation.Time.Now >= End) return;
        _chance.Of(_kinds)();
        Next();
    });

    private void Heal()
    {
        _simulation.Trace("! the faults are over");
        foreach (WorkerProcess worker in _simulation.Workers.ToArray()) Recover(worker);
        _simulation.Coordinator.ResumeProcess();
        while (_simulation.Workers.Count(worker => !worker.IsLeaving) < _simulation.WorkerCount)
            _simulation.StartWorker(_chance.Milliseconds(10, 2000));
    }

    private static void Recover(WorkerProcess worker)
    {
        worker.ResumeProcess();
        worker.SetSlowness(1);
    }

    private WorkerProcess? Victim()
    {
        WorkerProcess[] connected = [.. _simulation.Workers.Where(worker => worker.IsConnected)];
        return connected.Length == 0 ? null : _chance.Of(connected);
    }

    private void Kill()
    {
        if (Victim() is { } worker) _simulation.End(worker, isNoticed: true);
    }

    private void KillUnnoticed()
    {
        if (Victim() is { } worker) _simulation.End(worker, isNoticed: false);
    }

    private void KillAll()
    {
        foreach (WorkerProcess worker in _simulation.Workers.ToArray()) _simulation.End(worker, _chance.Happens(0.8));
    }

    private void BreakConnection()
    {
        if (Victim() is not { } worker) return;
        _simulation.Coordinator.Connections.Values.FirstOrDefault(c => c.Worker == worker)?.Break();
        _simulation.Time.After(_chance.Milliseconds(1, 5000), () => _simulation.End(worker, isNoticed: true));
    }

    private void StopWorker()
    {
        if (Victim() is not { } worker) return;
        _simulation.Trace($"! worker process {worker.Number} is stopped");
        worker.StopProcess();
        _simulation.Time.After(_chance.Milliseconds(300, 60_000), worker.ResumeProcess);
    }

    private void SlowWorker()
    {
        if (Victim() is not { } worker) return;
        worker.SetSlowness(_chance.Of([3.0, 20, 100, 500]));
        _simulation.Trace($"! worker process {worker.Number} is {worker.Slowness} times slower");
        _simulation.Time.After(_chance.Milliseconds(500, 20_000), () => worker.SetSlowness(1));
    }

    private void Join()
    {
        if (_simulation.Workers.Count <= _simulation.WorkerCount) _simulation.StartWorker(_chance.Milliseconds(1, 100));
    }

    private void Leave() => Victim()?.Leave();

    private void RestartCoordinator() => _simulation.RestartCoordinator();

    private void StopCoordinator()
    {
        CoordinatorProcess coordinator = _simulation.Coordinator;
        _simulation.Trace("! the coordinator is stopped");
        _simulation.CoordinatorWasStopped = true;
        coordinator.StopProcess();
        _simulation.Time.After(_chance.Milliseconds(100, 20_000), coordinator.ResumeProcess);
    }

    private void AskToStop()
    {
        _simulation.Trace("! asked to stop");
        _simulation.Coordinator.Post(new Coordinator.StopRequested());
    }
}
