using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>output = f(input), element by element.</summary>
internal delegate void ActivationForward(in PixelShape s, int batch, ReadOnlySpan<float> input, Span<float> output);

/// <summary>inputGradient = (or +=) outputGradient f'(...), from the input or the output.</summary>
internal delegate void ActivationBackward(
    in PixelShape s, int batch, ReadOnlySpan<float> values, ReadOnlySpan<float> outputGradient,
    Span<float> inputGradient, bool accumulate);

/// <summary>The step of a function of single elements that isn't fused into a neighbour.</summary>
internal sealed class ActivationStep : PlanStep
{
    private readonly DeviceActivation _function;
    private readonly float _slope;
    private readonly ActivationForward _forward;
    private readonly ActivationBackward _backward;
    private readonly PlanRead _input;
    private readonly bool _derivesFromInput;

    public ActivationStep(
        PlanCompiler plan, PlanTensor input, DeviceActivation function, ActivationForward forward,
        ActivationBackward backward, bool derivesFromInput = false, float slope = 0)
    {
        (_function, _slope) = (function, slope);
        (_forward, _backward, _derivesFromInput) = (forward, backward, derivesFromInput);
        _input = plan.Read(input, slices: true);
        Output = plan.Tensor(input.Shape, this, input.Gradient is not null, slices: true);
        plan.Add(this);
    }

    public PlanTensor Output { get; }

    public override bool NeedsOutput => !_derivesFromInput;

    private PlanBuffer Values => _derivesFromInput ? _input.Values : Output.Values;

    public override void ForwardUses(BufferUses uses) => uses.Touch(_input.Values, Output.Values);

    public override void Forward(in StepContext context) =>
        _forward(
            Output.PixelShape(_input.Values, Output.Values), context.Samples, context.Span(_input.Values),
            context.Span(Output.Values));

    public override void BackwardUses(BufferUses uses)
    {
        if (_input.Gradient is { } gradient)
            uses.Touch(Values, Output.Gradient!, gradient);
    }

    public override void Backward(in StepContext context)
    {
        if (_input.Gradient is not { } gradient)
            return;
        _backward(
            Output.PixelShape(gradient, Output.Gradient!), context.Samples, context.Span(Values),
            context.Span(Output.Gradient!), context.Span(gradient), _input.Adds);
    }

    public override void Forward(in DeviceContext context) =>
        context.Queue.ActivationForward(
            _function, _slope, Output.PixelShape(_input.Values, Output.Values), context.Samples,
            context.At(_input.Values), context.At(Output.Values));

    public override void Backward(in DeviceContext context)
    {
        if (_input.Gradient is not { } gradient)
            return;
        context.Queue.ActivationBackward(
            _function, _slope, Output.PixelShape(gradient, Output.Gradient!), context.Samples, context.At(Values),
            Values.Pitch, context.At(Output.Gradient!), context.At(gradient), _input.Adds);
    }
}
