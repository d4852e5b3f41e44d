using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// Adam with weight decay apart from the gradient (Loshchilov and Hutter 2017), as <c>torch.optim.AdamW</c>:
/// p *= 1 - rate * weightDecay, then <see cref="Adam"/>'s step without decay.
/// </summary>
/// <param name="Beta1">Share of the old mean that stays, 0 to below 1.</param>
/// <param name="Beta2">Share of the old mean square that stays, 0 to below 1.</param>
/// <param name="Epsilon">Keeps the divisor from 0; above 0.</param>
/// <param name="WeightDecay">Share of a weight that a step of rate 1 takes away, 0 or more.</param>
public sealed record AdamW(
    double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8, double WeightDecay = 0.01) : Optimizer
{
    /// <inheritdoc/>
    public override string Name => "adamw";

    /// <inheritdoc/>
    public override IReadOnlyList<string> StateNames => AdamSettings.States;

    /// <inheritdoc/>
    public override void Step(
        in OptimizerStep step, Span<float> parameters, Span<float> gradientSum, ReadOnlySpan<NativeBuffer> states)
    {
        new AdamSettings(Beta1, Beta2, Epsilon).Update(
            step, parameters, gradientSum, states, decay: 0,
            shrink: (float)(1 - step.LearningRate * DecayOf(step)));
    }

    internal static AdamW Read(JsonFields fields)
    {
        var (beta1, beta2, epsilon) = AdamSettings.Read(fields, 1e-8);
        return new AdamW(beta1, beta2, epsilon, fields.Number("weightDecay", 0.01));
    }

    internal override void WriteFields(Utf8JsonWriter writer) =>
        new AdamSettings(Beta1, Beta2, Epsilon).Write(writer, WeightDecay);
}
