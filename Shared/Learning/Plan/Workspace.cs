using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// What the samples of a call came to: the sum of their losses, how many were classified rightly, how many there were,
/// and (after evaluation) for how many the label was among the five largest outputs.
/// </summary>
public readonly record struct MicroBatchResult(double LossSum, int Correct, int Samples, int TopFive = 0);

/// <summary>
/// One thread's memory for running a plan: an arena with every activation, gradient and scratch buffer. Fill
/// <see cref="Input"/> and <see cref="Labels"/>, then call <see cref="Train"/> or <see cref="Evaluate"/>; neither
/// changes them, and neither allocates.
/// </summary>
public sealed class Workspace : IDisposable
{
    private readonly ExecutionPlan _plan;
    private readonly bool _training;
    private readonly BufferPlacement _placement;
    private readonly NativeBuffer _arena;
    private readonly int[] _labels;
    private readonly int[] _secondLabels;
    private readonly float[] _labelWeights;
    private int _samples;

    internal Workspace(ExecutionPlan plan, BufferPlacement placement, bool training)
    {
        _plan = plan;
        _training = training;
        _placement = placement;
        _arena = new NativeBuffer(_placement.Length);
        _labels = new int[MostSamples];
        _secondLabels = new int[MostSamples];
        _labelWeights = new float[MostSamples];
        Array.Fill(_labelWeights, 1);
    }

    /// <summary>The images of a call's samples, [sample][height][width][channels].</summary>
    public Span<float> Input => Span(_plan.Input.Values, MostSamples);

    /// <summary>Their labels, one a sample.</summary>
    public Span<int> Labels => _labels;

    /// <summary>Second labels of the samples whose weight in <see cref="LabelWeights"/> is below 1.</summary>
    public Span<int> SecondLabels => _secondLabels;

    /// <summary>In training, the share of each sample's first label; 1 from the start, for one label alone.</summary>
    public Span<float> LabelWeights => _labelWeights;

    /// <summary>What a sample of each class counts in <see cref="Train"/>; null: all the same.</summary>
    public float[]? ClassWeights { get; set; }

    /// <summary>The last call's outputs before the softmax, [sample][class].</summary>
    public ReadOnlySpan<float> Logits => Span(_plan.Output.Values, _samples);

    /// <summary>
    /// Runs forward and backward over the first <paramref name="samples"/> samples of the input and overwrites the
    /// whole gradient block with the sum of the samples' gradients of the cross-entropy loss, and the batch norms'
    /// statistics of the samples; its padding becomes 0.
    /// More samples than a micro-batch are the consecutive micro-batches of one node of the canonical tree: gradient
    /// and loss are summed leaf by leaf along it, so they have the bits of one call a micro-batch and additions.
    /// </summary>
    /// <param name="parameters">The parameter block.</param>
    /// <param name="prepared">What <see cref="ExecutionPlan.Prepare"/> made of it.</param>
    /// <param name="samples">1 to the plan's <see cref="ExecutionPlan.PassSamples"/>.</param>
    /// <param name="labelSmoothing">Share of the target spread evenly over all classes, 0 to below 1.</param>
    /// <param name="gradient">A gradient block of the parameters' layout.</param>
    /// <param name="keys">Of the samples, for dropout; the default turns it off.</param>
    public MicroBatchResult Train(
        ReadOnlySpan<float> parameters, ReadOnlySpan<float> prepared, int samples, float labelSmoothing,
        Span<float> gradient, SampleKeys keys = default)
    {
        if (!keys.IsEmpty)
            ArgumentOutOfRangeException.ThrowIfNotEqual(keys.Count, samples);
        if (!_training)
            throw new InvalidOperationException("This workspace was made for evaluation alone.");
        ArgumentOutOfRangeException.ThrowIfNotEqual(gradient.Length, _plan.Parameters.GradientLength);
        var context = Forward(parameters, prepared, samples, gradient, training: true, keys);
        var result = Loss(context, labelSmoothing);
        _plan.Parameters.ClearPadding(gradient);
        for (var i = _plan.Steps.Length - 1; i >= 0; i--)
            _plan.Steps[i].Backward(context);
        foreach (var entry in _plan.Frozen)
            gradient.Slice(entry.Offset, entry.Length).Clear();
        return result;
    }

    /// <summary>
    /// Runs forward alone, as a trained model does: batch norms take their running statistics, losses have no label
    /// smoothing. <paramref name="predictions"/> gets the class of the largest
    /// output of each sample (the first of equal ones), or is empty.
    /// </summary>
    public MicroBatchResult Evaluate(
        ReadOnlySpan<float> parameters, ReadOnlySpan<float> prepared, int samples, Span<int> predictions)
    {
        Forward(parameters, prepared, samples, default, training: false, default);
        SoftmaxCrossEntropy.Run(
            Logits, _plan.Model.Classes, Labels[..samples], 0, default, predictions, out var lossSum, out var correct);
        var topFive = TopClasses.Count(Logits, _plan.Model.Classes, Labels[..samples], 5);
        return new MicroBatchResult(lossSum, correct, samples, topFive);
    }

    /// <summary>
    /// Runs whole micro-batches of what the input holds, as many as a call may take and fewer, so that every kernel of
    /// the plan is compiled before the first step counts. The blocks may hold zeros; the gradient is overwritten.
    /// </summary>
    public void WarmUp(ReadOnlySpan<float> parameters, ReadOnlySpan<float> prepared, Span<float> gradient)
    {
        if (!_training)
            Evaluate(parameters, prepared, _plan.MicroBatch, default);
        for (var samples = MostSamples; _training && samples >= _plan.MicroBatch; samples /= 2)
            Train(parameters, prepared, samples, 0, gradient);
    }

    /// <summary>Frees the arena.</summary>
    public void Dispose() => _arena.Dispose();

    /// <summary>The whole arena.</summary>
    internal Span<float> Arena => _arena.Span;

    private int MostSamples => _training ? _plan.PassSamples : _plan.MicroBatch;

    private MicroBatchResult Loss(in StepContext context, float labelSmoothing)
    {
        Span<double> sums = stackalloc double[LeafTree.MaxLeaves];
        var classes = _plan.Model.Classes;
        var gradient = context.Span(_plan.Output.Gradient!);
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
        var labels = _labels.AsSpan(samples);
        double lossSum;
        if (ClassWeights is { } weights)
            WeightedCrossEntropy.Run(logits, weights, labels, labelSmoothing, gradient, out lossSum, out correct);
        else
        {
            SoftmaxCrossEntropy.Run(
                logits, _plan.Model.Classes, labels, _secondLabels.AsSpan(samples), _labelWeights.AsSpan(samples),
                labelSmoothing, gradient, default, out lossSum, out correct);
        }
        return lossSum;
    }

    private StepContext Forward(
        ReadOnlySpan<float> parameters, ReadOnlySpan<float> prepared, int samples, Span<float> gradient, bool training,
        SampleKeys keys)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(parameters.Length, _plan.Parameters.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(prepared.Length, _plan.PreparedLength);
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(samples, MostSamples);
        _samples = samples;
        var context = new StepContext(
            _arena.Span, _placement.Offsets, samples, _plan.MicroBatch, parameters, prepared, gradient, training, keys);
        foreach (var step in _plan.Steps)
            step.Forward(context);
        return context;
    }

    private Span<float> Span(PlanBuffer buffer, int samples) =>
        _arena.Span.Slice(_placement.Offsets[buffer.Index], buffer.Length(samples));
}
