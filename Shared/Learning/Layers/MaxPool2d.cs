using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// The largest value of each window; of equal ones the first, in row order. Output size: floor((size + 2 padding -
/// kernel) / stride) + 1, as in PyTorch.
/// </summary>
public sealed record MaxPool2d(Size2d Kernel) : Layer
{
    /// <summary>Step between windows; the kernel's size unless said otherwise.</summary>
    public Size2d Stride { get; init; } = Kernel;

    /// <summary>Rows and columns added on each side, which never win; at most half the kernel.</summary>
    public Size2d Padding { get; init; } = 0;

    /// <summary>
    /// Whether the size is rounded up: a last window may reach beyond the padding if it starts before it.
    /// </summary>
    public bool CeilMode { get; init; }

    /// <inheritdoc/>
    public override string Type => "maxPool2d";

    internal static MaxPool2d Read(JsonFields fields)
    {
        var kernel = fields.Size("kernel");
        return new MaxPool2d(kernel)
        {
            Stride = fields.Size("stride", kernel),
            Padding = fields.Size("padding", 0),
            CeilMode = fields.Flag("ceilMode", false),
        };
    }

    internal override void WriteFields(Utf8JsonWriter writer)
    {
        Kernel.Write(writer, "kernel");
        if (Stride != Kernel)
            Stride.Write(writer, "stride");
        if (Padding != 0)
            Padding.Write(writer, "padding");
        if (CeilMode)
            writer.WriteBoolean("ceilMode", true);
    }

    internal override TensorShape Declare(ModelDeclaration model, string name, TensorShape input)
    {
        var output = model.PoolOutput(name, this, input, Kernel, Stride, Padding);
        if (CeilMode)
            output = output with { Height = Shape(input).OutHeight, Width = Shape(input).OutWidth };
        return model.AddLayer(name, this, output, multiplyAdds: 0);
    }

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input)
    {
        var shape = Shape(input.Shape);
        // ReLU and maximum commute, so the mask and the bias gradient of the layer in front can be taken on the small
        // side of the pooling: its output then dies right after the forward pass.
        var epilogue = input.Values.IsUnread ? (input.Producer as AffineStep)?.TakeEpilogue() : null;
        var step = new MaxPoolStep(plan, shape, input, epilogue);
        plan.Add(step);
        return step.Output;
    }

    private PoolShape Shape(TensorShape input) => new(
        input.Height, input.Width, input.Channels, Kernel.Height, Kernel.Width, Stride.Height, Stride.Width,
        Padding.Height, Padding.Width)
    {
        CeilMode = CeilMode,
    };

    private sealed class MaxPoolStep : PlanStep
    {
        private readonly PoolShape _shape;
        private readonly PlanRead _input;
        private readonly OutputEpilogue? _epilogue;
        private readonly PlanBuffer _indices;
        private readonly int _indicesPerSample;

        public MaxPoolStep(PlanCompiler plan, in PoolShape shape, PlanTensor input, OutputEpilogue? epilogue)
        {
            _shape = shape;
            _epilogue = epilogue;
            _input = plan.Read(input, slices: true);
            var output = input.Shape with { Height = shape.OutHeight, Width = shape.OutWidth };
            Output = plan.Tensor(output, this, input.Gradient is not null, slices: true);
            _indicesPerSample = output.Length;
            _indices = plan.Buffer(perSample: (_indicesPerSample + sizeof(float) - 1) / sizeof(float));
        }

        public PlanTensor Output { get; }

        public override bool TakesLeaves => true;

        public override void ForwardUses(BufferUses uses) => uses.Touch(_input.Values, Output.Values, _indices);

        public override void Forward(in StepContext context) =>
            MaxPool.Forward(
                _shape with { InPitch = _input.Values.Pitch, OutPitch = Output.Values.Pitch }, context.Samples,
                context.Span(_input.Values), context.Span(Output.Values), Indices(context));

        public override void BackwardUses(BufferUses uses)
        {
            if (_input.Gradient is null)
                return;
            uses.Touch(_indices, Output.Gradient!, _input.Gradient);
            _epilogue?.BackwardUses(uses, Output);
        }

        public override void Backward(in StepContext context)
        {
            if (_input.Gradient is null)
                return;
            _epilogue?.Backward(context, Output);
            MaxPool.Backward(
                _shape with { InPitch = _input.Gradient.Pitch, OutPitch = Output.Gradient!.Pitch }, context.Samples,
                context.Span(Output.Gradient!), Indices(context), context.Span(_input.Gradient), _input.Adds);
        }

        public override void Forward(in DeviceContext context) =>
            context.Queue.MaxPoolForward(
                _shape with { InPitch = _input.Values.Pitch, OutPitch = Output.Values.Pitch }, context.Samples,
                context.At(_input.Values), context.At(Output.Values), context.At(_indices));

        public override void Backward(in DeviceContext context)
        {
            if (_input.Gradient is null)
                return;
            _epilogue?.Backward(context, Output);
            context.Queue.MaxPoolBackward(
                _shape with { InPitch = _input.Gradient.Pitch, OutPitch = Output.Gradient!.Pitch }, context.Samples,
                context.At(Output.Gradient!), context.At(_indices), context.At(_input.Gradient), _input.Adds);
        }

        private Span<byte> Indices(in StepContext context) =>
            context.Bytes(_indices)[..(_indicesPerSample * context.Samples)];
    }
}
