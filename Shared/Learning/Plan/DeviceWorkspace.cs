using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// A workspace in a device's memory: a call copies the samples there, puts all steps on the queue, and copies back what
/// they came to. Evaluation's loss is taken on the host, from the logits.
/// </summary>
internal sealed class DeviceWorkspace(ExecutionPlan plan, IDeviceQueue queue) : Workspace(plan, training: true)
{
    private readonly float[] _logits = new float[plan.MicroBatch * plan.Model.Classes];
    private float[]? _classWeights;

    /// <inheritdoc/>
    public override Span<float> Input => queue.Input;

    /// <inheritdoc/>
    public override float[]? ClassWeights
    {
        get => _classWeights;
        set
        {
            _classWeights = value;
            queue.UseClassWeights(value);
        }
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<float> Logits
    {
        get
        {
            var logits = _logits.AsSpan(0, Samples * Plan.Model.Classes);
            queue.Download(At(Plan.Output.Values), logits);
            return logits;
        }
    }

    /// <inheritdoc/>
    public override void Dispose() => queue.Dispose();

    private protected override MicroBatchResult RunTraining(
        ReadOnlySpan<float> parameters, ReadOnlySpan<float> prepared, float labelSmoothing, Span<float> gradient,
        SampleKeys keys)
    {
        queue.UploadSamples(Labels[..Samples], SecondLabels[..Samples], LabelWeights[..Samples], keys.Samples);
        var context = Forward(training: true, keys);
        queue.Loss(Samples, labelSmoothing, At(Plan.Output.Values), At(Plan.Output.Gradient!));
        for (var i = Plan.Steps.Length - 1; i >= 0; i--)
            Plan.Steps[i].Backward(context);
        // Nobody writes to the padding there: it is 0 from the start.
        queue.Download(new DeviceTensor(DeviceBlock.Gradient, 0), gradient);
        queue.ReadLosses(Samples, out var lossSum, out var correct);
        return new MicroBatchResult(lossSum, correct, Samples);
    }

    private protected override void RunEvaluation(ReadOnlySpan<float> parameters, ReadOnlySpan<float> prepared) =>
        Forward(training: false, default);

    private DeviceContext Forward(bool training, SampleKeys keys)
    {
        queue.UploadInput(Plan.Input.Values.Length(Samples), At(Plan.Input.Values));
        var context = new DeviceContext(queue, Plan.TrainingPlacement.Offsets, Samples, training, keys);
        foreach (var step in Plan.Steps)
            step.Forward(context);
        return context;
    }

    private DeviceTensor At(PlanBuffer buffer) =>
        new(DeviceBlock.Arena, Plan.TrainingPlacement.Offsets[buffer.Index] + buffer.Start);
}
