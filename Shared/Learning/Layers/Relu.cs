using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>max(x, 0). Behind a convolution or linear layer it costs nothing: it is computed as they write.</summary>
public sealed record Relu : Activation
{
    /// <inheritdoc/>
    public override string Type => "relu";

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input)
    {
        if (input.Values.IsUnread && input.Producer is { } producer && producer.FuseRelu())
            return input;
        var step = new ReluStep(plan, input);
        plan.Add(step);
        return step.Output;
    }

    /// <summary>A ReLU of its own, where none could be fused. The mask needs the output alone.</summary>
    private sealed class ReluStep : PlanStep
    {
        private readonly PlanRead _input;

        public ReluStep(PlanCompiler plan, PlanTensor input)
        {
            _input = plan.Read(input, slices: true);
            Output = plan.Tensor(input.Shape, this, input.Gradient is not null, slices: true);
        }

        public PlanTensor Output { get; }

        public override bool TakesLeaves => true;

        public override void ForwardUses(BufferUses uses) => uses.Touch(_input.Values, Output.Values);

        public override void Forward(in StepContext context) =>
            Numerics.Relu.Forward(
                Output.PixelShape(_input.Values, Output.Values), context.Samples, context.Span(_input.Values),
                context.Span(Output.Values));

        public override void BackwardUses(BufferUses uses)
        {
            if (_input.Gradient is null)
                return;
            uses.Touch(Output.Values, Output.Gradient!);
            _input.GradientUses(uses);
        }

        public override void Backward(in StepContext context)
        {
            if (_input.Gradient is null)
                return;
            var target = _input.OpenGradient(context, out var pitch);
            Numerics.Relu.Backward(
                Output.PixelShape(pitch, Output.Gradient!.Pitch), context.Samples, context.Span(Output.Values),
                Output.Values.Pitch, context.Span(Output.Gradient!), target);
            _input.CloseGradient(context);
        }

        public override void Forward(in DeviceContext context) =>
            context.Queue.ActivationForward(
                DeviceActivation.Relu, 0, Output.PixelShape(_input.Values, Output.Values), context.Samples,
                context.At(_input.Values), context.At(Output.Values));

        public override void Backward(in DeviceContext context)
        {
            if (_input.Gradient is not { } gradient)
                return;
            context.Queue.ActivationBackward(
                DeviceActivation.Relu, 0, Output.PixelShape(gradient, Output.Gradient!), context.Samples,
                context.At(Output.Values), Output.Values.Pitch, context.At(Output.Gradient!), context.At(gradient),
                _input.Adds);
        }
    }
}
