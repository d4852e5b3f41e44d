using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// Adam (Kingma and Ba 2014), as <c>torch.optim.Adam</c>: g = gradient + weightDecay * p; mean = beta1 * mean + (1 -
/// beta1) * g; square = beta2 * square + (1 - beta2) * g^2; p -= rate * (mean / (1 - beta1^step)) / (sqrt(square / (1 -
/// beta2^step)) + epsilon).
/// </summary>
/// <param name="Beta1">Share of the old mean that stays, 0 to below 1.</param>
/// <param name="Beta2">Share of the old mean square that stays, 0 to below 1.</param>
/// <param name="Epsilon">Keeps the divisor from 0; above 0.</param>
/// <param name="WeightDecay">L2 penalty, 0 or more.</param>
public sealed record Adam(
    double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8, double WeightDecay = 0) : Optimizer
{
    /// <inheritdoc/>
    public override string Name => "adam";

    /// <inheritdoc/>
    public override IReadOnlyList<string> StateNames => AdamSettings.States;

    /// <inheritdoc/>
    public override void Step(
        in OptimizerStep step, Span<float> parameters, Span<float> gradientSum, ReadOnlySpan<NativeBuffer> states)
    {
        new AdamSettings(Beta1, Beta2, Epsilon).Update(
            step, parameters, gradientSum, states, DecayOf(step), shrink: 1);
    }

    internal static Adam Read(JsonFields fields)
    {
        var (beta1, beta2, epsilon) = AdamSettings.Read(fields, 1e-8);
        return new Adam(beta1, beta2, epsilon, fields.Number("weightDecay", 0));
    }

    internal override void WriteFields(Utf8JsonWriter writer) =>
        new AdamSettings(Beta1, Beta2, Epsilon).Write(writer, WeightDecay);
}

/// <summary>What Adam, AdamW and LAMB have in common.</summary>
internal readonly record struct AdamSettings(double Beta1, double Beta2, double Epsilon)
{
    /// <summary>The names of the state blocks.</summary>
    public static readonly string[] States = ["mean", "meanSquare"];

    public static AdamSettings Read(JsonFields fields, double epsilon)
    {
        var settings = new AdamSettings(
            fields.Share("beta1", 0.9), fields.Share("beta2", 0.999), fields.Number("epsilon", epsilon));
        fields.Require(settings.Epsilon > 0, "epsilon", "above 0", settings.Epsilon);
        return settings;
    }

    public void Write(Utf8JsonWriter writer, double weightDecay)
    {
        writer.WriteNumber("beta1", Beta1);
        writer.WriteNumber("beta2", Beta2);
        writer.WriteNumber("epsilon", Epsilon);
        writer.WriteNumber("weightDecay", weightDecay);
    }

    /// <summary>A step with so much decay in the gradient, and weights scaled first.</summary>
    public void Update(
        in OptimizerStep step, Span<float> parameters, Span<float> gradientSum, ReadOnlySpan<NativeBuffer> states,
        double decay, float shrink) =>
        AdamUpdate.Run(
            parameters.Slice(step.Start, step.Length), gradientSum.Slice(step.Start, step.Length),
            states[0].Span.Slice(step.Start, step.Length), states[1].Span.Slice(step.Start, step.Length),
            Coefficients(step, decay), (float)step.LearningRate, shrink);

    /// <summary>The kernel's factors for a step, computed in double and rounded once.</summary>
    public AdamCoefficients Coefficients(in OptimizerStep step, double decay) =>
        new(step.GradientScale, (float)Beta1, (float)Beta2, (float)Epsilon, (float)decay)
        {
            Rest1 = (float)(1 - Beta1),
            Rest2 = (float)(1 - Beta2),
            MeanCorrection = (float)(1 / (1 - Power(Beta1, step.Number))),
            RootCorrection = (float)(1 / Math.Sqrt(1 - Power(Beta2, step.Number))),
        };

    /// <summary>x^n by repeated squaring, the same bits everywhere.</summary>
    private static double Power(double x, long n)
    {
        var power = 1.0;
        for (; n > 0; n >>= 1)
        {
            if ((n & 1) != 0)
                power *= x;
            x *= x;
        }
        return power;
    }
}
