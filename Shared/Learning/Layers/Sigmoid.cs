using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>1 / (1 + e^-x).</summary>
public sealed record Sigmoid : Activation
{
    /// <inheritdoc/>
    public override string Type => "sigmoid";

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input) =>
        new ActivationStep(
            plan, input, DeviceActivation.Sigmoid, Numerics.Sigmoid.Forward, Numerics.Sigmoid.Backward).Output;
}
