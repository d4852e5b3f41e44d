using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// Cross-correlation with a bias, as PyTorch's: output[o] = bias[o] + sum over c, i, j of input[c][row + i][column + j]
/// * weight[o][c][i][j]. Output size: floor((size + 2 padding - kernel) / stride) + 1. With several groups, each output
/// sums over the input channels of its own group, and the weight is [outputs][inputs / groups][rows][columns].
/// </summary>
public sealed record Conv2d(int OutChannels, Size2d Kernel) : Layer
{
    /// <summary>Step between outputs.</summary>
    public Size2d Stride { get; init; } = 1;

    /// <summary>Zero rows and columns added on each side.</summary>
    public Size2d Padding { get; init; } = 0;

    /// <summary>Whether a value a channel is added.</summary>
    public bool Bias { get; init; } = true;

    /// <summary>
    /// Groups of channels, of which each is convolved alone; inputs and outputs are multiples of it. Where every group
    /// is one channel in and one out, <see cref="DepthwiseConv2d"/> is much faster.
    /// </summary>
    public int Groups { get; init; } = 1;

    /// <summary>How the weight starts.</summary>
    public Initialization Initialization { get; init; }

    /// <inheritdoc/>
    public override string Type => "conv2d";

    internal static Conv2d Read(JsonFields fields) =>
        new(fields.Integer("outChannels"), fields.Size("kernel"))
        {
            Stride = fields.Size("stride", 1),
            Padding = fields.Size("padding", 0),
            Bias = fields.Flag("bias", true),
            Groups = fields.Integer("groups", 1),
            Initialization = Initialization.Read(fields),
        };

    internal override void WriteFields(Utf8JsonWriter writer)
    {
        writer.WriteNumber("outChannels", OutChannels);
        Kernel.Write(writer, "kernel");
        if (Stride != 1)
            Stride.Write(writer, "stride");
        if (Padding != 0)
            Padding.Write(writer, "padding");
        if (!Bias)
            writer.WriteBoolean("bias", false);
        if (Groups != 1)
            writer.WriteNumber("groups", Groups);
        Initialization.Write(writer);
    }

    internal override TensorShape Declare(ModelDeclaration model, string name, TensorShape input)
    {
        model.RequireImage(name, this, input);
        model.RequireSize(name, this, "outChannels", OutChannels);
        if (Groups < 1 || input.Channels % Groups != 0 || OutChannels % Groups != 0)
            throw model.Mistake(
                name, this,
                $"groups must divide its {input.Channels} input and {OutChannels} output channels, got {Groups}");
        var (height, width) = model.ConvolutionOutput(name, this, input, Kernel, Stride, Padding);
        var weights = model.AddWeight(
            name, this, OutChannels, input.Channels / Groups, Kernel, Initialization, Groups);
        if (Bias)
            model.AddBias(name, this, OutChannels);
        var output = new TensorShape(OutChannels, height, width, IsFlat: false);
        return model.AddLayer(name, this, output, multiplyAdds: (Int128)weights * height * width);
    }

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input)
    {
        var shape = new ConvolutionShape(
            input.Shape.Height, input.Shape.Width, input.Shape.Channels / Groups, OutChannels / Groups, Kernel.Height,
            Kernel.Width, Stride.Height, Stride.Width, Padding.Height, Padding.Width);
        var output = new TensorShape(OutChannels, shape.OutHeight, shape.OutWidth, IsFlat: false);
        var step = new ConvolutionStep(plan, name, shape, Groups, input, output);
        plan.Add(step);
        return step.Output;
    }

    private sealed class ConvolutionStep(
        PlanCompiler plan, string name, ConvolutionShape shape, int groups, PlanTensor input, TensorShape output)
        : AffineStep(
            plan, name, input, output, slices: true,
            takesNorm: groups == 1
                && (plan.Target == PlanTarget.Device || Convolution.TakesNorm(shape, plan.Convolution)))
    {
        private GroupedConvolution _convolution = null!;
        private ConvolutionShape _forward;
        private ConvolutionShape _backwardData;
        private ConvolutionShape _backwardWeights;

        public override void Complete(PlanCompiler plan)
        {
            var (values, gradient) = (Output.Values.Pitch, Output.Gradient?.Pitch ?? 0);
            _forward = shape with { InPitch = InputValues.Pitch, OutPitch = values };
            _backwardData = shape with { InPitch = InputGradient?.Pitch ?? 0, OutPitch = gradient };
            _backwardWeights = shape with { InPitch = InputValues.Pitch, OutPitch = gradient };
            _convolution = new GroupedConvolution(
                _forward, _backwardData, _backwardWeights, groups, plan.Convolution, plan.MicroBatch);
            Reserve(plan, new AffineLengths(
                _convolution.ForwardPackedLength, _convolution.ForwardScratchLength,
                _convolution.BackwardPackedLength, _convolution.BackwardDataScratchLength,
                _convolution.BackwardWeightsScratchLength));
        }

        protected override void PackForward(ReadOnlySpan<float> weights, Span<float> packed) =>
            _convolution.PackForward(weights, packed);

        protected override void PackBackward(ReadOnlySpan<float> weights, Span<float> packed) =>
            _convolution.PackBackward(weights, packed);

        protected override void RunForward(
            int samples, ReadOnlySpan<float> input, ReadOnlySpan<float> norm, ReadOnlySpan<float> packed,
            ReadOnlySpan<float> bias, Span<float> output, bool relu, Span<float> scratch) =>
            _convolution.Forward(samples, input, packed, bias, output, relu, scratch, norm);

        protected override void RunBackwardData(
            int samples, ReadOnlySpan<float> outputGradient, ReadOnlySpan<float> packed, Span<float> inputGradient,
            bool accumulate, Span<float> scratch) =>
            _convolution.BackwardData(samples, outputGradient, packed, inputGradient, scratch, accumulate);

        protected override void RunBackwardWeights(
            int samples, ReadOnlySpan<float> input, ReadOnlySpan<float> norm, ReadOnlySpan<float> outputGradient,
            Span<float> weightGradient, Span<float> scratch) =>
            _convolution.BackwardWeights(samples, input, outputGradient, weightGradient, scratch, norm);

        protected override void RunForward(
            in DeviceContext context, DeviceTensor input, DeviceTensor? norm, DeviceTensor weights,
            DeviceTensor? bias, DeviceTensor output, bool relu) =>
            context.Queue.ConvolutionForward(
                _forward, groups, context.Samples, input, norm, weights, bias, output, relu);

        protected override void RunBackwardData(
            in DeviceContext context, DeviceTensor outputGradient, DeviceTensor weights, DeviceTensor inputGradient,
            bool accumulate) =>
            context.Queue.ConvolutionBackwardData(
                _backwardData, groups, context.Samples, outputGradient, weights, inputGradient, accumulate);

        protected override void RunBackwardWeights(
            in DeviceContext context, DeviceTensor input, DeviceTensor? norm, DeviceTensor outputGradient,
            DeviceTensor weightGradient) =>
            context.Queue.ConvolutionBackwardWeights(
                _backwardWeights, groups, context.Samples, input, norm, outputGradient, weightGradient);
    }
}
