using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>x where it is positive, else slope x (Maas et al. 2013).</summary>
public sealed record LeakyRelu : Layer
{
    private const double DefaultSlope = 0.01;

    /// <summary>Factor of what isn't positive, 0 to 1.</summary>
    public double Slope { get; init; } = DefaultSlope;

    /// <inheritdoc/>
    public override string Type => "leakyRelu";

    internal static LeakyRelu Read(JsonFields fields) => new() { Slope = fields.Number("slope", DefaultSlope) };

    internal override void WriteFields(Utf8JsonWriter writer)
    {
        if (Slope != DefaultSlope)
            writer.WriteNumber("slope", Slope);
    }

    internal override TensorShape Declare(ModelDeclaration model, string name, TensorShape input)
    {
        if (Slope is not (>= 0 and <= 1))
            throw model.Mistake(name, this, $"slope must be between 0 and 1, got {Slope}");
        return model.AddLayer(name, this, input, multiplyAdds: 0);
    }

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input)
    {
        var slope = (float)Slope;
        return new ActivationStep(
            plan, input, DeviceActivation.LeakyRelu,
            (in s, batch, x, y) => Numerics.LeakyRelu.Forward(s, batch, x, y, slope),
            (in s, batch, y, dy, dx, accumulate) =>
                Numerics.LeakyRelu.Backward(s, batch, y, dy, dx, accumulate, slope), slope: slope).Output;
    }
}
