using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// Layer-wise adaptive moments (You et al. 2019, algorithm 2), for large batches. For each tensor d = <see
/// cref="Adam"/>'s bias-corrected mean / (root + epsilon) + weightDecay * p; p -= rate * |p| / |d| * d. The ratio of
/// the norms is 1 where one is 0, and for what weight decay leaves out.
/// </summary>
/// <param name="Beta1">Share of the old mean that stays, 0 to below 1.</param>
/// <param name="Beta2">Share of the old mean square that stays, 0 to below 1.</param>
/// <param name="Epsilon">Keeps the divisor from 0; above 0.</param>
/// <param name="WeightDecay">Share of a weight in its direction, 0 or more.</param>
public sealed record Lamb(
    double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-6, double WeightDecay = 0.01) : Optimizer
{
    /// <inheritdoc/>
    public override string Name => "lamb";

    /// <inheritdoc/>
    public override IReadOnlyList<string> StateNames => AdamSettings.States;

    /// <inheritdoc/>
    public override double DefaultLearningRate => 0.01;

    internal override bool IsPerTensor => true;

    /// <inheritdoc/>
    public override void Step(
        in OptimizerStep step, Span<float> parameters, Span<float> gradientSum, ReadOnlySpan<NativeBuffer> states)
    {
        var p = parameters.Slice(step.Start, step.Length);
        var direction = gradientSum.Slice(step.Start, step.Length);
        var coefficients = new AdamSettings(Beta1, Beta2, Epsilon).Coefficients(step, decay: 0);
        AdamUpdate.LambDirection(
            p, direction, states[0].Span.Slice(step.Start, step.Length),
            states[1].Span.Slice(step.Start, step.Length), coefficients, (float)DecayOf(step));
        var ratio = 1.0;
        if (step.Decays)
        {
            var (weight, length) = (Math.Sqrt(SquareSum.Run(p)), Math.Sqrt(SquareSum.Run(direction)));
            ratio = weight > 0 && length > 0 ? weight / length : 1;
        }
        Elementwise.MultiplyAdd((float)(-step.LearningRate * ratio), direction, p);
    }

    internal static Lamb Read(JsonFields fields)
    {
        var (beta1, beta2, epsilon) = AdamSettings.Read(fields, 1e-6);
        return new Lamb(beta1, beta2, epsilon, fields.Number("weightDecay", 0.01));
    }

    internal override void WriteFields(Utf8JsonWriter writer) =>
        new AdamSettings(Beta1, Beta2, Epsilon).Write(writer, WeightDecay);
}
