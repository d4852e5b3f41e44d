namespace Distributed.Checkpoints;

/// <summary>One tensor of a safetensors file, as its header names it.</summary>
/// <param name="Name">The tensor's name, for instance <c>0.weight</c>.</param>
/// <param name="DataType">The element type as the format spells it, for instance <c>F32</c>.</param>
/// <param name="Shape">The dimensions, outermost first; empty for a scalar.</param>
/// <param name="Offset">The first byte, counted from the start of the data (after the header).</param>
/// <param name="ByteLength">The tensor's length in bytes.</param>
public sealed record TensorEntry(string Name, string DataType, int[] Shape, long Offset, long ByteLength)
{
    /// <summary>The only element type that is read and written here: IEEE single precision, little-endian.</summary>
    public const string Float32 = "F32";

    /// <summary>The number of elements: the product of the shape.</summary>
    public long Count => Shape.Aggregate(1L, (product, size) => product * size);
}
