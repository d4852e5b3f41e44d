using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// The mean of each window, as PyTorch's: padding counts as zeros. Output size: floor((size + 2 padding - kernel) /
/// stride) + 1.
/// </summary>
public sealed record AvgPool2d(Size2d Kernel) : Layer
{
    /// <summary>Step between windows; the kernel's size unless said otherwise.</summary>
    public Size2d Stride { get; init; } = Kernel;

    /// <summary>Zero rows and columns added on each side; at most half the kernel.</summary>
    public Size2d Padding { get; init; } = 0;

    /// <inheritdoc/>
    public override string Type => "avgPool2d";

    internal static AvgPool2d Read(JsonFields fields)
    {
        var kernel = fields.Size("kernel");
        return new AvgPool2d(kernel) { Stride = fields.Size("stride", kernel), Padding = fields.Size("padding", 0) };
    }

    internal override void WriteFields(Utf8JsonWriter writer)
    {
        Kernel.Write(writer, "kernel");
        if (Stride != Kernel)
            Stride.Write(writer, "stride");
        if (Padding != 0)
            Padding.Write(writer, "padding");
    }

    internal override TensorShape Declare(ModelDeclaration model, string name, TensorShape input) =>
        model.AddLayer(name, this, model.PoolOutput(name, this, input, Kernel, Stride, Padding), multiplyAdds: 0);

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input)
    {
        var shape = new PoolShape(
            input.Shape.Height, input.Shape.Width, input.Shape.Channels, Kernel.Height, Kernel.Width,
            Stride.Height, Stride.Width, Padding.Height, Padding.Width);
        return new AverageStep(
            plan, input, shape,
            (batch, x, y) => AveragePool.Forward(shape, batch, x, y),
            (batch, dy, dx) => AveragePool.Backward(shape, batch, dy, dx)).Output;
    }
}
