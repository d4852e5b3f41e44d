using Distributed.Protocol;
using Distributed.Roles;
using Distributed.Roles.Worker;

namespace Distributed.Coordinator;

/// <summary>A worker's process in the simulation: its role, whose compute takes the time that the costs say.</summary>
internal sealed class SimulatedWorker
{
    private readonly ScaleSimulation _simulation;
    private readonly CostModel _cost;
    private readonly SharedCores _cores;
    private readonly SerialActor<WorkerInput> _actor;
    private readonly WorkerRole _role;
    private readonly List<WorkerEffect> _effects = [];
    private readonly int _index;
    private int _preparing;

    /// <summary>A worker that serves from now on.</summary>
    /// <param name="simulation">What it is part of.</param>
    /// <param name="index">Its number from 0.</param>
    /// <param name="cores">The cores that its threads compute on.</param>
    public SimulatedWorker(ScaleSimulation simulation, int index, SharedCores cores)
    {
        (_simulation, _cost, _index, _cores) = (simulation, simulation.Cost, index, cores);
        _actor = new SerialActor<WorkerInput>(simulation.Time, Handle);
        _role = new WorkerRole(ScaleSimulation.Fence, _cost.Threads, _cost.LeavesPerPass);
    }

    /// <summary>Seconds that each of its threads computed since this was last set to 0.</summary>
    public double ComputeSeconds { get; set; }

    /// <summary>How many of them because it was slow.</summary>
    public double StraggledSeconds { get; set; }

    /// <summary>The coordinator's word reaches it at a time.</summary>
    public void Receive(TimeSpan at, Message message)
    {
        WorkerInputKind kind = message switch
        {
            Train => WorkerInputKind.Train,
            Credit => WorkerInputKind.Credit,
            _ => throw new InvalidOperationException($"A simulated worker takes no {message.Kind}."),
        };
        _actor.Post(at, new WorkerInput(kind, message));
    }

    /// <summary>Parameters reach it at a time.</summary>
    public void ReceiveParameters(TimeSpan at, ParameterVersion version) =>
        _actor.Post(at, new WorkerInput(WorkerInputKind.ParametersArrived, Version: version));

    private void Handle(WorkerInput input)
    {
        _effects.Clear();
        _role.Handle(input, _effects);
        foreach (WorkerEffect effect in _effects)
        {
            switch (effect.Kind)
            {
                case WorkerEffectKind.UseParameters: Prepare(effect.Version); break;
                case WorkerEffectKind.Compute: Compute(effect); break;
                case WorkerEffectKind.Add: _actor.Spend(_cost.AddSeconds); break;
                case WorkerEffectKind.Push: Push(effect); break;
                default: throw new InvalidOperationException($"A simulated worker is not asked to {effect.Kind}.");
            }
        }
    }

    private void Prepare(ParameterVersion version)
    {
        _preparing = _cost.Threads;
        for (int thread = 0; thread < _cost.Threads; thread++)
        {
            Run(_cost.PrepareSeconds / _cost.Threads, 1, _ =>
            {
                if (--_preparing == 0)
                    _actor.Post(_simulation.Time.Now, new WorkerInput(WorkerInputKind.Prepared, Version: version));
            });
        }
    }

    private void Compute(WorkerEffect effect)
    {
        double full = _cost.Pass(effect.Node.Count);
        double share = (double)effect.Count / (effect.Node.Count * _simulation.MicroBatch);
        Run(full * share, _simulation.Slowness(_index, effect.Step), took =>
        {
            long microseconds = Math.Max(1, (long)took.TotalMicroseconds);
            _actor.Post(_simulation.Time.Now, new WorkerInput(
                WorkerInputKind.Computed, Thread: effect.Thread, Step: effect.Step, Buffer: effect.Buffer,
                Node: effect.Node, Statistics: new NodeStatistics(effect.Count, 0, 0, microseconds)));
        });
    }

    private void Run(double seconds, double slowness, Action<TimeSpan> done) => _simulation.Time.At(_actor.Free, () =>
        _cores.Run(seconds * slowness, took =>
        {
            ComputeSeconds += took.TotalSeconds / _cost.Threads;
            StraggledSeconds += took.TotalSeconds * (1 - 1 / slowness) / _cost.Threads;
            done(took);
        }));

    private void Push(WorkerEffect effect)
    {
        _actor.Spend(_cost.MessageSeconds);
        NodeStatistics sums = effect.Statistics;
        GradientHeader header = new(
            ScaleSimulation.Fence, effect.Step, effect.Node, sums.Samples, sums.LossSum, sums.Correct,
            sums.ComputeMicroseconds, 0);
        _simulation.Push(_index, _actor.Free, header);
    }
}
