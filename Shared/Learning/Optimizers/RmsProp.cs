using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// RMSProp (Tieleman and Hinton 2012), as <c>torch.optim.RMSprop</c>: g = gradient + weightDecay * p; square = alpha *
/// square + (1 - alpha) * g^2; d = g / (sqrt(square) + epsilon); with momentum buffer = momentum * buffer + d, d =
/// buffer; p -= rate * d.
/// </summary>
/// <param name="Alpha">Share of the old mean square that stays, 0 to below 1.</param>
/// <param name="Epsilon">Keeps the divisor from 0; above 0.</param>
/// <param name="Momentum">0 to below 1.</param>
/// <param name="WeightDecay">L2 penalty, 0 or more.</param>
public sealed record RmsProp(
    double Alpha = 0.99, double Epsilon = 1e-8, double Momentum = 0, double WeightDecay = 0) : Optimizer
{
    private static readonly string[] Squares = ["meanSquare"];
    private static readonly string[] SquaresAndMomenta = ["meanSquare", "momentum"];

    /// <inheritdoc/>
    public override string Name => "rmsprop";

    /// <inheritdoc/>
    public override IReadOnlyList<string> StateNames => Momentum == 0 ? Squares : SquaresAndMomenta;

    /// <inheritdoc/>
    public override void Step(
        in OptimizerStep step, Span<float> parameters, Span<float> gradientSum, ReadOnlySpan<NativeBuffer> states)
    {
        var momentumBuffer = Momentum == 0 ? default : states[1].Span.Slice(step.Start, step.Length);
        RmsPropUpdate.Run(
            parameters.Slice(step.Start, step.Length), gradientSum.Slice(step.Start, step.Length),
            states[0].Span.Slice(step.Start, step.Length), momentumBuffer, step.GradientScale,
            (float)step.LearningRate, (float)Alpha, (float)(1 - Alpha), (float)Epsilon, (float)Momentum,
            (float)DecayOf(step));
    }

    internal static RmsProp Read(JsonFields fields)
    {
        var rmsProp = new RmsProp(
            fields.Share("alpha", 0.99), fields.Number("epsilon", 1e-8), fields.Share("momentum", 0),
            fields.Number("weightDecay", 0));
        fields.Require(rmsProp.Epsilon > 0, "epsilon", "above 0", rmsProp.Epsilon);
        return rmsProp;
    }

    internal override void WriteFields(Utf8JsonWriter writer)
    {
        writer.WriteNumber("alpha", Alpha);
        writer.WriteNumber("epsilon", Epsilon);
        writer.WriteNumber("momentum", Momentum);
        writer.WriteNumber("weightDecay", WeightDecay);
    }
}
