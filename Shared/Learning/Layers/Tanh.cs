using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>The hyperbolic tangent.</summary>
public sealed record Tanh : Activation
{
    /// <inheritdoc/>
    public override string Type => "tanh";

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input) =>
        new ActivationStep(
            plan, input, DeviceActivation.Tanh, Numerics.Tanh.Forward, Numerics.Tanh.Backward).Output;
}
