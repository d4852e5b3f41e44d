using System.Diagnostics;
using Distributed.Execution;
using Distributed.Learning;
using Distributed.Numerics;
using Distributed.Protocol;
using Distributed.Roles;

namespace Distributed.Coordinator;

/// <summary>
/// Training steps of one worker without links: plan and optimizer in one process, on random input. A step is what it is
/// in a run: the micro-batches' gradients, their sum along the canonical tree, the optimizer, the packed weights.
/// </summary>
internal sealed class SingleProcessBench : IDisposable
{
    private readonly RunSpecification _specification;
    private readonly ExecutionPlan _plan;
    private readonly Workspace[] _workspaces;
    private readonly NativeBuffer _parameters;
    private readonly NativeBuffer _prepared;
    private readonly ParameterUpdate _update;
    private readonly NativeBuffer[] _states;
    private readonly List<NativeBuffer> _gradients = [];
    private readonly Stack<BufferId> _free = new();
    private readonly ReductionTree _tree = new();
    private readonly List<BufferOperation> _operations = [];
    private readonly Lock _treeLock = new();
    private readonly Barrier _barrier;
    private int _next;
    private long _steps;
    private bool _ended;
    private bool _preparing;

    public SingleProcessBench(RunSpecification specification, int threads)
    {
        _specification = specification;
        _plan = ExecutionPlan.Compile(specification.Model, specification.MicroBatch, specification.Convolution);
        _workspaces = [.. Enumerable.Range(0, threads).Select(_ => _plan.CreateWorkspace(training: true))];
        for (int i = 0; i < threads; i++) FillWithNoise(_workspaces[i], i);
        _parameters = new NativeBuffer(_plan.Parameters.Length);
        _plan.Parameters.Initialize(specification.Seed, _parameters.Span);
        _prepared = new NativeBuffer(_plan.PreparedLength);
        _update = new ParameterUpdate(specification.Optimizer, _plan.Parameters);
        _states = [.. specification.Optimizer.StateNames.Select(_ => new NativeBuffer(_plan.Parameters.Length))];
        _barrier = new Barrier(threads);
        for (int i = 1; i < threads; i++)
        {
            int thread = i;
            new Thread(() => Help(thread)) { IsBackground = true }.Start();
        }
    }

    private int MicroBatches => (_specification.Batch + _specification.MicroBatch - 1) / _specification.MicroBatch;

    /// <summary>Samples a second of chunks of steps, measured for about so many seconds after a warm-up.</summary>
    public IReadOnlyList<double> Measure(double seconds, int stepsPerChunk)
    {
        long begun = Stopwatch.GetTimestamp();
        for (int i = 0; i < 3 || Stopwatch.GetElapsedTime(begun).TotalSeconds < ClusterBench.WarmUpSeconds; i++) Step();
        List<double> rates = [];
        long end = Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency);
        do
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < stepsPerChunk; i++) Step();
            rates.Add(stepsPerChunk * _specification.Batch / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        while (Stopwatch.GetTimestamp() < end);
        return rates;
    }

    public void Dispose()
    {
        _ended = true;
        _barrier.SignalAndWait();
        foreach (Workspace workspace in _workspaces) workspace.Dispose();
        foreach (NativeBuffer buffer in (NativeBuffer[])[_parameters, _prepared, .. _states, .. _gradients])
            buffer.Dispose();
    }

    private void Step()
    {
        RunShared(preparing: true);
        TreeNode root = TreeNode.Root(MicroBatches);
        _tree.Reset(MicroBatches, _operations);
        _tree.AddRoot(root);
        RunShared(preparing: false);
        BufferId sum = _tree.Take(root).Buffer;
        _update.Step(
            ++_steps, 1f / _specification.Batch, 0.01, _parameters.Span, _gradients[sum.Value].Span, _states);
        _plan.Parameters.MoveRunningStatistics(_parameters.Span, _gradients[sum.Value].Span);
        _free.Push(sum);
    }

    /// <summary>Shares packing the weights, or the micro-batches, among the threads.</summary>
    private void RunShared(bool preparing)
    {
        _preparing = preparing;
        _next = preparing ? -1 : 0;
        _barrier.SignalAndWait();
        Work(0);
        _barrier.SignalAndWait();
    }

    private void Help(int thread)
    {
        while (true)
        {
            _barrier.SignalAndWait();
            if (_ended) return;
            Work(thread);
            _barrier.SignalAndWait();
        }
    }

    private void Work(int thread)
    {
        int index;
        while (_preparing && (index = Interlocked.Increment(ref _next)) < _plan.PrepareParts)
            _plan.Prepare(index, _parameters.Span, _prepared.Span);
        while (!_preparing && TryTakeNode(out TreeNode node)) Compute(thread, node);
    }

    private bool TryTakeNode(out TreeNode node)
    {
        lock (_treeLock)
        {
            node = default;
            int left = MicroBatches - _next;
            if (left == 0) return false;
            node = TreeNode.Root(MicroBatches).LargestAt(
                _next, Math.Clamp(left / _workspaces.Length, 1, _plan.LeavesPerPass));
            _next = node.End;
            return true;
        }
    }

    private void Compute(int thread, TreeNode node)
    {
        int first = node.Start * _specification.MicroBatch;
        int samples = Math.Min(node.Count * _specification.MicroBatch, _specification.Batch - first);
        BufferId buffer = Rent();
        _workspaces[thread].Train(_parameters.Span, _prepared.Span, samples, 0, Gradient(buffer));
        lock (_treeLock)
        {
            _tree.Offer(node, buffer, default, _operations, out _);
            foreach (BufferOperation operation in _operations)
            {
                _plan.Parameters.AddGradients(Gradient(operation.Destination), Gradient(operation.Source));
                _free.Push(operation.Source);
            }

            _operations.Clear();
        }
    }

    private BufferId Rent()
    {
        lock (_treeLock)
        {
            if (_free.TryPop(out BufferId free)) return free;
            _gradients.Add(new NativeBuffer(_plan.Parameters.GradientLength));
            return new BufferId(_gradients.Count - 1);
        }
    }

    private Span<float> Gradient(BufferId buffer)
    {
        lock (_treeLock) return _gradients[buffer.Value].Span;
    }

    private void FillWithNoise(Workspace workspace, int thread)
    {
        Span<float> input = workspace.Input;
        Random random = new(thread);
        for (int i = 0; i < input.Length; i++) input[i] = random.NextSingle() * 2 - 1;
        for (int i = 0; i < workspace.Labels.Length; i++)
            workspace.Labels[i] = random.Next(_specification.Model.Classes);
    }
}
