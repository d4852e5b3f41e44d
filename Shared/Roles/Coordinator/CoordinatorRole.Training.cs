using Distributed.Protocol;

namespace Distributed.Roles.Coordinator;

// Steps: dealing ranges, credits, taking nodes in, dealing lost work again.
public sealed partial class CoordinatorRole
{
    private const int StepsPerDeal = 8;

    private readonly List<DealtNode> _dealt = [];
    private readonly List<TreeNode> _frontier = [];
    private int[] _cuts = [];
    private WorkerEntry[] _dealtTo = [];
    private bool _dealIsStale = true;
    private int _dealtSamples;
    private int _stepSamples;
    private int _pendingNodes;
    private int _sequence;
    private TimeSpan _stepBegan;

    private StepNumber CurrentStep => new(Progress.Step + 1);

    private int StepMicroBatches => (_stepSamples + _settings.MicroBatch - 1) / _settings.MicroBatch;

    private void BeginNextStep(TimeSpan now, List<CoordinatorEffect> effects)
    {
        int first = Progress.StepInEpoch * _settings.Batch;
        _stepSamples = Math.Min(_settings.Batch, _settings.TrainingSamples - first);
        _pendingNodes = 0;
        _dealt.Clear();
        _phase = Phase.Stepping;
        _stepBegan = now;
        effects.Add(new BeginStep(CurrentStep, _stepSamples, _settings.MicroBatch, _reductions));
        foreach (WorkerEntry worker in _workers.Values) worker.StepMicroseconds = worker.DealtTwice = 0;
        if (_dealIsStale || _dealtSamples != _stepSamples || Progress.Step % StepsPerDeal == 0) Redeal();
        for (int i = 0; i < _dealtTo.Length; i++) Assign(_dealtTo[i], _cuts[i], _cuts[i + 1]);
        SendDealt(_dealtTo, now, effects);
        Probe(effects);
    }

    /// <summary>
    /// Asks each overdue worker for one micro-batch that is dealt to someone else too, and now and then one that is
    /// too slow to be dealt anything. Its answer, in time or late, shows how fast it computes now, and nobody waits for
    /// it.
    /// </summary>
    private void Probe(List<CoordinatorEffect> effects)
    {
        double slow = 2 * _workers.Values.Where(w => w.IsActive)
            .Select(w => w.MicroBatchSeconds).DefaultIfEmpty().Min();
        foreach (WorkerEntry worker in _workers.Values)
        {
            bool isLeftOut = worker.IsActive && Progress.Step % StepsPerDeal == 0 && worker.MicroBatchSeconds > slow
                && !HasDealt(worker.Id);
            if ((worker.Standing != WorkerStanding.Overdue && !isLeftOut) || worker.IsLeaving) continue;
            Train train = NewTrain();
            train.Nodes.Add(TreeNode.Leaf(0));
            train.Credits = 1;
            effects.Add(new SendToWorker(worker.Id, train));
        }
    }

    private Train NewTrain() => new()
    {
        Fence = _fence,
        Step = CurrentStep,
        Epoch = Progress.Epoch,
        Version = _version,
        FirstSample = Progress.StepInEpoch * _settings.Batch,
        Samples = _stepSamples,
        MicroBatch = _settings.MicroBatch,
    };

    private void Redeal()
    {
        _dealtTo = [.. _workers.Values.Where(worker => worker.IsActive)];
        _cuts = RangeDealer.Deal(0, StepMicroBatches, StepMicroBatches, Speeds(_dealtTo), _settings.NodeSeconds);
        _dealtSamples = _stepSamples;
        _dealIsStale = false;
    }

    /// <summary>Measured speeds; a worker not yet measured counts as fast as the mean of the others.</summary>
    private static WorkerSpeed[] Speeds(WorkerEntry[] workers)
    {
        double[] measured = [.. workers.Where(w => w.MicroBatchSeconds > 0).Select(w => w.MicroBatchSeconds)];
        double usual = measured.Length > 0 ? measured.Average() : 1;
        return
        [
            .. workers.Select(w => new WorkerSpeed(w.Threads, w.MicroBatchSeconds > 0 ? w.MicroBatchSeconds : usual)),
        ];
    }

    private void Assign(WorkerEntry worker, int start, int end)
    {
        _frontier.Clear();
        TreeNode.Frontier(start, end, StepMicroBatches, _frontier);
        foreach (TreeNode node in _frontier)
            _dealt.Add(new DealtNode(node, worker.Id, _sequence++));
    }

    /// <summary>
    /// Sends each worker that was dealt something new all that it owes for the step, in order, with the credits that
    /// are free for it now. A later message replaces what an earlier one said.
    /// </summary>
    private void SendDealt(IEnumerable<WorkerEntry> workers, TimeSpan now, List<CoordinatorEffect> effects)
    {
        _dealt.Sort(static (a, b) => a.Node.Start.CompareTo(b.Node.Start));
        GrantCredits();
        foreach (WorkerEntry worker in workers)
        {
            List<DealtNode> owed = _dealt.FindAll(d => d.Worker == worker.Id);
            if (owed.TrueForAll(d => d.Sent)) continue;
            owed.Sort(static (a, b) => a.Sequence.CompareTo(b.Sequence));
            Train train = NewTrain();
            foreach (DealtNode dealt in owed)
            {
                train.Nodes.Add(dealt.Node);
                dealt.Sent = true;
                dealt.CreditSent |= dealt.Granted;
                if (dealt.Granted) train.Credits++;
            }

            ArmCompute(worker, owed.Sum(d => d.Node.Count), now);
            effects.Add(new SendToWorker(worker.Id, train));
        }

        SendCredits(effects);
    }

    /// <summary>
    /// Credits bound the nodes that the server holds or is about to receive to log2 G + 2, granted from left to right;
    /// the leftmost missing node is always granted, so that the step cannot stall. A worker pushes in the order it was
    /// dealt, so its earlier nodes are granted with it.
    /// </summary>
    private void GrantCredits()
    {
        int bound = int.Log2(Math.Max(1, StepMicroBatches)) + 2;
        int inFlight = _dealt.Count(d => d.Granted);
        for (int i = 0; i < _dealt.Count; i++)
        {
            DealtNode next = _dealt[i];
            if (next.Granted) continue;
            if (i > 0 && inFlight + _pendingNodes >= bound) return;
            foreach (DealtNode dealt in _dealt)
            {
                if (dealt.Granted || dealt.Worker != next.Worker || dealt.Sequence > next.Sequence) continue;
                dealt.Granted = true;
                inFlight++;
            }
        }
    }

    private void SendCredits(List<CoordinatorEffect> effects)
    {
        foreach (WorkerEntry worker in _workers.Values)
        {
            int count = 0;
            foreach (DealtNode dealt in _dealt)
            {
                if (dealt.Worker != worker.Id || !dealt.Granted || dealt.CreditSent) continue;
                dealt.CreditSent = true;
                count++;
            }

            if (count == 0) continue;
            effects.Add(new SendToWorker(worker.Id, new Credit { Fence = _fence, Step = CurrentStep, Count = count }));
        }
    }

    private bool HasDealt(WorkerId worker) => _dealt.Any(d => d.Worker == worker);

    private void Accept(NodeAccepted accepted, TimeSpan now, List<CoordinatorEffect> effects)
    {
        _workers.TryGetValue(accepted.Worker.Value, out WorkerEntry? worker);
        worker?.Measure(accepted.Node.Count, accepted.Statistics.ComputeMicroseconds);
        if (_phase != Phase.Stepping || accepted.Step != CurrentStep) return;
        _pendingNodes = accepted.PendingNodes;
        _dealt.RemoveAll(d => accepted.Node.Contains(d.Node));
        if (worker is not null)
        {
            worker.StepMicroseconds += accepted.Statistics.ComputeMicroseconds;
            if (worker.Standing == WorkerStanding.Overdue) Reactivate(worker, "it answered", now, effects);
        }

        GrantCredits();
        SendCredits(effects);
    }

    private void Drop(NodeDropped dropped, TimeSpan now, List<CoordinatorEffect> effects)
    {
        Progress = Progress with { DuplicatesDropped = Progress.DuplicatesDropped + 1 };
        if (!_workers.TryGetValue(dropped.Worker.Value, out WorkerEntry? worker)) return;
        worker.Measure(dropped.MicroBatches, dropped.ComputeMicroseconds);
        if (worker.Standing == WorkerStanding.Overdue) Reactivate(worker, "it answered late", now, effects);
    }

    private void Apply(StepApplied applied, TimeSpan now, List<CoordinatorEffect> effects)
    {
        if (applied.Step != CurrentStep)
            throw new InvalidOperationException($"Step {applied.Step.Value} was applied out of order.");
        if (applied.Statistics.Samples != _stepSamples)
            throw new InvalidOperationException(
                $"Step {applied.Step.Value} applied {applied.Statistics.Samples} of {_stepSamples} samples.");
        double slowest = _workers.Values.Select(w => w.StepMicroseconds * 1e-6 / w.Threads).DefaultIfEmpty(0).Max();
        Progress = Progress with
        {
            Step = Progress.Step + 1,
            StepInEpoch = Progress.StepInEpoch + 1,
            SamplesApplied = Progress.SamplesApplied + applied.Statistics.Samples,
            EpochSamples = Progress.EpochSamples + applied.Statistics.Samples,
            EpochLossSum = Progress.EpochLossSum + applied.Statistics.LossSum,
            EpochCorrect = Progress.EpochCorrect + applied.Statistics.Correct,
        };
        _version = applied.Version;
        _dealt.Clear();
        _phase = Phase.Idle;
        ReportStragglers(now, effects);
        effects.Add(new Report(new StepEnded(
            Progress, applied.Statistics, (now - _stepBegan).TotalSeconds, slowest, _reductions)));
    }

    /// <summary>
    /// Deals the missing frontier that belongs to nobody active among those who are; best to those with nothing to do.
    /// </summary>
    private void DealAgain(TimeSpan now, List<CoordinatorEffect> effects)
    {
        List<DealtNode> lost = _dealt.FindAll(
            d => !(_workers.TryGetValue(d.Worker.Value, out WorkerEntry? w) && MayFinish(w)));
        if (lost.Count == 0) return;
        MarkOwing();
        WorkerEntry[] active = [.. _workers.Values.Where(worker => worker.IsIdle)];
        if (active.Length == 0) active = [.. _workers.Values.Where(worker => worker.IsActive)];
        if (active.Length == 0) return;
        foreach ((int start, int end) in ContiguousRanges(lost))
        {
            int[] cuts = RangeDealer.Deal(start, end, StepMicroBatches, Speeds(active), _settings.NodeSeconds);
            for (int i = 0; i < active.Length; i++) Assign(active[i], cuts[i], cuts[i + 1]);
        }

        _dealt.RemoveAll(lost.Contains);
        SendDealt(active, now, effects);
    }

    private static bool MayFinish(WorkerEntry worker) =>
        worker.Standing == WorkerStanding.Active
        || (worker.Standing == WorkerStanding.Leaving && worker.ComputeDeadline is not null);

    private static IEnumerable<(int Start, int End)> ContiguousRanges(List<DealtNode> nodes)
    {
        for (int i = 0; i < nodes.Count;)
        {
            int start = nodes[i].Node.Start, end = nodes[i].Node.End;
            for (i++; i < nodes.Count && nodes[i].Node.Start == end; i++) end = nodes[i].Node.End;
            yield return (start, end);
        }
    }

    /// <summary>A node of the current step that was dealt and is not accepted yet.</summary>
    private sealed class DealtNode(TreeNode node, WorkerId worker, int sequence)
    {
        public TreeNode Node { get; } = node;

        public WorkerId Worker { get; } = worker;

        public int Sequence { get; } = sequence;

        public bool Sent { get; set; }

        public bool Granted { get; set; }

        public bool CreditSent { get; set; }
    }
}
