using System.Text.Json;

namespace Distributed.Learning;

/// <summary>
/// x Phi(x), with Phi the normal distribution's function (Hendrycks and Gimpel 2016), as PyTorch's default.
/// </summary>
public sealed record Gelu : Layer
{
    /// <inheritdoc/>
    public override string Type => "gelu";

    internal override TensorShape Declare(ModelDeclaration model, string name, TensorShape input) =>
        model.AddLayer(name, this, input, multiplyAdds: 0);

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input) =>
        new ActivationStep(plan, input, Numerics.Gelu.Forward, Numerics.Gelu.Backward, derivesFromInput: true).Output;

    internal override void WriteFields(Utf8JsonWriter writer)
    {
    }
}
