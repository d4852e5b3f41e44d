using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// What happens to a gradient before it reaches the weights: masked by the ReLU and summed into the bias gradient, in
/// one pass. It is done on the affine step's own output or, where a pooling follows, on the pooling's.
/// </summary>
internal sealed class OutputEpilogue(int channels, ParameterEntry? bias)
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
        if (HasRelu && bias is not null)
            BiasGradient.RunWithReluMask(context.Span(output.Values), gradient, channels, context.Gradient(bias));
        else if (HasRelu)
            Numerics.Relu.Backward(context.Span(output.Values), gradient, gradient);
        else if (bias is not null)
            BiasGradient.Run(gradient, channels, context.Gradient(bias));
    }
}
