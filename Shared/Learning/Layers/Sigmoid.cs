using System.Text.Json;

namespace Distributed.Learning;

/// <summary>1 / (1 + e^-x).</summary>
public sealed record Sigmoid : Layer
{
    /// <inheritdoc/>
    public override string Type => "sigmoid";

    internal override TensorShape Declare(ModelDeclaration model, string name, TensorShape input) =>
        model.AddLayer(name, this, input, multiplyAdds: 0);

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input) =>
        new ActivationStep(plan, input, Numerics.Sigmoid.Forward, Numerics.Sigmoid.Backward).Output;

    internal override void WriteFields(Utf8JsonWriter writer)
    {
    }
}
