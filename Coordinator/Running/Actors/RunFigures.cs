using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator;

/// <summary>
/// Measurements of a run, gathered on the coordinator actor's thread: who computed how much, what steps cost beyond
/// compute, how fast samples were applied.
/// </summary>
internal sealed class RunFigures(Func<double> secondsSinceStart)
{
    /// <summary>Steps that are not counted in the cost of coordination: code is still being compiled then.</summary>
    private const int WarmUpSteps = 20;

    private readonly SortedDictionary<string, long> _microBatches = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (int Pushes, long Bytes)> _allocation = [];
    private readonly List<double> _coordination = [];
    private int _steps;

    /// <summary>Seconds from the program's start to the first step applied; 0: none was.</summary>
    public double FirstStepSeconds { get; private set; }

    /// <summary>Samples applied by this process.</summary>
    public long Samples { get; private set; }

    /// <summary>Seconds spent in steps by this process.</summary>
    public double StepSeconds { get; private set; }

    /// <summary>Micro-batches accepted from each worker.</summary>
    public IReadOnlyDictionary<string, long> MicroBatches => _microBatches;

    /// <summary>The same, for the view.</summary>
    public IReadOnlyList<WorkerShare> Shares =>
        [.. _microBatches.Select(pair => new WorkerShare(pair.Key, pair.Value))];

    /// <summary>Median over steps of the time beyond the slowest worker's compute, in milliseconds.</summary>
    public double CoordinationMilliseconds
    {
        get
        {
            if (_coordination.Count == 0) return 0;
            double[] sorted = [.. _coordination.Order()];
            return sorted[sorted.Length / 2] * 1e3;
        }
    }

    /// <summary>Managed bytes that a worker allocates in a step, in the mean over workers and steps.</summary>
    public double AllocatedBytesPerStep
    {
        get
        {
            int pushes = _allocation.Values.Sum(value => value.Pushes);
            return pushes == 0 ? 0 : (double)_allocation.Values.Sum(value => value.Bytes) / pushes;
        }
    }

    public void Count(NodeAccepted accepted, WorkerConnection worker)
    {
        _microBatches[worker.Name] = _microBatches.GetValueOrDefault(worker.Name) + accepted.Node.Count;
        _allocation[$"{worker.Name}/{worker.Id.Value}"] = worker.Allocation;
    }

    public void Count(StepEnded step)
    {
        if (_steps++ == 0) FirstStepSeconds = secondsSinceStart();
        Samples += step.Statistics.Samples;
        StepSeconds += step.Seconds;
        if (_steps > WarmUpSteps) _coordination.Add(Math.Max(0, step.Seconds - step.SlowestComputeSeconds));
    }
}
