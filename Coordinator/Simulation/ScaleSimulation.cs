using Distributed.Protocol;
using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator;

/// <summary>What a step is made of, in seconds, on average; the parts may overlap.</summary>
/// <param name="Seconds">The whole step.</param>
/// <param name="Compute">Of the worker that computed longest, what it would have taken had it not been slow.</param>
/// <param name="Straggled">What that worker's slowness added.</param>
/// <param name="Link">The server's link carried something.</param>
/// <param name="Server">The server's threads worked.</param>
internal sealed record StepFigures(double Seconds, double Compute, double Straggled, double Link, double Server)
{
    /// <summary>The largest part.</summary>
    public string Bound
    {
        get
        {
            double waited = Seconds - Compute - Straggled - Link - Server;
            (double Part, string Name)[] parts =
            [
                (Compute, "compute"), (Straggled, "stragglers"), (Link, "server's link"), (Server, "server"),
                (waited, "latency"),
            ];
            return parts.MaxBy(part => part.Part).Name;
        }
    }
}

/// <summary>
/// Steps of a cluster in virtual time: the real roles of coordinator, parameter server and workers, whose compute and
/// links take what a cost model says. The same costs and seed give the same figures on every machine.
/// </summary>
internal sealed class ScaleSimulation
{
    /// <summary>The coordinator's fence.</summary>
    public static readonly Fence Fence = new(1);

    /// <summary>With more workers the coordinator role has a stand-in.</summary>
    public const int MostForTheRole = 256;

    private const int WarmUpSteps = 3;

    private readonly SimulatedServer _server;
    private readonly SimulatedWorker[] _workers;
    private readonly ulong _seed;
    private readonly List<StepFigures> _steps = [];
    private TimeSpan _stepBegan;
    private double _linkBefore, _serverBefore;

    private ScaleSimulation(
        CostModel cost, int batch, int microBatch, int workers, ulong seed, bool hasStandIn)
    {
        (Cost, MicroBatch, _seed) = (cost, microBatch, seed);
        Network = new SimulatedNetwork(cost, workers);
        _server = new SimulatedServer(this, new TrainingSettings
        {
            TrainingSamples = int.MaxValue / batch * batch,
            ValidationSamples = 0,
            TestSamples = 0,
            Batch = batch,
            MicroBatch = microBatch,
            Epochs = 1,
            MinimumWorkers = workers,
            Lease = TimeSpan.FromDays(365),
        }, hasStandIn);
        SharedCores? host = cost.Network is null ? new SharedCores(Time, cost.Cores, cost.Slowdown) : null;
        _workers = new SimulatedWorker[workers];
        for (int i = 0; i < workers; i++)
        {
            _workers[i] = new SimulatedWorker(this, i, host ?? new SharedCores(Time, cost.Threads, cost.Slowdown));
            _server.Join(i);
        }
    }

    /// <summary>The clock.</summary>
    public VirtualTime Time { get; } = new();

    /// <summary>The costs.</summary>
    public CostModel Cost { get; }

    /// <summary>Samples of a micro-batch.</summary>
    public int MicroBatch { get; }

    /// <summary>When things arrive.</summary>
    public SimulatedNetwork Network { get; }

    /// <summary>The mean of some steps, after the first ones, in which speeds become known.</summary>
    /// <param name="cost">The costs.</param>
    /// <param name="batch">Samples of a mini-batch.</param>
    /// <param name="microBatch">Samples of a micro-batch.</param>
    /// <param name="workers">Workers.</param>
    /// <param name="steps">Steps to average over.</param>
    /// <param name="seed">Says who is slow when.</param>
    /// <param name="hasStandIn">Whether the coordinator role has a stand-in; null: with many workers.</param>
    public static StepFigures Run(
        CostModel cost, int batch, int microBatch, int workers, int steps, ulong seed = 1, bool? hasStandIn = null)
    {
        ScaleSimulation simulation = new(
            cost, batch, microBatch, workers, seed, hasStandIn ?? workers > MostForTheRole);
        List<StepFigures> done = simulation._steps;
        while (done.Count < WarmUpSteps + steps)
        {
            if (!simulation.Time.RunNext())
                throw new InvalidOperationException($"Nothing is left to happen after {done.Count} steps.");
        }

        StepFigures[] counted = [.. done.Skip(WarmUpSteps)];
        return new StepFigures(
            counted.Average(step => step.Seconds), counted.Average(step => step.Compute),
            counted.Average(step => step.Straggled), counted.Average(step => step.Link),
            counted.Average(step => step.Server));
    }

    /// <summary>A worker by its id.</summary>
    public SimulatedWorker Worker(WorkerId id) => _workers[id.Value - 1];

    /// <summary>A worker pushes a gradient at a time.</summary>
    public void Push(int worker, TimeSpan at, GradientHeader header) =>
        _server.Receive(Network.Push(worker, at), worker, header);

    /// <summary>How many times as long as usual a worker computes in a step.</summary>
    public double Slowness(int worker, StepNumber step)
    {
        if (Cost.Stragglers is not { } stragglers) return 1;
        ulong mixed = Mix(Mix(_seed ^ Mix((ulong)worker)) ^ (ulong)step.Value);
        return (mixed >> 11) * 1.1102230246251565e-16 < stragglers.Share ? stragglers.Factor : 1;
    }

    /// <summary>The coordinator took note that a step was applied.</summary>
    public void EndStep()
    {
        SimulatedWorker slowest = _workers.MaxBy(worker => worker.ComputeSeconds)!;
        _steps.Add(new StepFigures(
            (Time.Now - _stepBegan).TotalSeconds, slowest.ComputeSeconds - slowest.StraggledSeconds,
            slowest.StraggledSeconds, Network.ServerSeconds - _linkBefore, _server.SpentSeconds - _serverBefore));
        (_stepBegan, _linkBefore, _serverBefore) = (Time.Now, Network.ServerSeconds, _server.SpentSeconds);
        foreach (SimulatedWorker worker in _workers) (worker.ComputeSeconds, worker.StraggledSeconds) = (0, 0);
    }

    /// <summary>SplitMix64's finalizer (Steele et al. 2014).</summary>
    private static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
