using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// x Phi(x), with Phi the normal distribution's function (Hendrycks and Gimpel 2016), as PyTorch's default.
/// </summary>
public sealed record Gelu : Activation
{
    /// <inheritdoc/>
    public override string Type => "gelu";

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input) =>
        new ActivationStep(
            plan, input, DeviceActivation.Gelu, Numerics.Gelu.Forward, Numerics.Gelu.Backward,
            derivesFromInput: true).Output;
}
