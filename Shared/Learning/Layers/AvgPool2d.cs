using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// The mean of each window, as PyTorch's: padding counts as zeros. Output size: floor((size + 2 padding - kernel) /
/// stride) + 1.
/// </summary>
public sealed record AvgPool2d(Size2d Kernel) : Layer
{
    /// <summary>Step between windows; the kernel's size unless said otherwise.</summary>
    public Size2d Stride { get; init; } = Kernel;

    /// <summary>Zero rows and columns added on each side; at most half the kernel.</summary>
    public Size2d Padding { get; init; } = 0;

    /// <inheritdoc/>
    public override string Type => "avgPool2d";

    internal static AvgPool2d Read(JsonFields fields)
    {
        var kernel = fields.Size("kernel");
        return new AvgPool2d(kernel) { Stride = fields.Size("stride", kernel), Padding = fields.Size("padding", 0) };
    }

    internal override void WriteFields(Utf8JsonWriter writer)
    {
        Kernel.Write(writer, "kernel");
        if (Stride != Kernel)
            Stride.Write(writer, "stride");
        if (Padding != 0)
            Padding.Write(writer, "padding");
    }

    internal override TensorShape Declare(ModelDeclaration model, string name, TensorShape input) =>
        model.AddLayer(name, this, model.PoolOutput(name, this, input, Kernel, Stride, Padding), multiplyAdds: 0);

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input)
    {
        var step = new AveragePoolStep(plan, this, input);
        plan.Add(step);
        return step.Output;
    }

    private sealed class AveragePoolStep : PlanStep
    {
        private readonly PoolShape _shape;
        private readonly PlanRead _input;

        public AveragePoolStep(PlanCompiler plan, AvgPool2d layer, PlanTensor input)
        {
            _shape = new PoolShape(
                input.Shape.Height, input.Shape.Width, input.Shape.Channels, layer.Kernel.Height, layer.Kernel.Width,
                layer.Stride.Height, layer.Stride.Width, layer.Padding.Height, layer.Padding.Width);
            _input = plan.Read(input);
            var output = input.Shape with { Height = _shape.OutHeight, Width = _shape.OutWidth };
            Output = plan.Tensor(output, this, input.Gradient is not null);
        }

        public PlanTensor Output { get; }

        public override bool NeedsOutput => false;

        public override void ForwardUses(BufferUses uses) => uses.Touch(_input.Values, Output.Values);

        public override void Forward(in StepContext context) =>
            AveragePool.Forward(
                _shape, context.Samples, context.Span(_input.Values), context.Span(Output.Values));

        public override void BackwardUses(BufferUses uses)
        {
            if (_input.Gradient is null)
                return;
            uses.Touch(Output.Gradient!);
            _input.GradientUses(uses);
        }

        public override void Backward(in StepContext context)
        {
            if (_input.Gradient is null)
                return;
            AveragePool.Backward(
                _shape, context.Samples, context.Span(Output.Gradient!), _input.OpenGradient(context));
            _input.CloseGradient(context);
        }
    }
}
