using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// Stochastic gradient descent, as <c>torch.optim.SGD</c>: d = gradient + weightDecay * p; buffer = momentum * buffer +
/// d; p -= rate * (nesterov ? d + momentum * buffer : buffer). Without momentum there is no state.
/// </summary>
/// <param name="Momentum">0 to below 1.</param>
/// <param name="Nesterov">Whether the gradient is taken one step ahead; needs momentum.</param>
/// <param name="WeightDecay">L2 penalty, 0 or more.</param>
public sealed record Sgd(double Momentum = 0.9, bool Nesterov = true, double WeightDecay = 5e-4) : Optimizer
{
    private static readonly string[] Momenta = ["momentum"];

    /// <inheritdoc/>
    public override string Name => "sgd";

    /// <inheritdoc/>
    public override IReadOnlyList<string> StateNames => Momentum == 0 ? [] : Momenta;

    /// <inheritdoc/>
    public override double DefaultLearningRate => 0.05;

    /// <inheritdoc/>
    public override void Step(
        in OptimizerStep step, Span<float> parameters, Span<float> gradientSum, ReadOnlySpan<NativeBuffer> states)
    {
        var momentumBuffer = Momentum == 0 ? default : states[0].Span.Slice(step.Start, step.Length);
        SgdUpdate.Run(
            parameters.Slice(step.Start, step.Length), gradientSum.Slice(step.Start, step.Length), momentumBuffer,
            step.GradientScale, (float)step.LearningRate, (float)Momentum, (float)DecayOf(step), Nesterov);
    }

    internal static Sgd Read(JsonFields fields)
    {
        var momentum = fields.Share("momentum", 0.9);
        var sgd = new Sgd(momentum, fields.Flag("nesterov", momentum != 0), fields.Number("weightDecay", 5e-4));
        return sgd is not { Nesterov: true, Momentum: 0 }
            ? sgd
            : throw new ModelException($"{fields.Where}: nesterov needs a momentum above 0.");
    }

    internal override void WriteFields(Utf8JsonWriter writer)
    {
        writer.WriteNumber("momentum", Momentum);
        writer.WriteBoolean("nesterov", Nesterov);
        writer.WriteNumber("weightDecay", WeightDecay);
    }
}
