using System.Text.Json;

namespace Distributed.Learning;

/// <summary>The hyperbolic tangent.</summary>
public sealed record Tanh : Layer
{
    /// <inheritdoc/>
    public override string Type => "tanh";

    internal override TensorShape Declare(ModelDeclaration model, string name, TensorShape input) =>
        model.AddLayer(name, this, input, multiplyAdds: 0);

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input) =>
        new ActivationStep(plan, input, Numerics.Tanh.Forward, Numerics.Tanh.Backward).Output;

    internal override void WriteFields(Utf8JsonWriter writer)
    {
    }
}
