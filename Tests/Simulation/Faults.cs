using Distributed.Roles.Coordinator;

namespace Distributed.Simulation;

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
        DiskErrors = _chance.Of([0, 0, 0.01, 0.1]);
        _meanGap = _chance.Milliseconds(100, 5000).TotalMilliseconds;
        Disorder = _chance.Of([0, 0, 0.02, 0.2]);
        Choose(0.5, StopWorker, StopWorker, SlowWorker, SlowWorker, Kill, KillUnnoticed, BreakConnection, Join, Leave);
        Choose(0.3, Partition, Partition, LoseMessage, Replay, FillDisk, HangDisk);
        // These end everything else that goes wrong, so most runs do without.
        Choose(
            0.15, RestartCoordinator, DamageCheckpoint, CutPower, FailOver, StopCoordinator, JumpClock, AskToStop,
            KillAll);
    }

    /// <summary>When the last fault is over.</summary>
    public TimeSpan End { get; }

    /// <summary>How likely an operation of the disk fails.</summary>
    public double DiskErrors { get; }

    /// <summary>How likely a gradient is overtaken by others, and how likely it arrives twice.</summary>
    public double Disorder { get; }

    /// <summary>Until when the disk is full.</summary>
    public TimeSpan DiskIsFullUntil { get; private set; }

    /// <summary>Until when the disk takes nothing, and says nothing.</summary>
    public TimeSpan DiskHangsUntil { get; private set; }

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
        _simulation.PowerFailsInSave = false;
        DiskHangsUntil = _simulation.Time.Now;
        foreach (WorkerProcess worker in _simulation.Workers.ToArray()) Recover(worker);
        _simulation.Coordinator.ResumeProcess();
        foreach (Connection connection in _simulation.Coordinator.Connections.Values.ToArray()) connection.Heal();
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
        ConnectionOf(worker)?.Break();
        _simulation.Time.After(_chance.Milliseconds(1, 5000), () => _simulation.End(worker, isNoticed: true));
    }

    /// <summary>The network between a worker and the coordinator is cut, both ways or one; it heals or gives up.
    /// </summary>
    private void Partition()
    {
        if (Victim() is not { } worker || ConnectionOf(worker) is not { } connection) return;
        (bool downwards, bool upwards) = _chance.Of([(true, true), (true, false), (false, true)]);
        _simulation.Witness(downwards && upwards ? "partition" : "one-way partition");
        _simulation.Trace($"! worker process {worker.Number} is cut off, downwards {downwards}, upwards {upwards}");
        worker.IsCutOff = true;
        connection.Cut(downwards, upwards);
        bool heals = _chance.Happens(0.7);
        _simulation.Time.After(_chance.Milliseconds(50, 40_000), () =>
        {
            worker.IsCutOff = false;
            if (heals) connection.Heal();
            else _simulation.End(worker, isNoticed: true);
        });
    }

    /// <summary>A control message is lost, which ends the connection.</summary>
    private void LoseMessage()
    {
        if (Victim() is not { } worker || ConnectionOf(worker) is not { } connection) return;
        if (_chance.Happens(0.5)) connection.ToCoordinator.LoseNext(GapFound);
        else connection.ToWorker.LoseNext(GapFound);

        void GapFound()
        {
            _simulation.Witness("message lost");
            _simulation.End(worker, isNoticed: true);
        }
    }

    /// <summary>Something that a worker pushed long ago, maybe to an earlier coordinator, comes again.</summary>
    private void Replay()
    {
        Connection[] open = [.. _simulation.Coordinator.Connections.Values.Where(c => !c.IsBroken)];
        if (_simulation.Pushed.Count == 0 || open.Length == 0) return;
        _simulation.Witness("gradient replayed");
        _simulation.Coordinator.Receive(_chance.Of(open), _chance.Of(_simulation.Pushed));
    }

    private void FillDisk() => DiskIsFullUntil = _simulation.Time.Now + _chance.Milliseconds(1000, 60_000);

    private void HangDisk() => DiskHangsUntil = _simulation.Time.Now + _chance.Milliseconds(1000, 60_000);

    private Connection? ConnectionOf(WorkerProcess worker) =>
        _simulation.Coordinator.Connections.Values.FirstOrDefault(connection => connection.Worker == worker);

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

    /// <summary>Another coordinator takes over while this one is stopped. Woken, it knows nothing of it for a while.
    /// </summary>
    private void FailOver()
    {
        CoordinatorProcess stale = _simulation.Coordinator;
        if (_simulation.IsReplacing || stale.IsStopped) return;
        stale.StopProcess();
        _simulation.Stale.Add(stale);
        _simulation.Replace(stale);
        _simulation.Time.After(_chance.Milliseconds(100, 20_000), stale.ResumeProcess);
        _simulation.Time.After(_chance.Milliseconds(20_000, 30_000), stale.Die);
    }

    /// <summary>Now, or in the middle of the next save.</summary>
    private void CutPower()
    {
        if (_chance.Happens(0.3)) _simulation.CutPower();
        else _simulation.PowerFailsInSave = true;
    }

    private void DamageCheckpoint()
    {
        _simulation.RestartCoordinator();
        _simulation.Disk.DamageNewest();
    }

    private void JumpClock()
    {
        TimeSpan jump = _chance.Milliseconds(500, 300_000);
        _simulation.Witness("clock jumped");
        _simulation.Trace($"! the coordinator's clock jumps by {jump}");
        _simulation.CoordinatorWasStopped = true;
        _simulation.Coordinator.JumpClock(jump);
    }

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
        _simulation.Coordinator.Post(new StopRequested());
    }
}
