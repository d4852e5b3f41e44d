using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// What happens to a gradient before it reaches the weights: masked by the ReLU and summed into the bias gradient, in
/// one pass. It is done on the step's own output or, where a pooling follows, on the pooling's.
/// </summary>
internal sealed class OutputEpilogue(PlanCompiler plan, ParameterEntry? bias)
{
    private readonly PlanBuffer _sums = plan.Buffer(
        fixedLength: bias is null ? 0 : LeafTree.MaxDepth(plan.LeavesPerPass) * bias.Length);

    public bool HasRelu { get; set; }

    public void BackwardUses(BufferUses uses, PlanTensor output)
    {
        uses.Touch(output.Gradient!, _sums);
        if (HasRelu)
            uses.Touch(output.Values);
    }

    /// <summary>Masks the output's gradient in place and overwrites the bias gradient.</summary>
    public void Backward(in StepContext context, PlanTensor output)
    {
        if (bias is null)
        {
            if (!HasRelu)
                return;
            var gradient = context.Span(output.Gradient!);
            var shape = output.PixelShape(output.Gradient!, output.Gradient!);
            Numerics.Relu.Backward(
                shape, context.Samples, context.Span(output.Values), output.Values.Pitch, gradient, gradient);
            return;
        }
        var sum = new LeafSum(context.Gradient(bias), context.Span(_sums), context.Leaves);
        for (var leaf = 0; leaf < context.Leaves; leaf++)
        {
            SumLeaf(context, output, leaf, sum.Open(leaf));
            sum.Close(leaf);
        }
    }

    /// <inheritdoc cref="Backward(in StepContext, PlanTensor)"/>
    public void Backward(in DeviceContext context, PlanTensor output)
    {
        var gradient = context.At(output.Gradient!);
        DeviceTensor? mask = HasRelu ? context.At(output.Values) : null;
        if (bias is not null)
        {
            context.Queue.BiasGradient(
                output.PixelShape(output.Gradient!, output.Values), context.Samples, gradient, mask,
                context.Gradient(bias));
        }
        else if (mask is { } values)
        {
            context.Queue.ActivationBackward(
                DeviceActivation.Relu, 0, output.PixelShape(output.Gradient!, output.Gradient!), context.Samples,
                values, output.Values.Pitch, gradient, gradient, accumulate: false);
        }
    }

    private void SumLeaf(in StepContext context, PlanTensor output, int leaf, Span<float> sums)
    {
        var (pitch, gradientPitch) = (output.Values.Pitch, output.Gradient!.Pitch);
        var (first, end) = context.Leaf(leaf, output.Pixels);
        var gradient = context.Span(output.Gradient!)[
            (first * gradientPitch)..((end - 1) * gradientPitch + output.Channels)];
        if (!HasRelu)
        {
            BiasGradient.Run(end - first, output.Channels, gradient, gradientPitch, sums);
            return;
        }
        var values = context.Span(output.Values)[(first * pitch)..((end - 1) * pitch + output.Channels)];
        BiasGradient.RunWithReluMask(end - first, output.Channels, values, pitch, gradient, gradientPitch, sums);
    }
}
