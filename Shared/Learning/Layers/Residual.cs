using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// output = body(input) + shortcut(input) (He et al. 2015, "Deep Residual Learning for Image Recognition"). The layers
/// are named as two <c>nn.Sequential</c> called body and shortcut: "4.body.0.weight", "4.shortcut.0.weight".
/// </summary>
/// <param name="Body">The layers whose output is added; at least one.</param>
/// <param name="Shortcut">The layers beside it; none: the input itself is added.</param>
public sealed record Residual(Sequential Body, Sequential? Shortcut = null) : Layer
{
    /// <inheritdoc/>
    public override string Type => "residual";

    internal static Residual Read(JsonFields fields) =>
        new(Sequential.Read(fields, "body"), fields.Has("shortcut") ? Sequential.Read(fields, "shortcut") : null);

    internal override void WriteFields(Utf8JsonWriter writer)
    {
        Body.WriteLayers(writer, "body");
        Shortcut?.WriteLayers(writer, "shortcut");
    }

    internal override TensorShape Declare(ModelDeclaration model, string name, TensorShape input)
    {
        if (Body.Layers.Count == 0)
            throw model.Mistake(name, this, "its body has no layer; give it one");
        var output = Body.Declare(model, $"{name}.body", input);
        var beside = Shortcut?.Declare(model, $"{name}.shortcut", input) ?? input;
        if (output != beside)
        {
            throw model.Mistake(
                name, this,
                $"its body's output {output} can't be added to its shortcut's {beside}; " +
                "let the shortcut change the shape as the body does, for instance by a 1x1 convolution");
        }
        return model.AddLayer(name, this, output, multiplyAdds: 0);
    }

    /// <summary>The shortcut comes first, so that the sum can be taken by the body's last step.</summary>
    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input)
    {
        plan.Hold(input);
        var shortcut = Shortcut?.Compile(plan, $"{name}.shortcut", input) ?? input;
        plan.Hold(shortcut);
        var body = Body.Compile(plan, $"{name}.body", input);
        plan.Release(shortcut);
        plan.Release(input);
        if (body.Values.IsUnread && body.Values != shortcut.Values && body.Producer is { } last &&
            last.FuseSum(plan, shortcut))
        {
            return body;
        }
        var step = new SumStep(plan, body, shortcut);
        plan.Add(step);
        return step.Output;
    }

    /// <summary>
    /// The sum, with a ReLU behind it where there is one. Its gradient is also the body's, in the same memory where
    /// nobody else reads the body's output; the shortcut gets a copy.
    /// </summary>
    private sealed class SumStep : PlanStep
    {
        private readonly PlanRead _body;
        private readonly PlanRead _shortcut;
        private bool _relu;

        public SumStep(PlanCompiler plan, PlanTensor body, PlanTensor shortcut)
        {
            var sole = body.Values.IsUnread;
            _body = plan.Read(body);
            _shortcut = plan.Read(shortcut);
            Output = plan.Tensor(
                body.Shape, this, needsGradient: body.Gradient is not null || shortcut.Gradient is not null);
            if (sole && body.Values != shortcut.Values)
                body.Gradient?.Share(Output.Gradient!);
        }

        public PlanTensor Output { get; }

        public override bool NeedsOutput => _relu;

        public override bool TakesLeaves => true;

        public override bool FuseRelu() => _relu = true;

        public override void ForwardUses(BufferUses uses) =>
            uses.Touch(_body.Values, _shortcut.Values, Output.Values);

        public override void Forward(in StepContext context)
        {
            var output = context.Span(Output.Values);
            Elementwise.Add(context.Span(_body.Values), context.Span(_shortcut.Values), output);
            if (_relu)
                Numerics.Relu.Forward(output, output);
        }

        public override void BackwardUses(BufferUses uses)
        {
            if (Output.Gradient is not { } gradient)
                return;
            uses.Touch(gradient);
            if (_relu)
                uses.Touch(Output.Values);
            if (_shortcut.Gradient is { } shortcut)
                uses.Touch(shortcut);
            if (_body.Gradient is { } body)
                uses.Touch(body);
        }

        public override void Backward(in StepContext context)
        {
            if (Output.Gradient is not { } gradient)
                return;
            var values = context.Span(gradient);
            if (_relu)
                Numerics.Relu.Backward(context.Span(Output.Values), values, values);
            _shortcut.Give(context, gradient);
            _body.Give(context, gradient);
        }

        public override void Forward(in DeviceContext context) =>
            context.Queue.Sum(
                context.Samples * Output.Shape.Length, context.At(_body.Values), context.At(_shortcut.Values),
                context.At(Output.Values), _relu);

        public override void Backward(in DeviceContext context)
        {
            if (Output.Gradient is not { } gradient)
                return;
            var values = context.At(gradient);
            if (_relu)
            {
                context.Queue.ActivationBackward(
                    DeviceActivation.Relu, 0, Output.PixelShape(gradient, gradient), context.Samples,
                    context.At(Output.Values), Output.Values.Pitch, values, values, accumulate: false);
            }
            _shortcut.Give(context, gradient);
            _body.Give(context, gradient);
        }
    }
}
