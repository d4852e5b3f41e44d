using Distributed.Data;
using Distributed.Learning;
using Distributed.Numerics;
using Distributed.Protocol;

namespace Distributed.Execution.Tests;

/// <summary>What one micro-batch must give: the plan run directly on samples that are looked up one by one.</summary>
internal sealed class ReferenceExecution : IDisposable
{
    private readonly RunSpecification _specification;
    private readonly ExecutionPlan _plan;
    private readonly Workspace _workspace;
    private readonly NativeBuffer _parameters;
    private readonly NativeBuffer _prepared;

    public ReferenceExecution(string model)
    {
        _specification = TestRun.Specification(model);
        _plan = ExecutionPlan.Compile(_specification.Model, TestRun.MicroBatch, _specification.Convolution);
        _workspace = _plan.CreateWorkspace(training: true);
        _parameters = new NativeBuffer(_plan.Parameters.Length);
        _prepared = new NativeBuffer(_plan.PreparedLength);
        _plan.Parameters.Initialize(_specification.Seed, _parameters.Span);
        for (int part = 0; part < _plan.PrepareParts; part++)
            _plan.Prepare(part, _parameters.Span, _prepared.Span);
    }

    /// <summary>The gradient sum of samples of an epoch's order.</summary>
    public (float[] Gradient, MicroBatchResult Result) Train(int epoch, int first, int count)
    {
        int[] order = new int[TestRun.Data.Count(DataSplit.Training)];
        EpochShuffle.Permute(_specification.Seed, epoch, TestRun.Data.Training, order);
        Load(TestRun.Data.Dataset.Train, order.AsSpan(first, count));
        float[] gradient = new float[_plan.Parameters.GradientLength];
        float smoothing = (float)_specification.LabelSmoothing;
        return (gradient, _workspace.Train(_parameters.Span, _prepared.Span, count, smoothing, gradient));
    }

    /// <summary>The loss sum and the predictions for samples of a part, in its order.</summary>
    public (double Loss, int[] Predictions) Evaluate(DataSplit split, int first, int count)
    {
        Dataset dataset = TestRun.Data.Dataset;
        Load(split == DataSplit.Test ? dataset.Test : dataset.Train, TestRun.Data.Part(split).Slice(first, count));
        int[] predictions = new int[count];
        return (_workspace.Evaluate(_parameters.Span, _prepared.Span, count, predictions).LossSum, predictions);
    }

    public void Dispose()
    {
        _workspace.Dispose();
        _parameters.Dispose();
        _prepared.Dispose();
    }

    private void Load(ImageSet images, ReadOnlySpan<int> indices)
    {
        SampleLoader loader = new(images, TestRun.Data.Normalization);
        int length = images.Channels * images.Height * images.Width;
        for (int i = 0; i < indices.Length; i++)
        {
            loader.Load(
                indices.Slice(i, 1), _workspace.Input.Slice(i * length, length), _workspace.Labels.Slice(i, 1));
        }
    }
}
