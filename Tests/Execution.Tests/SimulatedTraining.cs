using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Distributed.Learning;
using Distributed.Protocol;
using Distributed.Roles;
using Distributed.Roles.Worker;

namespace Distributed.Execution.Tests;

/// <summary>
/// Some workers of some threads and a parameter server in one process, without links: the workers' own decisions and
/// the run's own arithmetic. Threads compute at the same time and report in the reverse order.
/// </summary>
internal sealed class SimulatedTraining : IDisposable
{
    private readonly RunSpecification _specification;
    private readonly ParameterStore _store;
    private readonly ReductionTree _tree = new();
    private readonly List<BufferOperation> _operations = [];
    private readonly SimulatedWorker[] _workers;
    private double _losses;

    public SimulatedTraining(RunSpecification specification, RunData data, int workers, int threads)
    {
        _specification = specification;
        _store = new ParameterStore(specification, 64);
        _workers = [.. Enumerable.Range(0, workers).Select(_ => new SimulatedWorker(specification, data, threads))];
    }

    /// <summary>Applies the steps from 1 on, all of the first epoch.</summary>
    public void Train(int steps)
    {
        for (int step = 1; step <= steps; step++) Step(step);
    }

    /// <summary>
    /// SHA-256 over parameters, running statistics, optimizer state, the training losses, and the loss that the last
    /// parameters have on some validation samples.
    /// </summary>
    public string Hash(int validationSamples)
    {
        Share(_specification.TotalSteps);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(MemoryMarshal.AsBytes(_store.Parameters));
        hash.AppendData(MemoryMarshal.AsBytes(_store.State(0)));
        double[] losses = [_losses, .. _workers[^1].Evaluate(validationSamples, _specification.MicroBatch)];
        hash.AppendData(MemoryMarshal.AsBytes<double>(losses));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    public void Dispose()
    {
        foreach (SimulatedWorker worker in _workers) worker.Dispose();
        _store.Dispose();
    }

    private void Share(long version)
    {
        foreach (SimulatedWorker worker in _workers)
            worker.Use(_store.Parameters, new ParameterVersion(version));
    }

    private void Step(int step)
    {
        Share(step - 1);
        int microBatches = (_specification.Batch + _specification.MicroBatch - 1) / _specification.MicroBatch;
        _tree.Reset(microBatches, _operations);
        _tree.AddRoot(TreeNode.Root(microBatches));
        for (int i = 0; i < _workers.Length; i++)
        {
            Train train = new()
            {
                Step = new StepNumber(step),
                Version = new ParameterVersion(step - 1),
                FirstSample = (step - 1) * _specification.Batch,
                Samples = _specification.Batch,
                MicroBatch = _specification.MicroBatch,
                Credits = TreeNode.FrontierLimit,
            };
            int first = microBatches * i / _workers.Length, end = microBatches * (i + 1) / _workers.Length;
            TreeNode.Frontier(first, end, microBatches, train.Nodes);
            _workers[i].Take(new WorkerInput(WorkerInputKind.Train, train));
        }

        while (_workers.Any(worker => worker.Jobs.Count > 0))
        {
            Parallel.ForEach(_workers.SelectMany(worker => worker.Jobs), job => job.Run());
            foreach (SimulatedWorker worker in _workers) worker.Report();
        }

        for (int i = _workers.Length - 1; i >= 0; i--) Merge(_workers[i], step);
    }

    private void Merge(SimulatedWorker worker, int step)
    {
        foreach ((WorkerEffect push, IBlock gradient) in worker.Pushed)
        {
            BufferId buffer = _store.RentGradient()!.Value;
            gradient.Span.CopyTo(_store.Gradient(buffer));
            OfferOutcome outcome = _tree.Offer(push.Node, buffer, push.Statistics, _operations, out TreeNode root);
            foreach (BufferOperation operation in _operations) _store.Add(operation.Destination, operation.Source);
            _operations.Clear();
            if (outcome != OfferOutcome.Completed) continue;
            HeldNode sum = _tree.Take(root);
            _losses = (_losses * 3) + sum.Statistics.LossSum;
            _store.Step(step, sum.Statistics.Samples, 0, sum.Buffer);
        }

        worker.Pushed.Clear();
    }
}

/// <summary>A worker without a link, whose threads run when they are told to.</summary>
internal sealed class SimulatedWorker : IDisposable
{
    private readonly WorkerExecution _execution;
    private readonly WorkerRole _role;
    private readonly NativeBlock _parameters;
    private readonly List<NativeBlock> _gradients = [];
    private readonly List<WorkerEffect> _effects = [];

    public SimulatedWorker(RunSpecification specification, RunData data, int threads)
    {
        _execution = new WorkerExecution(specification, threads);
        _execution.UseData(data);
        _execution.EnsureEpoch(0);
        _role = new WorkerRole(default, threads, _execution.LeavesPerPass);
        _parameters = new NativeBlock(_execution.ParameterLength);
    }

    /// <summary>What threads are to compute now.</summary>
    public List<Job> Jobs { get; } = [];

    /// <summary>The nodes that the server is owed.</summary>
    public List<(WorkerEffect Push, IBlock Gradient)> Pushed { get; } = [];

    public void Use(ReadOnlySpan<float> parameters, ParameterVersion version)
    {
        parameters.CopyTo(_parameters.Span);
        Take(new WorkerInput(WorkerInputKind.ParametersArrived, Version: version));
    }

    public void Take(in WorkerInput input)
    {
        int first = _effects.Count;
        _role.Handle(input, _effects);
        WorkerEffect[] effects = [.. _effects.Skip(first)];
        _effects.Clear();
        foreach (WorkerEffect effect in effects) Carry(effect);
    }

    /// <summary>Tells the role what was computed, the last thread first.</summary>
    public void Report()
    {
        Job[] done = [.. Jobs];
        Jobs.Clear();
        foreach (Job job in done.Reverse())
        {
            Take(new WorkerInput(
                WorkerInputKind.Computed, Thread: job.Effect.Thread, Step: job.Effect.Step, Buffer: job.Effect.Buffer,
                Node: job.Effect.Node,
                Statistics: new NodeStatistics(job.Result.Samples, job.Result.LossSum, job.Result.Correct, 0)));
        }
    }

    /// <summary>Loss sums of the micro-batches of the first validation samples.</summary>
    public double[] Evaluate(int samples, int microBatch)
    {
        _execution.EnsureSlot(0, samples);
        int leaves = (samples + microBatch - 1) / microBatch;
        for (int leaf = 0; leaf < leaves; leaf++)
        {
            int first = leaf * microBatch, count = Math.Min(microBatch, samples - first);
            _execution.Evaluate(0, DataSplit.Validation, first, count, 0, leaf);
        }

        return _execution.Results(0, samples, leaves).Losses;
    }

    public void Dispose()
    {
        _execution.Dispose();
        _parameters.Dispose();
        foreach (NativeBlock gradient in _gradients) gradient.Dispose();
    }

    private void Carry(WorkerEffect effect)
    {
        switch (effect.Kind)
        {
            case WorkerEffectKind.UseParameters:
                _execution.UseParameters(_parameters);
                for (int part = 0; part < _execution.PrepareParts; part++) _execution.Prepare(part);
                Take(new WorkerInput(WorkerInputKind.Prepared, Version: effect.Version));
                break;
            case WorkerEffectKind.Compute:
                _execution.EnsureBuffer(effect.Buffer, Rent);
                Jobs.Add(new Job(_execution, effect));
                break;
            case WorkerEffectKind.Add: _execution.Add(effect.Buffer, effect.Source); break;
            case WorkerEffectKind.Push: Pushed.Add((effect, _execution.Take(effect.Buffer))); break;
            default: throw new InvalidOperationException($"No {effect.Kind} was asked for.");
        }
    }

    private NativeBlock Rent()
    {
        _gradients.Add(new NativeBlock(_execution.GradientLength));
        return _gradients[^1];
    }

    /// <summary>One node that a thread computes.</summary>
    internal sealed class Job(WorkerExecution execution, WorkerEffect effect)
    {
        public WorkerEffect Effect => effect;

        public MicroBatchResult Result { get; private set; }

        public void Run() =>
            Result = execution.Compute(effect.Thread, effect.Epoch, effect.First, effect.Count, effect.Buffer);
    }
}
