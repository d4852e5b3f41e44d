using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// What happens to a gradient before it reaches the weights: masked by the ReLU and summed into the bias gradient, in
/// one pass. It is done on the affine step's own output or, where a pooling follows, on the pooling's.
/// </summary>
internal sealed class OutputEpilogue(ParameterEntry? bias)
{
    public bool HasRelu { get; set; }

    public void BackwardUses(BufferUses uses, PlanTensor output)
    {
        uses.Touch(output.Gradient!);
        if (HasRelu)
            uses.Touch(output.Values);
    }

    /// <summary>Masks the output's gradient in place and overwrites the bias gradient.</summary>
    public void Backward(in StepContext context, PlanTensor output)
    {
        var gradient = context.Span(output.Gradient!);
        var (pitch, gradientPitch) = (output.Values.Pitch, output.Gradient!.Pitch);
        var pixels = context.Samples * output.Pixels;
        if (HasRelu && bias is not null)
        {
            BiasGradient.RunWithReluMask(
                pixels, output.Channels, context.Span(output.Values), pitch, gradient, gradientPitch,
                context.Gradient(bias));
        }
        else if (HasRelu)
        {
            var shape = new PixelShape(output.Pixels, output.Channels)
            {
                InPitch = gradientPitch,
                OutPitch = gradientPitch,
            };
            Numerics.Relu.Backward(shape, context.Samples, context.Span(output.Values), pitch, gradient, gradient);
        }
        else if (bias is not null)
            BiasGradient.Run(pixels, output.Channels, gradient, gradientPitch, context.Gradient(bias));
    }
}
