using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>A pass of so many samples from one tensor, or its gradient, to the other.</summary>
internal delegate void AveragePass(int batch, ReadOnlySpan<float> from, Span<float> to);

/// <summary>The step of an averaging over windows: its gradient follows from the output's alone.</summary>
internal sealed class AverageStep : PlanStep
{
    private readonly PoolShape _shape;
    private readonly AveragePass _forward;
    private readonly AveragePass _backward;
    private readonly PlanRead _input;

    public AverageStep(
        PlanCompiler plan, PlanTensor input, in PoolShape shape, AveragePass forward, AveragePass backward)
    {
        _shape = shape;
        (_forward, _backward) = (forward, backward);
        _input = plan.Read(input);
        Output = plan.Tensor(
            input.Shape with { Height = shape.OutHeight, Width = shape.OutWidth }, this, input.Gradient is not null);
        plan.Add(this);
    }

    public PlanTensor Output { get; }

    public override bool NeedsOutput => false;

    public override void ForwardUses(BufferUses uses) => uses.Touch(_input.Values, Output.Values);

    public override void Forward(in StepContext context) =>
        _forward(context.Samples, context.Span(_input.Values), context.Span(Output.Values));

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
        _backward(context.Samples, context.Span(Output.Gradient!), _input.OpenGradient(context));
        _input.CloseGradient(context);
    }

    public override void Forward(in DeviceContext context) =>
        context.Queue.AveragePoolForward(
            _shape, context.Samples, context.At(_input.Values), context.At(Output.Values));

    public override void Backward(in DeviceContext context)
    {
        if (_input.Gradient is not { } gradient)
            return;
        context.Queue.AveragePoolBackward(
            _shape with { InPitch = gradient.Pitch }, context.Samples, context.At(Output.Gradient!),
            context.At(gradient), _input.Adds);
    }
}
