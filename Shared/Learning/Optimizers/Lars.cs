using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// Layer-wise adaptive rate scaling (You, Gitman and Ginsburg 2017, algorithm 1), for large batches. For each tensor
/// ratio = trust * |p| / (|gradient| + weightDecay * |p|); buffer = momentum * buffer + rate * ratio * (gradient +
/// weightDecay * p); p -= buffer. The ratio is 1 where a norm is 0, and for what weight decay leaves out.
/// </summary>
/// <param name="Momentum">0 to below 1.</param>
/// <param name="WeightDecay">L2 penalty, 0 or more.</param>
/// <param name="Trust">How far a layer may move relative to its norm (the paper's eta); above 0.</param>
public sealed record Lars(double Momentum = 0.9, double WeightDecay = 1e-4, double Trust = 0.001) : Optimizer
{
    private static readonly string[] Momenta = ["momentum"];

    /// <inheritdoc/>
    public override string Name => "lars";

    /// <inheritdoc/>
    public override IReadOnlyList<string> StateNames => Momentum == 0 ? [] : Momenta;

    /// <inheritdoc/>
    public override double DefaultLearningRate => 5;

    internal override bool IsPerTensor => true;

    /// <inheritdoc/>
    public override void Step(
        in OptimizerStep step, Span<float> parameters, Span<float> gradientSum, ReadOnlySpan<NativeBuffer> states)
    {
        var p = parameters.Slice(step.Start, step.Length);
        var g = gradientSum.Slice(step.Start, step.Length);
        var rate = step.LearningRate * (step.Decays ? TrustRatio(p, g, step.GradientScale) : 1);

        // With the rate inside the buffer, this is momentum's step at rate 1 with everything else scaled.
        SgdUpdate.Run(
            p, g, Momentum == 0 ? default : states[0].Span.Slice(step.Start, step.Length),
            (float)(rate * step.GradientScale), learningRate: 1, (float)Momentum, (float)(rate * DecayOf(step)),
            nesterov: false);
    }

    internal static Lars Read(JsonFields fields)
    {
        var lars = new Lars(
            fields.Share("momentum", 0.9), fields.Number("weightDecay", 1e-4), fields.Number("trust", 0.001));
        fields.Require(lars.Trust > 0, "trust", "above 0", lars.Trust);
        return lars;
    }

    internal override void WriteFields(Utf8JsonWriter writer)
    {
        writer.WriteNumber("momentum", Momentum);
        writer.WriteNumber("weightDecay", WeightDecay);
        writer.WriteNumber("trust", Trust);
    }

    private double TrustRatio(ReadOnlySpan<float> parameters, ReadOnlySpan<float> gradientSum, float scale)
    {
        var weight = Math.Sqrt(SquareSum.Run(parameters));
        var gradient = Math.Sqrt(SquareSum.Run(gradientSum)) * scale;
        return weight > 0 && gradient > 0 ? Trust * weight / (gradient + WeightDecay * weight) : 1;
    }
}
