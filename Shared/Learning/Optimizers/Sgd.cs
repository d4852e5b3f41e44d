using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// Stochastic gradient descent, as <c>torch.optim.SGD</c>: d = gradient + weightDecay * p; buffer = momentum * buffer +
/// d; p -= rate * (nesterov ? d + momentum * buffer : buffer). Weight decay applies to biases too. Without momentum
/// there is no state.
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
    public override void Step(
        int start, int length, Span<float> parameters, ReadOnlySpan<float> gradientSum,
        ReadOnlySpan<NativeBuffer> states, float gradientScale, float learningRate)
    {
        var momentumBuffer = Momentum == 0 ? default : states[0].Span.Slice(start, length);
        SgdUpdate.Run(
            parameters.Slice(start, length), gradientSum.Slice(start, length), momentumBuffer, gradientScale,
            learningRate, (float)Momentum, (float)WeightDecay, Nesterov);
    }

    internal static Sgd Read(JsonFields fields)
    {
        var momentum = fields.Number("momentum", 0.9);
        var sgd = new Sgd(momentum, fields.Flag("nesterov", momentum != 0), fields.Number("weightDecay", 5e-4));
        if (sgd.Momentum is < 0 or >= 1)
            throw new ModelException($"{fields.Where}: momentum must be at least 0 and below 1, got {sgd.Momentum}.");
        if (sgd.WeightDecay < 0)
            throw new ModelException($"{fields.Where}: weightDecay must be 0 or more, got {sgd.WeightDecay}.");
        if (sgd is { Nesterov: true, Momentum: 0 })
            throw new ModelException($"{fields.Where}: nesterov needs a momentum above 0.");
        return sgd;
    }

    internal override void WriteFields(Utf8JsonWriter writer)
    {
        writer.WriteNumber("momentum", Momentum);
        writer.WriteBoolean("nesterov", Nesterov);
        writer.WriteNumber("weightDecay", WeightDecay);
    }
}
