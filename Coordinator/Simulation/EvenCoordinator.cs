using Distributed.Protocol;
using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator;

/// <summary>
/// Stands in for the coordinator role where there are so many workers that its bookkeeping, whose time grows with their
/// square and more, would outlast the simulation: the same messages, ranges and credits in steps that nothing disturbs,
/// all workers taken to be equally fast.
/// </summary>
/// <param name="settings">The run.</param>
/// <param name="fence">Its fence.</param>
/// <param name="threads">Compute threads of a worker.</param>
/// <param name="version">The parameters that are published.</param>
internal sealed class EvenCoordinator(
    TrainingSettings settings, Fence fence, int threads, ParameterVersion version)
{
    /// <summary>Dealing as the role does takes about so many operations at most.</summary>
    private const double MostDealing = 1e9;

    private readonly List<TreeNode> _nodes = [];
    private readonly List<int> _owners = [];
    private readonly Dictionary<int, int> _indexes = [];
    private readonly int[] _cuts = Cuts(settings, threads);
    private readonly int _microBatches = MicroBatches(settings);
    private ParameterVersion _version = version;
    private bool[] _accepted = [];
    private long _step;
    private int _joined, _granted, _leftmost, _inFlight;

    /// <summary>Takes in what happened and appends what is to be done.</summary>
    public void Handle(CoordinatorInput input, List<CoordinatorEffect> effects)
    {
        switch (input)
        {
            case WorkerJoined joined:
                effects.Add(new PublishTo(joined.Worker));
                if (++_joined == settings.MinimumWorkers) Begin(effects);
                break;
            case NodeAccepted accepted: Accept(accepted, effects); break;
            case StepApplied applied:
                _version = applied.Version;
                effects.Add(new Report(new StepEnded(new TrainingProgress { Step = _step }, applied.Statistics, 0, 0)));
                Begin(effects);
                break;
            default: throw new InvalidOperationException($"{input.GetType().Name} disturbs a step.");
        }
    }

    private static int MicroBatches(TrainingSettings settings) =>
        (settings.Batch + settings.MicroBatch - 1) / settings.MicroBatch;

    private static int[] Cuts(TrainingSettings settings, int threads)
    {
        int workers = settings.MinimumWorkers, whole = MicroBatches(settings);
        double positions = Math.Min(whole, Math.Max(64, 4.0 * workers));
        if (workers * positions * positions <= MostDealing)
        {
            return RangeDealer.Deal(
                0, whole, whole, [.. Enumerable.Repeat(new WorkerSpeed(threads, 1), workers)], settings.NodeSeconds);
        }

        return [.. Enumerable.Range(0, workers + 1).Select(worker => (int)((long)whole * worker / workers))];
    }

    private void Begin(List<CoordinatorEffect> effects)
    {
        StepNumber step = new(++_step);
        effects.Add(new BeginStep(step, settings.Batch, settings.MicroBatch));
        if (_nodes.Count == 0) Deal();
        _accepted = new bool[_nodes.Count];
        (_granted, _leftmost, _inFlight) = (0, 0, 0);
        Grant(pending: 0);
        for (int first = 0; first < _nodes.Count;)
        {
            Train train = NewTrain(step);
            int next = first;
            for (; next < _nodes.Count && _owners[next] == _owners[first]; next++)
            {
                train.Nodes.Add(_nodes[next]);
                if (next < _granted) train.Credits++;
            }

            effects.Add(new SendToWorker(new WorkerId(_owners[first] + 1), train));
            first = next;
        }
    }

    private Train NewTrain(StepNumber step) => new()
    {
        Fence = fence,
        Step = step,
        Version = _version,
        FirstSample = checked((int)((_step - 1) * settings.Batch)),
        Samples = settings.Batch,
        MicroBatch = settings.MicroBatch,
    };

    private void Deal()
    {
        List<TreeNode> frontier = [];
        for (int worker = 0; worker + 1 < _cuts.Length; worker++)
        {
            frontier.Clear();
            TreeNode.Frontier(_cuts[worker], _cuts[worker + 1], _microBatches, frontier);
            foreach (TreeNode node in frontier)
            {
                _indexes.Add(node.Start, _nodes.Count);
                _nodes.Add(node);
                _owners.Add(worker);
            }
        }
    }

    private void Accept(NodeAccepted accepted, List<CoordinatorEffect> effects)
    {
        _accepted[_indexes[accepted.Node.Start]] = true;
        _inFlight--;
        while (_leftmost < _nodes.Count && _accepted[_leftmost]) _leftmost++;
        int before = _granted;
        Grant(accepted.PendingNodes);
        foreach (IGrouping<int, int> owner in Enumerable.Range(before, _granted - before).GroupBy(i => _owners[i]))
        {
            effects.Add(new SendToWorker(
                new WorkerId(owner.Key + 1),
                new Credit { Fence = fence, Step = accepted.Step, Count = owner.Count() }));
        }
    }

    /// <summary>From left to right, as many as the server may hold; the leftmost that is missing always.</summary>
    private void Grant(int pending)
    {
        int bound = int.Log2(Math.Max(1, _microBatches)) + 2;
        while (_granted < _nodes.Count && (_granted == _leftmost || _inFlight + pending < bound))
        {
            _granted++;
            _inFlight++;
        }
    }
}
