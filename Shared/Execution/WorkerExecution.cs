using Distributed.Data;
using Distributed.Learning;
using Distributed.Numerics;
using Distributed.Protocol;
using Distributed.Roles;

namespace Distributed.Execution;

/// <summary>
/// Carries out the worker role's compute effects: owns the prepared weights and one workspace a thread, and knows the
/// blocks in which parameters and the gradient buffers of the role lie. After the first steps nothing is allocated.
/// Every member but <see cref="Compute"/>, <see cref="Evaluate"/>, <see cref="Prepare"/> and <see cref="LoadNext"/>
/// belongs to the role's thread of control; those run on compute and loading threads.
/// </summary>
public sealed class WorkerExecution : IDisposable
{
    private const int MaximumBuffers = 4096;

    private readonly RunSpecification _specification;
    private RunData? _loaded;
    private Prefetch? _prefetch;
    private readonly ExecutionPlan _plan;
    private readonly Workspace[] _workspaces;
    private readonly IBlock?[] _gradients = new IBlock?[MaximumBuffers];
    private readonly NativeBuffer _prepared;
    private readonly DevicePlan? _device;
    private readonly int[][] _orders = [[], []];
    private readonly int[] _orderEpochs = [-1, -1];
    private readonly EvaluationSlot[] _slots = new EvaluationSlot[64];
    private IBlock? _parameters;

    /// <summary>Compiles the plan and allocates for <paramref name="threads"/> compute threads.</summary>
    /// <param name="specification">What to compute.</param>
    /// <param name="threads">Micro-batches that are computed at once.</param>
    /// <param name="device">What computes them; null: the threads themselves. Stays the caller's to dispose.</param>
    /// <exception cref="DeviceException">The device has too little memory.</exception>
    public WorkerExecution(RunSpecification specification, int threads, IDevice? device = null)
    {
        _specification = specification;
        _plan = ExecutionPlan.Compile(
            specification.Model, specification.MicroBatch, specification.Convolution,
            new FrozenParameters(specification.Frozen), device is null ? PlanTarget.Host : PlanTarget.Device);
        _device = device is null ? null : new DevicePlan(_plan, device);
        _workspaces = new Workspace[threads];
        for (int i = 0; i < threads; i++)
            _workspaces[i] = _device?.CreateWorkspace() ?? _plan.CreateWorkspace(training: true);
        _prepared = new NativeBuffer(_plan.PreparedLength);
    }

    /// <summary>Parameters of the model, unpadded.</summary>
    public long ParameterCount => _plan.Parameters.Count;

    /// <summary>Floats of a parameter block.</summary>
    public int ParameterLength => _plan.Parameters.Length;

    /// <summary>Floats of a gradient block.</summary>
    public int GradientLength => _plan.Parameters.GradientLength;

    /// <summary>Most micro-batches that one <see cref="Compute"/> takes.</summary>
    public int LeavesPerPass => _plan.LeavesPerPass;

    /// <summary>Independent parts of <see cref="Prepare"/>.</summary>
    public int PrepareParts => _device is null ? _plan.PrepareParts : 1;

    private ReadOnlySpan<float> Parameters =>
        (_parameters ?? throw new InvalidOperationException("There are no parameters yet.")).Span;

    private RunData Data => _loaded ?? throw new InvalidOperationException("The data are not there yet.");

    /// <summary>Gives the data to compute on, before the first effect.</summary>
    public void UseData(RunData data)
    {
        _loaded = data;
        float[]? weights = ClassWeighting.Of(_specification, data);
        foreach (Workspace workspace in _workspaces) workspace.ClassWeights = weights;
        _orders[0] = new int[data.Count(DataSplit.Training)];
        _orders[1] = new int[data.Count(DataSplit.Training)];
        if (data.TakesTimeToLoad)
            _prefetch = new Prefetch(data, _orders, 1 + (_workspaces.Length * LeavesPerPass), _plan.MicroBatch);
    }

    /// <summary>Whether loading samples takes time, so that threads may run <see cref="LoadNext"/>.</summary>
    public bool LoadsAhead => _prefetch is not null;

    /// <summary>
    /// Tells loading threads what was dealt, after <see cref="IsSound(Train)"/>. Changes no bit, only what is loaded
    /// when it is needed.
    /// </summary>
    public void Expect(Train train)
    {
        if (_prefetch is null) return;
        EnsureEpoch(train.Epoch);
        _prefetch.Expect(train);
    }

    /// <summary>Waits for a micro-batch that will be computed, and loads it; null once loading has ended.</summary>
    public LoadedAhead? LoadNext() => _prefetch?.LoadNext();

    /// <summary>Ends loading ahead.</summary>
    public void StopLoading() => _prefetch?.Close();

    /// <summary>Runs one micro-batch of zeros, so that the plan's kernels are compiled before the first step. Needs no
    /// data, so it can go on beside their loading.</summary>
    public void WarmUp()
    {
        using NativeBuffer zeros = new(ParameterLength), gradient = new(GradientLength);
        for (int part = 0; part < PrepareParts; part++) PrepareFrom(part, zeros.Span);
        _workspaces[0].WarmUp(zeros.Span, _prepared.Span, gradient.Span);
    }

    /// <summary>Takes other parameters into use, which nobody may change from then on. No thread may compute.</summary>
    public void UseParameters(IBlock parameters) => _parameters = parameters;

    /// <summary>Prepares one part of the parameters in use.</summary>
    public void Prepare(int part) => PrepareFrom(part, Parameters);

    /// <summary>Makes sure that a buffer has a block, a rented one where it has none.</summary>
    public void EnsureBuffer(BufferId buffer, Func<IBlock> rent) => _gradients[buffer.Value] ??= rent();

    /// <summary>Makes sure that the order of an epoch's samples is known. Two epochs are kept, so a thread that is
    /// still busy with the one before is not disturbed.</summary>
    public void EnsureEpoch(int epoch)
    {
        int slot = epoch & 1;
        if (_orderEpochs[slot] == epoch) return;
        EpochShuffle.Permute(_specification.Seed, epoch, Data.Training, _orders[slot]);
        _orderEpochs[slot] = epoch;
    }

    /// <summary>Computes the gradient of one or more micro-batches, a node of the tree, into a buffer.</summary>
    /// <param name="thread">The compute thread.</param>
    /// <param name="epoch">The epoch, made known by <see cref="EnsureEpoch"/>.</param>
    /// <param name="first">Position of the first sample in the epoch's order.</param>
    /// <param name="count">Samples.</param>
    /// <param name="buffer">Where the gradient goes.</param>
    public MicroBatchResult Compute(int thread, int epoch, int first, int count, BufferId buffer)
    {
        Workspace workspace = _workspaces[thread];
        ReadOnlySpan<int> samples = _orders[epoch & 1].AsSpan(first, count);
        for (int at = 0; at < count; at += _plan.MicroBatch)
        {
            int end = Math.Min(at + _plan.MicroBatch, count);
            if (_prefetch is null || !_prefetch.TryTake(epoch, first + at, end - at, workspace, at))
                Data.LoadTraining(epoch, samples[at..end], workspace, at);
        }

        return workspace.Train(
            Parameters, _prepared.Span, count, (float)_specification.LabelSmoothing, _gradients[buffer.Value]!.Span,
            new SampleKeys(_specification.Seed, epoch, samples));
    }

    /// <summary>destination += source.</summary>
    public void Add(BufferId destination, BufferId source) =>
        _plan.Parameters.AddGradients(_gradients[destination.Value]!.Span, _gradients[source.Value]!.Span);

    /// <summary>A buffer's content.</summary>
    public ReadOnlySpan<float> Gradient(BufferId buffer) => _gradients[buffer.Value]!.Span;

    /// <summary>Takes a buffer's block, to be pushed: the buffer has none any more.</summary>
    public IBlock Take(BufferId buffer)
    {
        IBlock block = _gradients[buffer.Value]!;
        _gradients[buffer.Value] = null;
        return block;
    }

    /// <summary>
    /// Whether what a Train message asks for exists; a message that does not fit is a peer's mistake.
    /// </summary>
    public bool IsSound(Train train)
    {
        if (train.MicroBatch != _plan.MicroBatch || train.FirstSample < 0) return false;
        if (train.Samples <= 0 || train.Samples > _specification.Batch) return false;
        if (train.FirstSample > Data.Count(DataSplit.Training) - train.Samples || train.Epoch < 0) return false;
        for (int i = 0; i < train.Nodes.Count; i++)
        {
            if (!train.Nodes[i].IsNodeOf(train.MicroBatches)) return false;
        }

        return true;
    }

    /// <summary>Whether what an Evaluate message asks for exists.</summary>
    public bool IsSound(Evaluate evaluate) =>
        evaluate.MicroBatch == _plan.MicroBatch && evaluate.First >= 0 && evaluate.Count > 0
        && evaluate.First % _plan.MicroBatch == 0
        && evaluate.First <= Data.Count(evaluate.Split) - evaluate.Count;

    /// <summary>Makes room in a slot for the results of an evaluation part.</summary>
    public void EnsureSlot(int slot, int samples) =>
        (_slots[slot] ??= new EvaluationSlot()).Resize(samples, _plan.MicroBatch);

    /// <summary>Evaluates one micro-batch of a part into its slot.</summary>
    public void Evaluate(int thread, DataSplit split, int first, int count, int slot, int leaf)
    {
        Workspace workspace = _workspaces[thread];
        EvaluationSlot results = _slots[slot];
        Data.Load(split, Data.Part(split).Slice(first, count), workspace.Input, workspace.Labels);
        Span<int> predictions = results.Predictions.AsSpan(leaf * _plan.MicroBatch, count);
        MicroBatchResult result = workspace.Evaluate(Parameters, _prepared.Span, count, predictions);
        results.Losses[leaf] = result.LossSum;
        results.TopFive[leaf] = result.TopFive;
    }

    /// <summary>The results of a part, copied out of its slot.</summary>
    public (double[] Losses, int[] Predictions, int TopFive) Results(int slot, int samples, int leaves) =>
        (_slots[slot].Losses[..leaves], _slots[slot].Predictions[..samples], _slots[slot].TopFive[..leaves].Sum());

    /// <summary>Frees its own buffers, and the gradient blocks that it rented and has not given away. No thread may
    /// compute.</summary>
    public void Dispose()
    {
        foreach (IBlock? block in _gradients) (block as IDisposable)?.Dispose();
        foreach (Workspace workspace in _workspaces) workspace.Dispose();
        _device?.Dispose();
        _prepared.Dispose();
        _prefetch?.Dispose();
    }

    private void PrepareFrom(int part, ReadOnlySpan<float> parameters)
    {
        if (_device is not null) _device.Prepare(parameters);
        else _plan.Prepare(part, parameters, _prepared.Span);
    }

    private sealed class EvaluationSlot
    {
        public double[] Losses = [];
        public int[] Predictions = [];
        public int[] TopFive = [];

        public void Resize(int samples, int microBatch)
        {
            int leaves = (samples + microBatch - 1) / microBatch;
            if (Losses.Length < leaves) (Losses, TopFive) = (new double[leaves], new int[leaves]);
            if (Predictions.Length < samples) Predictions = new int[samples];
        }
    }
}
