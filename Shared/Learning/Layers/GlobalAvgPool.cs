using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>The mean of every channel, as PyTorch's <c>AdaptiveAvgPool2d(1)</c>: an image of one pixel.</summary>
public sealed record GlobalAvgPool : Layer
{
    /// <inheritdoc/>
    public override string Type => "globalAvgPool";

    internal override void WriteFields(Utf8JsonWriter writer)
    {
    }

    internal override TensorShape Declare(ModelDeclaration model, string name, TensorShape input)
    {
        model.RequireImage(name, this, input);
        return model.AddLayer(name, this, input with { Height = 1, Width = 1 }, multiplyAdds: 0);
    }

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input)
    {
        var (pixels, channels) = (input.Shape.Height * input.Shape.Width, input.Shape.Channels);
        return new AverageStep(
            plan, input, new PoolShape(input.Shape.Height, input.Shape.Width, channels, input.Shape.Height,
                input.Shape.Width, 1, 1),
            (batch, x, y) => GlobalAveragePool.Forward(pixels, channels, batch, x, y),
            (batch, dy, dx) => GlobalAveragePool.Backward(pixels, channels, batch, dy, dx)).Output;
    }
}
