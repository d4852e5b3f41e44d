using System.Text.Json;

namespace Distributed.Learning;

/// <summary>
/// input / (k + alpha / size times the sum of squares over size neighbouring channels)^beta (Krizhevsky et al. 2012),
/// as PyTorch's.
/// </summary>
public sealed record LocalResponseNorm(int Size) : Layer
{
    private const double DefaultAlpha = 1e-4;
    private const double DefaultBeta = 0.75;
    private const double DefaultK = 1;

    /// <summary>Weight of the squares; at least 0.</summary>
    public double Alpha { get; init; } = DefaultAlpha;

    /// <summary>Exponent, above 0.</summary>
    public double Beta { get; init; } = DefaultBeta;

    /// <summary>What is added to the squares; above 0.</summary>
    public double K { get; init; } = DefaultK;

    /// <inheritdoc/>
    public override string Type => "localResponseNorm";

    internal static LocalResponseNorm Read(JsonFields fields) => new(fields.Integer("size"))
    {
        Alpha = fields.Number("alpha", DefaultAlpha),
        Beta = fields.Number("beta", DefaultBeta),
        K = fields.Number("k", DefaultK),
    };

    internal override void WriteFields(Utf8JsonWriter writer)
    {
        writer.WriteNumber("size", Size);
        if (Alpha != DefaultAlpha)
            writer.WriteNumber("alpha", Alpha);
        if (Beta != DefaultBeta)
            writer.WriteNumber("beta", Beta);
        if (K != DefaultK)
            writer.WriteNumber("k", K);
    }

    internal override TensorShape Declare(ModelDeclaration model, string name, TensorShape input)
    {
        model.RequireImage(name, this, input);
        model.RequireSize(name, this, "size", Size);
        if (Alpha is not >= 0 || Beta is not > 0 || K is not > 0)
        {
            throw model.Mistake(
                name, this, $"alpha must be at least 0, beta and k above 0, got {Alpha}, {Beta} and {K}");
        }
        return model.AddLayer(name, this, input, multiplyAdds: 0);
    }

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input)
    {
        var step = new LocalResponseNormStep(
            plan, input, new Numerics.LocalResponseNorm(Size, (float)Alpha, (float)Beta, (float)K));
        plan.Add(step);
        return step.Output;
    }

    private sealed class LocalResponseNormStep : PlanStep
    {
        private readonly Numerics.LocalResponseNorm _norm;
        private readonly PlanRead _input;
        private readonly PlanBuffer _scratch;

        public LocalResponseNormStep(PlanCompiler plan, PlanTensor input, Numerics.LocalResponseNorm norm)
        {
            _norm = norm;
            _input = plan.Read(input, slices: true);
            Output = plan.Tensor(input.Shape, this, input.Gradient is not null, slices: true);
            _scratch = plan.Buffer(
                fixedLength: Numerics.LocalResponseNorm.ScratchLength(new(Output.Pixels, Output.Channels)));
        }

        public PlanTensor Output { get; }

        public override bool NeedsOutput => false;

        public override void ForwardUses(BufferUses uses) => uses.Touch(_input.Values, Output.Values, _scratch);

        public override void Forward(in StepContext context) =>
            _norm.Forward(
                Output.PixelShape(_input.Values, Output.Values), context.Samples, context.Span(_input.Values),
                context.Span(Output.Values), context.Span(_scratch));

        public override void BackwardUses(BufferUses uses)
        {
            if (_input.Gradient is { } gradient)
                uses.Touch(_input.Values, Output.Gradient!, gradient, _scratch);
        }

        public override void Backward(in StepContext context)
        {
            if (_input.Gradient is not { } gradient)
                return;
            _norm.Backward(
                Output.PixelShape(gradient, Output.Gradient!), context.Samples, context.Span(_input.Values),
                context.Span(Output.Gradient!), context.Span(gradient), _input.Adds, context.Span(_scratch));
        }

        public override void Forward(in DeviceContext context) =>
            context.Queue.LocalResponseNormForward(
                _norm, Output.PixelShape(_input.Values, Output.Values), context.Samples, context.At(_input.Values),
                context.At(Output.Values));

        public override void Backward(in DeviceContext context)
        {
            if (_input.Gradient is not { } gradient)
                return;
            context.Queue.LocalResponseNormBackward(
                _norm, Output.PixelShape(gradient, Output.Gradient!), context.Samples, context.At(_input.Values),
                context.At(Output.Gradient!), context.At(gradient), _input.Adds);
        }
    }
}
