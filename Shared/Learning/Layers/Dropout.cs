using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// In training each value is 0 with a probability p and else divided by 1 - p (Srivastava et al. 2014); in evaluation
/// nothing changes. What is dropped is a function of seed, epoch, sample, layer and element.
/// </summary>
/// <param name="Probability">0 to below 1.</param>
public sealed record Dropout(double Probability = 0.5) : Layer
{
    /// <inheritdoc/>
    public override string Type => "dropout";

    internal static Dropout Read(JsonFields fields) => new(fields.Number("probability", 0.5));

    internal override void WriteFields(Utf8JsonWriter writer) => writer.WriteNumber("probability", Probability);

    internal override TensorShape Declare(ModelDeclaration model, string name, TensorShape input)
    {
        if (Probability is not (>= 0 and < 1))
            throw model.Mistake(name, this, $"probability must be at least 0 and below 1, got {Probability}");
        return model.AddLayer(name, this, input, multiplyAdds: 0);
    }

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input)
    {
        var step = new DropoutStep(plan, input, (float)Probability);
        plan.Add(step);
        return step.Output;
    }

    private sealed class DropoutStep : PlanStep
    {
        private readonly float _probability;
        private readonly int _layer;
        private readonly int _maskLength;
        private readonly PlanRead _input;
        private readonly PlanBuffer _masks;

        public DropoutStep(PlanCompiler plan, PlanTensor input, float probability)
        {
            _probability = probability;
            _layer = plan.NextDropout();
            _input = plan.Read(input, slices: true);
            Output = plan.Tensor(input.Shape, this, input.Gradient is not null, slices: true);
            _maskLength = Numerics.Dropout.MaskLength(new PixelShape(Output.Pixels, Output.Channels));
            _masks = plan.Buffer(perSample: _maskLength / sizeof(float));
        }

        public PlanTensor Output { get; }

        public override bool NeedsOutput => false;

        public override void ForwardUses(BufferUses uses) => uses.Touch(_input.Values, Output.Values, _masks);

        public override void Forward(in StepContext context)
        {
            var shape = Output.PixelShape(_input.Values, Output.Values);
            if (context.Keys.IsEmpty)
            {
                Pixels.Copy(shape, context.Samples, context.Span(_input.Values), context.Span(Output.Values));
                return;
            }
            var masks = context.Bytes(_masks);
            for (var sample = 0; sample < context.Samples; sample++)
            {
                Numerics.Dropout.Draw(
                    context.Keys.Random(RandomPurpose.Dropout, _layer, sample), _probability,
                    masks.Slice(sample * _maskLength, _maskLength));
            }
            Numerics.Dropout.Apply(
                shape, context.Samples, masks, _probability, context.Span(_input.Values),
                context.Span(Output.Values), accumulate: false);
        }

        public override void BackwardUses(BufferUses uses)
        {
            if (_input.Gradient is { } gradient)
                uses.Touch(_masks, Output.Gradient!, gradient);
        }

        public override void Backward(in StepContext context)
        {
            if (_input.Gradient is not { } gradient)
                return;
            var shape = Output.PixelShape(Output.Gradient!, gradient);
            var from = context.Span(Output.Gradient!);
            var to = context.Span(gradient);
            if (!context.Keys.IsEmpty)
            {
                Numerics.Dropout.Apply(
                    shape, context.Samples, context.Bytes(_masks), _probability, from, to, _input.Adds);
            }
            else if (_input.Adds)
                Pixels.Add(shape, context.Samples, from, to);
            else
                Pixels.Copy(shape, context.Samples, from, to);
        }

        public override void Forward(in DeviceContext context) =>
            Run(context, _input.Values, Output.Values, accumulate: false);

        public override void Backward(in DeviceContext context)
        {
            if (_input.Gradient is { } gradient)
                Run(context, Output.Gradient!, gradient, _input.Adds);
        }

        /// <summary>A device draws the masks again rather than keep them.</summary>
        private void Run(in DeviceContext context, PlanBuffer from, PlanBuffer to, bool accumulate)
        {
            var shape = Output.PixelShape(from, to);
            if (context.Keys.IsEmpty)
                context.Queue.Copy(shape, context.Samples, context.At(from), context.At(to), accumulate);
            else
            {
                context.Queue.Dropout(
                    shape, context.Samples, context.Keys.Dropout(_layer), _probability, context.At(from),
                    context.At(to), accumulate);
            }
        }
    }
}
