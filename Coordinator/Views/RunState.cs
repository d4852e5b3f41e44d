using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator;

/// <summary>One worker as a view shows it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Standing">Where it stands.</param>
/// <param name="Reason">Why; may be empty.</param>
/// <param name="MicroBatches">What it has contributed.</param>
/// <param name="DealtTwice">Micro-batches that others were dealt too because it was late.</param>
/// <param name="WaitedSeconds">How long the run waited for those beyond when they should have been done.</param>
internal sealed record WorkerLine(
    string Name, WorkerStanding Standing, string Reason, long MicroBatches, long DealtTwice = 0,
    double WaitedSeconds = 0);

/// <summary>
/// What a view knows of a run, gathered from its events. Every member is called under the view's lock; nothing here
/// writes anything.
/// </summary>
internal sealed class RunState(RunHeader header)
{
    /// <summary>Speed is averaged over about so many seconds.</summary>
    private const double SpeedWindow = 5;

    private readonly SortedDictionary<int, WorkerLine> _workers = [];
    private double _samples;
    private double _seconds;
    private bool _pauseBeforeStep = true;

    /// <summary>What the run is.</summary>
    public RunHeader Header { get; } = header;

    /// <summary>Where the run stands.</summary>
    public TrainingProgress Progress { get; private set; } =
        header.Progress ?? new TrainingProgress { Step = header.ResumedFromStep };

    /// <summary>Mean loss over the current epoch so far, or over the last one; NaN at the start.</summary>
    public double Loss { get; private set; } = double.NaN;

    /// <summary>Share of the current (or else the last) epoch's samples that were classified correctly.</summary>
    public double Accuracy { get; private set; } = double.NaN;

    /// <summary>The last finished epoch; null: none in this process.</summary>
    public EpochRecord? LastEpoch { get; private set; } = header.Progress?.History.LastOrDefault();

    /// <summary>The evaluation that goes on; null: none.</summary>
    public EvaluationAdvanced? Evaluation { get; private set; }

    /// <summary>Workers in the order in which they joined.</summary>
    public IEnumerable<WorkerLine> Workers => _workers.Values;

    /// <summary>Training samples a second, lately; 0 while unknown. Pauses for evaluations don't count.</summary>
    public double SamplesPerSecond => _seconds > 0 ? _samples / _seconds : 0;

    /// <summary>The epoch that is trained, from 1; the last one when all are done.</summary>
    public int Epoch => (int)Math.Min(Progress.Step / Math.Max(1, Header.StepsPerEpoch) + 1, Header.Epochs);

    /// <summary>Steps done of that epoch.</summary>
    public long StepInEpoch => Progress.Step - (long)(Epoch - 1) * Header.StepsPerEpoch;

    /// <summary>Time to the end of training at the present speed; null while it is unknown.</summary>
    public TimeSpan? TimeLeft
    {
        get
        {
            if (SamplesPerSecond <= 0) return null;
            long inEpoch = Math.Min(StepInEpoch * Header.Batch, Header.TrainingSamples);
            long left = (long)(Header.Epochs - Epoch + 1) * Header.TrainingSamples - inEpoch;
            return TimeSpan.FromSeconds(left / SamplesPerSecond);
        }
    }

    /// <summary>Takes an event in.</summary>
    public void Add(RunEvent happened)
    {
        switch (happened)
        {
            case StepEnded step:
                AddStep(step);
                break;
            case EpochEnded epoch:
                (Progress, LastEpoch, Evaluation, _pauseBeforeStep) = (epoch.Progress, epoch.Record, null, true);
                (Loss, Accuracy) = (epoch.Record.TrainLoss, epoch.Record.TrainAccuracy);
                break;
            case EvaluationAdvanced evaluation:
                Evaluation = evaluation.Done < evaluation.Count ? evaluation : null;
                _pauseBeforeStep = true;
                break;
            case WorkerChanged worker:
                WorkerLine known = _workers.GetValueOrDefault(worker.Worker.Value)
                    ?? new WorkerLine(worker.Name, worker.Standing, "", 0);
                _workers[worker.Worker.Value] = known with { Standing = worker.Standing, Reason = worker.Reason };
                ForgetPredecessors(worker);
                break;
            case StragglerHelped late when _workers.TryGetValue(late.Worker.Value, out WorkerLine? line):
                _workers[late.Worker.Value] = line with
                {
                    DealtTwice = line.DealtTwice + late.MicroBatches,
                    WaitedSeconds = line.WaitedSeconds + late.WaitedSeconds,
                };
                break;
        }
    }

    /// <summary>Takes the workers' contributions in.</summary>
    public void Add(IReadOnlyList<WorkerShare> shares)
    {
        foreach (WorkerShare share in shares)
        {
            foreach ((int id, WorkerLine line) in _workers)
            {
                if (line.Name != share.Name) continue;
                _workers[id] = line with { MicroBatches = share.MicroBatches };
                break;
            }
        }
    }

    private void AddStep(StepEnded step)
    {
        Progress = step.Progress;
        Evaluation = null;
        if (Progress.EpochSamples > 0)
        {
            Loss = Progress.EpochLossSum / Progress.EpochSamples;
            Accuracy = (double)Progress.EpochCorrect / Progress.EpochSamples;
        }

        // The time of a step that follows an evaluation, or the start, includes it.
        if (!_pauseBeforeStep && step.Seconds > 0)
        {
            double kept = Math.Exp(-step.Seconds / SpeedWindow);
            _samples = kept * _samples + step.Statistics.Samples;
            _seconds = kept * _seconds + step.Seconds;
        }

        _pauseBeforeStep = false;
    }

    /// <summary>A worker that comes back under its name takes the line of the one that is gone.</summary>
    private void ForgetPredecessors(WorkerChanged worker)
    {
        foreach ((int id, WorkerLine line) in _workers.ToArray())
        {
            if (id == worker.Worker.Value || line.Name != worker.Name || line.Standing != WorkerStanding.Gone) continue;
            _workers.Remove(id);
            WorkerLine heir = _workers[worker.Worker.Value];
            _workers[worker.Worker.Value] = heir with
            {
                MicroBatches = Math.Max(heir.MicroBatches, line.MicroBatches),
                DealtTwice = heir.DealtTwice + line.DealtTwice,
                WaitedSeconds = heir.WaitedSeconds + line.WaitedSeconds,
            };
        }
    }
}
