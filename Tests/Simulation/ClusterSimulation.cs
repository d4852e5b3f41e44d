using System.Globalization;
using Distributed.Checkpoints;
using Distributed.Roles.Coordinator;

namespace Distributed.Simulation;

/// <summary>
/// A whole cluster on one thread and in virtual time: the real roles in simulated shells, every delay and fault drawn
/// from one seed. After each event the shells check what must always hold; <see cref="Run"/> returns when the run is
/// complete and its results have the bits of <see cref="ReferenceRun"/>. A broken invariant throws.
/// </summary>
internal sealed class ClusterSimulation : IDisposable
{
    /// <summary>What a checkpoint that cannot be written says.</summary>
    public const string DiskIsFull = "the disk is full";
    public const string DiskHangs = "the disk hangs";

    private static readonly string[] DiskFaults = [DiskIsFull, DiskHangs, "has not reached the disk"];

    private const int Remembered = 64;


    private readonly List<WorkerProcess> _workers = [];
    private readonly List<PushedGradient> _pushed = [];
    private readonly Faults _faults;
    private readonly Action<string>? _trace;
    private readonly SortedDictionary<string, int> _witnessed = new(StringComparer.Ordinal);
    private CoordinatorProcess _coordinator;
    private int _workersStarted;
    private bool _isComplete;

    public ClusterSimulation(int seed, Action<string>? trace = null)
    {
        _trace = trace;
        Chance = new Chance(seed);
        Problem = RandomProblem(Chance);
        Reference = new ReferenceRun(Problem);
        WorkerCount = Chance.Between(1, 5);
        Settings = RandomSettings(Chance, Problem, WorkerCount);
        Disk = new SimulatedDisk(this);
        _coordinator = new CoordinatorProcess(this);
        _faults = new Faults(this);
        for (int i = 0; i < WorkerCount; i++) StartWorker(Chance.Milliseconds(1, 2000));
    }

    public VirtualTime Time { get; } = new();

    public Chance Chance { get; }

    public ToyProblem Problem { get; }

    public TrainingSettings Settings { get; }

    public SimulatedDisk Disk { get; }

    public ReferenceRun Reference { get; }

    public int WorkerCount { get; }

    /// <summary>How likely gradients arrive in another order, or twice.</summary>
    public double Disorder => Time.Now < _faults.End ? _faults.Disorder : 0;

    /// <summary>Some of what was ever pushed, to whatever coordinator.</summary>
    public IReadOnlyList<PushedGradient> Pushed => _pushed;

    /// <summary>Whether the power goes in the middle of the next save.</summary>
    public bool PowerFailsInSave { get; set; }

    /// <summary>Coordinators that another one has taken over from, and that may not know it.</summary>
    public List<CoordinatorProcess> Stale { get; } = [];

    /// <summary>At which step the run was last stopped in good order: it goes on from there.</summary>
    public long StoppedAt { get; set; }

    /// <summary>Whether a coordinator was lost and the next one is not there yet.</summary>
    public bool IsReplacing { get; private set; }

    public bool IsTracing => _trace is not null;

    public CoordinatorProcess Coordinator => _coordinator;

    /// <summary>Worker processes that live.</summary>
    public IReadOnlyList<WorkerProcess> Workers => _workers;

    /// <summary>Whether the coordinator's process was ever stopped: it then may think ill of healthy workers.</summary>
    public bool CoordinatorWasStopped { get; set; }

    /// <summary>The longest that a thread had to compute: a worker that was slow when it began isn't faster when the
    /// faults are over.</summary>
    public TimeSpan LongestCompute { get; set; }

    /// <summary>What a micro-batch takes on the slowest worker when nothing is wrong with it.</summary>
    public TimeSpan SlowestMicroBatch { get; set; }

    /// <summary>What happened, and how often.</summary>
    public IReadOnlyDictionary<string, int> Witnessed => _witnessed;

    /// <summary>Virtual time that the run took.</summary>
    public TimeSpan Took => Time.Now;

    /// <summary>Runs until the run is complete.</summary>
    public void Run()
    {
        _faults.Begin();
        while (!_isComplete)
        {
            Check.That(Time.RunNext(), $"nothing is left to happen and the run is not complete");
            Check.That(
                Time.Now < _faults.End + TimeToFinish,
                $"the run stands at step {_coordinator.Progress.Step} of {Reference.Steps} "
                + $"{TimeToFinish} after the last fault");
        }
    }

    /// <summary>So long after the last fault the whole run must be done, were the slowest worker alone.</summary>
    private TimeSpan TimeToFinish =>
        TimeSpan.FromMinutes(3) + LongestCompute + 1.5 * Reference.Steps * MicroBatches * SlowestMicroBatch;

    private int MicroBatches => (Problem.Batch + Problem.MicroBatch - 1) / Problem.MicroBatch;

    public void Trace(string line) =>
        _trace?.Invoke(string.Create(CultureInfo.InvariantCulture, $"{Time.Now.TotalSeconds:0.00000} {line}"));

    /// <summary>Starts a worker's process after a delay; it joins as soon as a coordinator is there.</summary>
    public void StartWorker(TimeSpan delay)
    {
        WorkerProcess worker = new(this, ++_workersStarted);
        _workers.Add(worker);
        Time.After(delay, () => Join(worker));
    }

    /// <summary>A worker's process ends; the coordinator notices at once, or only by its silence.</summary>
    public void End(WorkerProcess worker, bool isNoticed)
    {
        if (!_workers.Remove(worker)) return;
        Trace($"! worker process {worker.Number} ends, noticed: {isNoticed}");
        worker.Die();
        CoordinatorProcess coordinator = _coordinator;
        Connection? connection = coordinator.Connections.Values.FirstOrDefault(c => c.Worker == worker);
        if (connection is not null && isNoticed)
            Time.After(Chance.Milliseconds(0.1, 20), () => coordinator.Lose(connection, "its connection ended"));
        if ((!worker.IsLeaving || Time.Now >= _faults.End) && _workers.Count(other => !other.IsLeaving) < WorkerCount)
            StartWorker(Chance.Milliseconds(50, 20_000));
    }

    /// <summary>The coordinator's process ends and another one takes over from the last checkpoint.</summary>
    public void RestartCoordinator()
    {
        if (IsReplacing) return;
        Witness("coordinator lost");
        _coordinator.Die();
        Replace(_coordinator);
    }

    /// <summary>Its workers leave a coordinator, and another one takes over from the last checkpoint.</summary>
    public void Replace(CoordinatorProcess old)
    {
        Trace($"! coordinator {old.Fence} is lost at step {old.Progress.Step}");
        IsReplacing = true;
        foreach (Connection connection in old.Connections.Values) connection.Break();
        foreach (WorkerProcess worker in _workers.Where(w => w.IsConnected).ToArray()) End(worker, isNoticed: false);
        Time.After(Chance.Milliseconds(10, 3000), () => StartCoordinator(old));
    }

    /// <summary>The power goes where the coordinators are.</summary>
    public void CutPower()
    {
        Trace("! the power goes");
        PowerFailsInSave = false;
        foreach (CoordinatorProcess stale in Stale) stale.Die();
        Stale.Clear();
        RestartCoordinator();
        Disk.CutPower();
    }

    private void StartCoordinator(CoordinatorProcess old)
    {
        try
        {
            _coordinator = new CoordinatorProcess(this);
        }
        catch (CheckpointException)
        {
            Witness("disk full at the start");
            Time.After(TimeSpan.FromSeconds(1), () => StartCoordinator(old));
            return;
        }

        IsReplacing = false;
        Witness(old.IsAlive ? "failed over" : "restarted");
        Trace($"! coordinator {_coordinator.Fence} goes on from step {_coordinator.Progress.Step}");
        Check.That(
            _coordinator.Progress.Step >= StoppedAt,
            $"it stopped at step {StoppedAt} and goes on from step {_coordinator.Progress.Step}");
        StoppedAt = 0;
    }

    /// <summary>A gradient was pushed.</summary>
    public void Remember(PushedGradient push)
    {
        if (_pushed.Count < Remembered) _pushed.Add(push);
        else _pushed[Chance.Below(Remembered)] = push;
    }

    /// <summary>A coordinator gave its run out as finished.</summary>
    public void Finished(CoordinatorProcess coordinator, Finish finish)
    {
        Trace($"! finished: {finish.Ending} {finish.Reason}");
        Witness(finish.Ending.ToString());
        if (coordinator != _coordinator || IsReplacing)
        {
            coordinator.Die();
            return;
        }

        switch (finish.Ending)
        {
            case RunEnding.Completed:
                CheckResults(coordinator.Progress, finish.Test);
                _isComplete = true;
                break;
            case RunEnding.Stopped:
                if (finish.Reason.Length == 0) StoppedAt = coordinator.Progress.Step;
                RestartCoordinator();
                break;
            default:
                Check.That(finish.Reason.Length > 0, $"the run ends as {finish.Ending} without a word");
                Check.That(
                    finish.Ending == RunEnding.UserError
                    && Array.Exists(DiskFaults, fault => finish.Reason.Contains(fault, StringComparison.Ordinal)),
                    $"the run ends without a fault: {finish.Reason}");
                RestartCoordinator();
                break;
        }
    }

    /// <summary>Whether the disk refuses an operation now.</summary>
    public bool DiskFails() => _faults is not null && Time.Now < _faults.End
        && (Time.Now < _faults.DiskIsFullUntil || Chance.Happens(_faults.DiskErrors));

    /// <summary>Whether the disk takes nothing now, and says nothing.</summary>
    public bool DiskHangsNow => _faults is not null && Time.Now < _faults.DiskHangsUntil;

    /// <summary>Removes what it wrote.</summary>
    public void Dispose() => Disk.Dispose();

    /// <summary>What the coordinator reports.</summary>
    public void Watch(RunEvent happened)
    {
        Witness(happened is WorkerChanged changed ? changed.Standing.ToString() : happened.GetType().Name);
        if (happened is not EpochEnded ended) return;
        EpochRecord expected = Reference.History[ended.Record.Epoch - 1];
        Check.That(ended.Record == expected, $"epoch {ended.Record} should be {expected}");
    }

    /// <summary>Counts something worth knowing that it happens at all.</summary>
    public void Witness(string what) => _witnessed[what] = _witnessed.GetValueOrDefault(what) + 1;

    /// <summary>Credits bound what the server holds.</summary>
    public void SawHeldNodes(int held)
    {
        int credits = int.Log2(MicroBatches) + 2;
        if (held > credits) Witness("more nodes held than credits");
        Check.That(
            held <= credits * (1 + WorkerCount), $"the server holds {held} nodes of {MicroBatches} micro-batches");
    }

    private void Join(WorkerProcess worker)
    {
        if (!worker.IsAlive) return;
        if (worker.IsStopped || IsReplacing || _coordinator.IsStopped)
            Time.After(TimeSpan.FromMilliseconds(200), () => Join(worker));
        else
            _coordinator.Accept(worker);
    }

    private void CheckResults(TrainingProgress progress, EvaluationScore? test)
    {
        Check.That(progress.Step == Reference.Steps, $"{progress.Step} steps were applied, not {Reference.Steps}");
        Check.That(progress.History.SequenceEqual(Reference.History), $"the history differs");
        Check.That(
            progress.BestEpoch == Reference.BestEpoch,
            $"epoch {progress.BestEpoch} is best, not {Reference.BestEpoch}");
        long samples = (long)progress.Epoch * Problem.TrainingSamples;
        Check.That(progress.SamplesApplied == samples, $"{progress.SamplesApplied} of {samples} samples were applied");
        if (Reference.Test is not { } expected) return;
        Check.That(
            test is not null && test.Loss.Equals(expected.Loss) && test.Correct == expected.Correct
            && test.Predictions.SequenceEqual(expected.Predictions), $"the test scores {test}, not {expected}");
        using Checkpoint? last = Checkpoint.LatestSound(Disk.Folder, out _);
        Check.That(last?.Epoch == progress.Epoch, $"the last checkpoint is of epoch {last?.Epoch}");
    }

    private static ToyProblem RandomProblem(Chance chance)
    {
        int microBatch = chance.Of([1, 2, 3, 4]);
        int batch = chance.Of([1, 2, 5, 8, 13, 16, 30, 64]);
        int training = chance.Of([1, 7, 40, 90, 128]);
        int epochs = chance.Between(1, batch < 5 && training > 50 ? 2 : 6);
        return new ToyProblem(
            training, chance.Of([0, 1, 9, 40, 70]), chance.Of([0, 5, 33]), batch, microBatch, epochs,
            chance.Of([0, 0, 1, 2]), chance.Happens(0.4), chance.Happens(0.4) ? new PlateauRule(0, 0.05) : null);
    }

    private static TrainingSettings RandomSettings(Chance chance, ToyProblem problem, int workers) => new()
    {
        TrainingSamples = problem.TrainingSamples,
        ValidationSamples = problem.ValidationSamples,
        TestSamples = problem.TestSamples,
        Batch = problem.Batch,
        MicroBatch = problem.MicroBatch,
        Epochs = problem.Epochs,
        Patience = problem.Patience,
        EvaluatesAverage = problem.EvaluatesAverage,
        Plateau = problem.Plateau,
        CheckpointEverySteps = chance.Of([0, 0, 1, 3, 10]),
        CheckpointEvery = TimeSpan.FromSeconds(chance.Of([1, 5, 60])),
        SaveNotice = TimeSpan.FromSeconds(2),
        SaveDeadline = TimeSpan.FromSeconds(chance.Of([5, 30])),
        MinimumWorkers = chance.Between(1, Math.Min(2, workers)),
        LeastComputeDeadline = TimeSpan.FromSeconds(chance.Of([1, 3, 10])),
        DropAfter = TimeSpan.FromSeconds(chance.Of([10, 30, 60])),
        NodeSeconds = chance.Of([0, 0.0002, 0.01]),
    };
}
