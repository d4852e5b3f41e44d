using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>output = input weight^T + bias, as PyTorch's: weight[output][input].</summary>
public sealed record Linear(int Outputs) : Layer
{
    /// <summary>Whether a value an output is added.</summary>
    public bool Bias { get; init; } = true;

    /// <summary>How the weight starts.</summary>
    public Initialization Initialization { get; init; }

    /// <inheritdoc/>
    public override string Type => "linear";

    internal static Linear Read(JsonFields fields) =>
        new(fields.Integer("outputs"))
        {
            Bias = fields.Flag("bias", true),
            Initialization = Initialization.Read(fields),
        };

    internal override void WriteFields(Utf8JsonWriter writer)
    {
        writer.WriteNumber("outputs", Outputs);
        if (!Bias)
            writer.WriteBoolean("bias", false);
        Initialization.Write(writer);
    }

    internal override TensorShape Declare(ModelDeclaration model, string name, TensorShape input)
    {
        if (!input.IsFlat)
            throw model.Mistake(name, this, $"its input {input} is an image; put a flatten layer in front");
        model.RequireSize(name, this, "outputs", Outputs);
        var weights = model.AddWeight(name, this, Outputs, input, Initialization);
        if (Bias)
            model.AddBias(name, this, Outputs);
        return model.AddLayer(name, this, TensorShape.Features(Outputs), multiplyAdds: weights);
    }

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input)
    {
        var step = new LinearStep(plan, name, new LinearShape(input.Shape.Length, Outputs), input);
        plan.Add(step);
        return step.Output;
    }

    private sealed class LinearStep : AffineStep
    {
        private readonly LinearShape _shape;

        public LinearStep(PlanCompiler plan, string name, LinearShape shape, PlanTensor input)
            : base(plan, name, input, TensorShape.Features(shape.Outputs), slices: false)
        {
            _shape = shape;
            Reserve(plan, new AffineLengths(
                LinearForward.PackedLength(shape), LinearForward.ScratchLength(shape),
                LinearBackwardData.PackedLength(shape), LinearBackwardData.ScratchLength(shape),
                LinearBackwardWeights.ScratchLength(shape)));
        }

        protected override void PackForward(ReadOnlySpan<float> weights, Span<float> packed) =>
            LinearForward.Pack(_shape, weights, packed);

        protected override void PackBackward(ReadOnlySpan<float> weights, Span<float> packed) =>
            LinearBackwardData.Pack(_shape, weights, packed);

        protected override void RunForward(
            int samples, ReadOnlySpan<float> input, ReadOnlySpan<float> packed, ReadOnlySpan<float> bias,
            Span<float> output, bool relu, Span<float> scratch) =>
            LinearForward.Run(_shape, samples, input, packed, bias, output, relu, scratch);

        protected override void RunBackwardData(
            int samples, ReadOnlySpan<float> outputGradient, ReadOnlySpan<float> packed, Span<float> inputGradient,
            bool accumulate, Span<float> scratch) =>
            LinearBackwardData.Run(_shape, samples, outputGradient, packed, inputGradient, scratch, accumulate);

        protected override void RunBackwardWeights(
            int samples, ReadOnlySpan<float> input, ReadOnlySpan<float> outputGradient, Span<float> weightGradient,
            Span<float> scratch) =>
            LinearBackwardWeights.Run(_shape, samples, input, outputGradient, weightGradient, scratch);
    }
}
