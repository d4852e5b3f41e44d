using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// What the samples of a call came to: the sum of their losses, how many were classified rightly, how many there were,
/// and (after evaluation) for how many the label was among the five largest outputs.
/// </summary>
public readonly record struct MicroBatchResult(double LossSum, int Correct, int Samples, int TopFive = 0);

/// <summary>
/// One thread's memory for running a plan: an arena with every activation, gradient and scratch buffer, on the host or
/// on a device. Fill <see cref="Input"/> and <see cref="Labels"/>, then call <see cref="Train"/> or
/// <see cref="Evaluate"/>; neither changes them, and neither allocates.
/// </summary>
public abstract class Workspace : IDisposable
{
    private readonly bool _training;
    private readonly int[] _labels;
    private readonly int[] _secondLabels;
    private readonly float[] _labelWeights;

    private protected Workspace(ExecutionPlan plan, bool training)
    {
        Plan = plan;
        _training = training;
        _labels = new int[MostSamples];
        _secondLabels = new int[MostSamples];
        _labelWeights = new float[MostSamples];
        Array.Fill(_labelWeights, 1);
    }

    /// <summary>The images of a call's samples, [sample][height][width][channels].</summary>
    public abstract Span<float> Input { get; }

    /// <summary>Their labels, one a sample.</summary>
    public Span<int> Labels => _labels;

    /// <summary>Second labels of the samples whose weight in <see cref="LabelWeights"/> is below 1.</summary>
    public Span<int> SecondLabels => _secondLabels;

    /// <summary>In training, the share of each sample's first label; 1 from the start, for one label alone.</summary>
    public Span<float> LabelWeights => _labelWeights;

    /// <summary>What a sample of each class counts in <see cref="Train"/>; null: all the same.</summary>
    public virtual float[]? ClassWeights { get; set; }

    /// <summary>The last call's outputs before the softmax, [sample][class].</summary>
    public abstract ReadOnlySpan<float> Logits { get; }

    /// <summary>What it runs.</summary>
    private protected ExecutionPlan Plan { get; }

    /// <summary>Samples of the last call.</summary>
    private protected int Samples { get; private set; }

    private protected int MostSamples => _training ? Plan.PassSamples : Plan.MicroBatch;

    /// <summary>
    /// Runs forward and backward over the first <paramref name="samples"/> samples of the input and overwrites the
    /// whole gradient block with the sum of the samples' gradients of the cross-entropy loss, and the batch norms'
    /// statistics of the samples; its padding becomes 0.
    /// More samples than a micro-batch are the consecutive micro-batches of one node of the canonical tree: gradient
    /// and loss are summed leaf by leaf along it, so they have the bits of one call a micro-batch and additions.
    /// </summary>
    /// <param name="parameters">The parameter block; a device has it already.</param>
    /// <param name="prepared">What <see cref="ExecutionPlan.Prepare"/> made of it; a device needs none.</param>
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
        ArgumentOutOfRangeException.ThrowIfNotEqual(gradient.Length, Plan.Parameters.GradientLength);
        Begin(samples);
        var result = RunTraining(parameters, prepared, labelSmoothing, gradient, keys);
        foreach (var entry in Plan.Frozen)
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
        Begin(samples);
        RunEvaluation(parameters, prepared);
        var logits = Logits;
        SoftmaxCrossEntropy.Run(
            logits, Plan.Model.Classes, Labels[..samples], 0, default, predictions, out var lossSum, out var correct);
        var topFive = TopClasses.Count(logits, Plan.Model.Classes, Labels[..samples], 5);
        return new MicroBatchResult(lossSum, correct, samples, topFive);
    }

    /// <summary>
    /// Runs whole micro-batches of what the input holds, as many as a call may take and fewer, so that every kernel of
    /// the plan is compiled before the first step counts. The blocks may hold zeros; the gradient is overwritten.
    /// </summary>
    public void WarmUp(ReadOnlySpan<float> parameters, ReadOnlySpan<float> prepared, Span<float> gradient)
    {
        if (!_training)
            Evaluate(parameters, prepared, Plan.MicroBatch, default);
        for (var samples = MostSamples; _training && samples >= Plan.MicroBatch; samples /= 2)
            Train(parameters, prepared, samples, 0, gradient);
    }

    /// <summary>Frees the arena.</summary>
    public abstract void Dispose();

    private protected abstract MicroBatchResult RunTraining(
        ReadOnlySpan<float> parameters, ReadOnlySpan<float> prepared, float labelSmoothing, Span<float> gradient,
        SampleKeys keys);

    private protected abstract void RunEvaluation(ReadOnlySpan<float> parameters, ReadOnlySpan<float> prepared);

    private void Begin(int samples)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(samples, MostSamples);
        Samples = samples;
    }
}
