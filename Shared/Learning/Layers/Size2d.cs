using System.Text.Json;

namespace Distributed.Learning;

/// <summary>A height and a width in pixels: of a kernel, a stride or a padding. A single number means both.</summary>
public readonly record struct Size2d(int Height, int Width)
{
    /// <summary>The same number for both directions.</summary>
    public static implicit operator Size2d(int both) => new(both, both);

    /// <summary>For instance 3x3.</summary>
    public override string ToString() => $"{Height}x{Width}";

    /// <summary>Writes a number when both directions are equal, else [height, width].</summary>
    internal void Write(Utf8JsonWriter writer, string name)
    {
        if (Height == Width)
        {
            writer.WriteNumber(name, Height);
            return;
        }
        writer.WriteStartArray(name);
        writer.WriteNumberValue(Height);
        writer.WriteNumberValue(Width);
        writer.WriteEndArray();
    }
}
