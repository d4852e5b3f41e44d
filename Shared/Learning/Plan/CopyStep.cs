using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// Copies a tensor into channels of a wider one, where its producer couldn't write there: the model's input, or a
/// tensor that others read later or that is in another wider one already.
/// </summary>
internal sealed class CopyStep : PlanStep
{
    private readonly PlanRead _input;
    private readonly PlanBuffer _values;
    private readonly PlanBuffer? _gradient;

    public CopyStep(PlanCompiler plan, PlanTensor wider, int start, PlanTensor input)
    {
        _input = plan.Read(input, slices: true);
        var slice = plan.Tensor(input.Shape, this, input.Gradient is not null, slices: true);
        (_values, _gradient) = (slice.Values, slice.Gradient);
        plan.PlaceIn(wider, start, slice);
    }

    public override void ForwardUses(BufferUses uses) => uses.Touch(_input.Values, _values);

    public override void Forward(in StepContext context) =>
        Pixels.Copy(
            _input.Tensor.PixelShape(_input.Values, _values), context.Samples, context.Span(_input.Values),
            context.Span(_values));

    public override void BackwardUses(BufferUses uses)
    {
        if (_input.Gradient is { } gradient)
            uses.Touch(gradient, _gradient!);
    }

    public override void Backward(in StepContext context)
    {
        if (_input.Gradient is not { } gradient)
            return;
        var shape = _input.Tensor.PixelShape(_gradient!, gradient);
        if (_input.Adds)
            Pixels.Add(shape, context.Samples, context.Span(_gradient!), context.Span(gradient));
        else
            Pixels.Copy(shape, context.Samples, context.Span(_gradient!), context.Span(gradient));
    }

    public override void Forward(in DeviceContext context) =>
        context.Queue.Copy(
            _input.Tensor.PixelShape(_input.Values, _values), context.Samples, context.At(_input.Values),
            context.At(_values), accumulate: false);

    public override void Backward(in DeviceContext context)
    {
        if (_input.Gradient is not { } gradient)
            return;
        context.Queue.Copy(
            _input.Tensor.PixelShape(_gradient!, gradient), context.Samples, context.At(_gradient!),
            context.At(gradient), _input.Adds);
    }
}
