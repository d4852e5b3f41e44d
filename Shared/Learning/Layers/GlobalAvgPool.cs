using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>The mean of every channel, as PyTorch's <c>AdaptiveAvgPool2d(1)</c>: an image of one pixel.</summary>
public sealed record GlobalAvgPool : Layer
{
    /// <inheritdoc/>
    public override string Type => "globalAvgPool";

    internal override void WriteFields(Utf8JsonWriter writer)
    {
    }

    internal override TensorShape Declare(ModelDeclaration model, string name, TensorShape input)
    {
        model.RequireImage(name, this, input);
        return model.AddLayer(name, this, input with { Height = 1, Width = 1 }, multiplyAdds: 0);
    }

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input)
    {
        var step = new GlobalAveragePoolStep(plan, input);
        plan.Add(step);
        return step.Output;
    }

    private sealed class GlobalAveragePoolStep : PlanStep
    {
        private readonly PlanRead _input;
        private readonly int _pixels;
        private readonly int _channels;

        public GlobalAveragePoolStep(PlanCompiler plan, PlanTensor input)
        {
            _pixels = input.Shape.Height * input.Shape.Width;
            _channels = input.Shape.Channels;
            _input = plan.Read(input);
            Output = plan.Tensor(input.Shape with { Height = 1, Width = 1 }, this, input.Gradient is not null);
        }

        public PlanTensor Output { get; }

        public override bool NeedsOutput => false;

        public override void ForwardUses(BufferUses uses) => uses.Touch(_input.Values, Output.Values);

        public override void Forward(in StepContext context) =>
            GlobalAveragePool.Forward(
                _pixels, _channels, context.Samples, context.Span(_input.Values), context.Span(Output.Values));

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
            GlobalAveragePool.Backward(
                _pixels, _channels, context.Samples, context.Span(Output.Gradient!), _input.OpenGradient(context));
            _input.CloseGradient(context);
        }
    }
}
