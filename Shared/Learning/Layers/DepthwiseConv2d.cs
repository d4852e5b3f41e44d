using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// A convolution of every channel alone, PyTorch's with as many groups as channels: output[c] = bias[c] + sum over i, j
/// of input[c][row + i][column + j] * weight[c][0][i][j].
/// </summary>
public sealed record DepthwiseConv2d(Size2d Kernel) : Layer
{
    /// <summary>Step between outputs.</summary>
    public Size2d Stride { get; init; } = 1;

    /// <summary>Zero rows and columns added on each side.</summary>
    public Size2d Padding { get; init; } = 0;

    /// <summary>Whether a value a channel is added.</summary>
    public bool Bias { get; init; } = true;

    /// <summary>How the weight starts.</summary>
    public Initialization Initialization { get; init; }

    /// <inheritdoc/>
    public override string Type => "depthwiseConv2d";

    internal static DepthwiseConv2d Read(JsonFields fields) => new(fields.Size("kernel"))
    {
        Stride = fields.Size("stride", 1),
        Padding = fields.Size("padding", 0),
        Bias = fields.Flag("bias", true),
        Initialization = Initialization.Read(fields),
    };

    internal override void WriteFields(Utf8JsonWriter writer)
    {
        Kernel.Write(writer, "kernel");
        if (Stride != 1)
            Stride.Write(writer, "stride");
        if (Padding != 0)
            Padding.Write(writer, "padding");
        if (!Bias)
            writer.WriteBoolean("bias", false);
        Initialization.Write(writer);
    }

    internal override TensorShape Declare(ModelDeclaration model, string name, TensorShape input)
    {
        model.RequireImage(name, this, input);
        var (height, width) = model.ConvolutionOutput(name, this, input, Kernel, Stride, Padding);
        var weights = model.AddWeight(name, this, input.Channels, 1, Kernel, Initialization);
        if (Bias)
            model.AddBias(name, this, input.Channels);
        var output = input with { Height = height, Width = width };
        return model.AddLayer(name, this, output, multiplyAdds: (Int128)weights * height * width);
    }

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input)
    {
        var shape = new ConvolutionShape(
            input.Shape.Height, input.Shape.Width, input.Shape.Channels, input.Shape.Channels, Kernel.Height,
            Kernel.Width, Stride.Height, Stride.Width, Padding.Height, Padding.Width);
        var output = input.Shape with { Height = shape.OutHeight, Width = shape.OutWidth };
        var step = new DepthwiseStep(plan, name, shape, input, output);
        plan.Add(step);
        return step.Output;
    }

    private sealed class DepthwiseStep(
        PlanCompiler plan, string name, ConvolutionShape shape, PlanTensor input, TensorShape output)
        : AffineStep(plan, name, input, output, slices: true, takesNorm: false)
    {
        private ConvolutionShape _forward;
        private ConvolutionShape _backwardData;
        private ConvolutionShape _backwardWeights;

        public override void Complete(PlanCompiler plan)
        {
            var (values, gradient) = (Output.Values.Pitch, Output.Gradient!.Pitch);
            _forward = shape with { InPitch = InputValues.Pitch, OutPitch = values };
            _backwardData = shape with { InPitch = InputGradient?.Pitch ?? 0, OutPitch = gradient };
            _backwardWeights = shape with { InPitch = InputValues.Pitch, OutPitch = gradient };
            var length = DepthwiseConvolution.PackedLength(shape);
            Reserve(plan, new AffineLengths(length, 0, length, 0, 0));
        }

        protected override void PackForward(ReadOnlySpan<float> weights, Span<float> packed) =>
            DepthwiseConvolution.Pack(shape, weights, packed);

        protected override void PackBackward(ReadOnlySpan<float> weights, Span<float> packed) =>
            DepthwiseConvolution.Pack(shape, weights, packed);

        protected override void RunForward(
            int samples, ReadOnlySpan<float> input, ReadOnlySpan<float> norm, ReadOnlySpan<float> packed,
            ReadOnlySpan<float> bias, Span<float> output, bool relu, Span<float> scratch) =>
            DepthwiseConvolution.Forward(_forward, samples, input, packed, bias, output, relu);

        protected override void RunBackwardData(
            int samples, ReadOnlySpan<float> outputGradient, ReadOnlySpan<float> packed, Span<float> inputGradient,
            bool accumulate, Span<float> scratch) =>
            DepthwiseConvolution.BackwardData(
                _backwardData, samples, outputGradient, packed, inputGradient, accumulate);

        protected override void RunBackwardWeights(
            int samples, ReadOnlySpan<float> input, ReadOnlySpan<float> norm, ReadOnlySpan<float> outputGradient,
            Span<float> weightGradient, Span<float> scratch) =>
            DepthwiseConvolution.BackwardWeights(_backwardWeights, samples, input, outputGradient, weightGradient);

        protected override void RunForward(
            in DeviceContext context, DeviceTensor input, DeviceTensor? norm, DeviceTensor weights,
            DeviceTensor? bias, DeviceTensor output, bool relu) =>
            context.Queue.DepthwiseForward(_forward, context.Samples, input, weights, bias, output, relu);

        protected override void RunBackwardData(
            in DeviceContext context, DeviceTensor outputGradient, DeviceTensor weights, DeviceTensor inputGradient,
            bool accumulate) =>
            context.Queue.DepthwiseBackwardData(
                _backwardData, context.Samples, outputGradient, weights, inputGradient, accumulate);

        protected override void RunBackwardWeights(
            in DeviceContext context, DeviceTensor input, DeviceTensor? norm, DeviceTensor outputGradient,
            DeviceTensor weightGradient) =>
            context.Queue.DepthwiseBackwardWeights(
                _backwardWeights, context.Samples, input, outputGradient, weightGradient);
    }
}
