using System.Text.Json;

namespace Distributed.Learning;

/// <summary>
/// Batch normalisation (Ioffe and Szegedy 2015) of every channel over samples and pixels: output = (input - mean) /
/// sqrt(variance + epsilon) weight + bias, as PyTorch's. In training the statistics are those of the micro-batch
/// (ghost batch norm, Hoffer et al. 2017), with the biased variance; in evaluation the running ones, which follow the
/// whole mini-batch with the unbiased variance.
/// </summary>
public sealed record BatchNorm2d : Layer
{
    private const double DefaultEpsilon = 1e-5;
    private const double DefaultMomentum = 0.1;

    /// <summary>Added to the variance; above 0.</summary>
    public double Epsilon { get; init; } = DefaultEpsilon;

    /// <summary>Share of each step's statistics in the new running ones, above 0 to 1.</summary>
    public double Momentum { get; init; } = DefaultMomentum;

    /// <inheritdoc/>
    public override string Type => "batchNorm2d";

    internal static BatchNorm2d Read(JsonFields fields) => new()
    {
        Epsilon = fields.Number("epsilon", DefaultEpsilon),
        Momentum = fields.Number("momentum", DefaultMomentum),
    };

    internal override void WriteFields(Utf8JsonWriter writer)
    {
        if (Epsilon != DefaultEpsilon)
            writer.WriteNumber("epsilon", Epsilon);
        if (Momentum != DefaultMomentum)
            writer.WriteNumber("momentum", Momentum);
    }

    internal override TensorShape Declare(ModelDeclaration model, string name, TensorShape input)
    {
        model.RequireImage(name, this, input);
        if (Epsilon is not > 0)
            throw model.Mistake(name, this, $"epsilon must be above 0, got {Epsilon}");
        if (Momentum is not (> 0 and <= 1))
            throw model.Mistake(name, this, $"momentum must be above 0 and at most 1, got {Momentum}");
        model.AddBatchNorm(name, this, input.Channels, Momentum);
        return model.AddLayer(name, this, input, multiplyAdds: 0);
    }

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input)
    {
        var step = new BatchNormStep(plan, name, Epsilon, input);
        plan.Add(step);
        return step.Output;
    }
}
