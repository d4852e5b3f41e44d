using Distributed.Execution;
using Distributed.Learning;
using Distributed.Numerics;
using Distributed.Protocol;
using Distributed.Roles;

namespace Distributed.Coordinator;

/// <summary>One step of a range test.</summary>
/// <param name="Rate">Its learning rate.</param>
/// <param name="Loss">Its mean training loss, before the step.</param>
/// <param name="Smoothed">The losses' exponential average up to here, corrected for its start.</param>
internal readonly record struct RangePoint(double Rate, double Loss, double Smoothed);

/// <summary>
/// The learning-rate range test (Smith 2017, "Cyclical Learning Rates"): trains from the first weights for a few steps
/// while the rate grows exponentially, until the loss bursts. Steps are those of a run, in one process: the same bits
/// for any number of threads.
/// </summary>
internal sealed class RangeTest : IDisposable
{
    private const double Memory = 0.9;
    private const double Burst = 4;

    private readonly RunSpecification _specification;
    private readonly WorkerExecution _execution;
    private readonly StepWeights? _weights;
    private readonly ParameterLayout _layout;
    private readonly ParameterUpdate _update;
    private readonly NativeBlock _parameters;
    private readonly NativeBuffer[] _states;
    private readonly ReductionTree _tree = new();
    private readonly List<BufferOperation> _operations = [];
    private readonly Stack<BufferId> _free = new();
    private readonly Lock _lock = new();
    private readonly int _threads;
    private int _buffers;
    private int _next;

    /// <summary>Prepares one on a run's data.</summary>
    /// <param name="specification">The run, completed by its data.</param>
    /// <param name="data">The data.</param>
    /// <param name="threads">Compute threads.</param>
    /// <param name="initialize">Fills the parameter block with the first weights.</param>
    public RangeTest(
        RunSpecification specification, RunData data, int threads, Action<ParameterLayout, NativeBlock> initialize)
    {
        _specification = specification;
        _threads = threads;
        _execution = new WorkerExecution(specification, threads);
        _execution.UseData(data);
        _weights = StepWeights.For(specification, data);
        _layout = ParameterLayout.Of(specification.Model);
        _update = new ParameterUpdate(
            specification.Optimizer, _layout, specification.Clip, new FrozenParameters(specification.Frozen));
        _parameters = new NativeBlock(_layout.Length);
        initialize(_layout, _parameters);
        _states = [.. specification.Optimizer.StateNames.Select(_ => new NativeBuffer(_layout.Length))];
    }

    /// <summary>Runs the test.</summary>
    /// <param name="from">The first rate.</param>
    /// <param name="to">The last one, should the loss not burst before.</param>
    /// <param name="steps">Steps in all, at least 2.</param>
    public IReadOnlyList<RangePoint> Run(double from, double to, int steps)
    {
        List<RangePoint> points = [];
        double growth = ElementaryFunctions.Log(to / from) / (steps - 1);
        double average = 0, share = 1, best = double.PositiveInfinity;
        for (int step = 0; step < steps; step++)
        {
            double rate = from * ElementaryFunctions.Exp(growth * step);
            double loss = Step(step, rate);
            share *= Memory;
            average = Memory * average + (1 - Memory) * loss;
            double smoothed = average / (1 - share);
            if (!double.IsFinite(loss)) break;
            points.Add(new RangePoint(rate, loss, smoothed));
            best = Math.Min(best, smoothed);
            if (loss > Burst * best) break;
        }

        return points;
    }

    /// <summary>
    /// A third of the rate of the least smoothed loss: that is where the loss stops falling, so the largest rate that
    /// is of use, and a third of it is on its safe side (Smith 2017, section 3.3); null where the loss never falls.
    /// </summary>
    public static double? Suggest(IReadOnlyList<RangePoint> points)
    {
        int least = 0;
        for (int i = 1; i < points.Count; i++) least = points[i].Smoothed < points[least].Smoothed ? i : least;
        return least == 0 ? null : points[least].Rate / 3;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _execution.Dispose();
        _parameters.Dispose();
        foreach (NativeBuffer state in _states) state.Dispose();
    }

    /// <summary>One step; returns its mean loss.</summary>
    private double Step(int step, double rate)
    {
        (int epoch, int inEpoch) = Math.DivRem(step, _specification.StepsPerEpoch);
        int first = inEpoch * _specification.Batch;
        int samples = Math.Min(_specification.Batch, _specification.Data.TrainingSamples - first);
        int microBatches = (samples + _specification.MicroBatch - 1) / _specification.MicroBatch;
        _execution.UseParameters(_parameters);
        for (int part = 0; part < _execution.PrepareParts; part++) _execution.Prepare(part);
        _execution.EnsureEpoch(epoch);
        _tree.Reset(microBatches, _operations);
        _tree.AddRoot(TreeNode.Root(microBatches));
        _next = -1;
        Parallel.For(0, _threads, thread => Work(thread, epoch, first, samples, microBatches));
        HeldNode root = _tree.Take(TreeNode.Root(microBatches));
        IBlock block = _execution.Take(root.Buffer);
        Span<float> gradient = block.Span;
        double weight = _weights?.Of(step + 1) ?? samples;
        float scale = weight > 0 ? (float)(1 / weight) : 0;
        _update.Step(step + 1, scale, rate, _parameters.Span, gradient, _states);
        _layout.MoveRunningStatistics(_parameters.Span, gradient);
        _execution.EnsureBuffer(root.Buffer, () => block);
        _free.Push(root.Buffer);
        return root.Statistics.LossSum / samples;
    }

    private void Work(int thread, int epoch, int first, int samples, int microBatches)
    {
        int index;
        while ((index = Interlocked.Increment(ref _next)) < microBatches)
        {
            int offset = index * _specification.MicroBatch;
            int count = Math.Min(_specification.MicroBatch, samples - offset);
            BufferId buffer = Rent();
            MicroBatchResult result = _execution.Compute(thread, epoch, first + offset, count, buffer);
            lock (_lock)
            {
                NodeStatistics statistics = new(count, result.LossSum, result.Correct, 0);
                _tree.Offer(TreeNode.Leaf(index), buffer, statistics, _operations, out _);
                foreach (BufferOperation operation in _operations)
                {
                    _execution.Add(operation.Destination, operation.Source);
                    _free.Push(operation.Source);
                }

                _operations.Clear();
            }
        }
    }

    private BufferId Rent()
    {
        lock (_lock)
        {
            if (_free.TryPop(out BufferId free)) return free;
            BufferId buffer = new(_buffers++);
            _execution.EnsureBuffer(buffer, () => new NativeBlock(_execution.GradientLength));
            return buffer;
        }
    }
}
