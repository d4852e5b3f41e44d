using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>A workspace in the host's memory.</summary>
internal sealed class HostWorkspace : Workspace
{
    private readonly BufferPlacement _placement;
    private readonly NativeBuffer _arena;

    public HostWorkspace(ExecutionPlan plan, BufferPlacement placement, bool training) : base(plan, training)
    {
        _placement = placement;
        _arena = new NativeBuffer(placement.Length);
    }

    /// <inheritdoc/>
    public override Span<float> Input => Span(Plan.Input.Values, MostSamples);

    /// <inheritdoc/>
    public override ReadOnlySpan<float> Logits => Span(Plan.Output.Values, Samples);

    /// <summary>The whole arena.</summary>
    public Span<float> Arena => _arena.Span;

    /// <inheritdoc/>
    public override void Dispose() => _arena.Dispose();

    private protected override MicroBatchResult RunTraining(
        ReadOnlySpan<float> parameters, ReadOnlySpan<float> prepared, float labelSmoothing, Span<float> gradient,
        SampleKeys keys)
    {
        var context = Forward(parameters, prepared, gradient, training: true, keys);
        var result = Loss(context, labelSmoothing);
        Plan.Parameters.ClearPadding(gradient);
        for (var i = Plan.Steps.Length - 1; i >= 0; i--)
            Plan.Steps[i].Backward(context);
        return result;
    }

    private protected override void RunEvaluation(ReadOnlySpan<float> parameters, ReadOnlySpan<float> prepared) =>
        Forward(parameters, prepared, default, training: false, default);

    private MicroBatchResult Loss(in StepContext context, float labelSmoothing)
    {
        Span<double> sums = stackalloc double[LeafTree.MaxLeaves];
        var classes = Plan.Model.Classes;
        var gradient = context.Span(Plan.Output.Gradient!);
        var rightly = 0;
        for (var leaf = 0; leaf < context.Leaves; leaf++)
        {
            var (first, end) = context.Leaf(leaf, 1);
            var range = (first * classes)..(end * classes);
            var depth = LeafTree.Depth(leaf);
            sums[depth] = LeafLoss(Logits[range], first..end, labelSmoothing, gradient[range], out var correct);
            rightly += correct;
            for (var merges = LeafTree.Merges(leaf, leaf == context.Leaves - 1); merges > 0; merges--, depth--)
                sums[depth - 1] += sums[depth];
        }
        return new MicroBatchResult(sums[0], rightly, context.Samples);
    }

    private double LeafLoss(
        ReadOnlySpan<float> logits, Range samples, float labelSmoothing, Span<float> gradient, out int correct)
    {
        var labels = Labels[samples];
        double lossSum;
        if (ClassWeights is { } weights)
            WeightedCrossEntropy.Run(logits, weights, labels, labelSmoothing, gradient, out lossSum, out correct);
        else
        {
            SoftmaxCrossEntropy.Run(
                logits, Plan.Model.Classes, labels, SecondLabels[samples], LabelWeights[samples],
                labelSmoothing, gradient, default, out lossSum, out correct);
        }
        return lossSum;
    }

    private StepContext Forward(
        ReadOnlySpan<float> parameters, ReadOnlySpan<float> prepared, Span<float> gradient, bool training,
        SampleKeys keys)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(parameters.Length, Plan.Parameters.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(prepared.Length, Plan.PreparedLength);
        var context = new StepContext(
            _arena.Span, _placement.Offsets, Samples, Plan.MicroBatch, parameters, prepared, gradient, training, keys);
        foreach (var step in Plan.Steps)
            step.Forward(context);
        return context;
    }

    private Span<float> Span(PlanBuffer buffer, int samples) =>
        _arena.Span.Slice(_placement.Offsets[buffer.Index], buffer.Length(samples));
}
