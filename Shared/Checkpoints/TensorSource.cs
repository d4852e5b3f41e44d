namespace Distributed.Checkpoints;

/// <summary>
/// Writes one tensor's elements, in PyTorch's order and shape and without padding, into
/// <paramref name="destination"/>, whose length is the tensor's count. Called once a save.
/// </summary>
/// <param name="destination">Where every element goes.</param>
public delegate void TensorFill(Span<float> destination);

/// <summary>A tensor to be saved: its name, its shape, and the code that produces its elements when asked.</summary>
public sealed class TensorSource
{
    /// <summary>Describes a tensor whose elements are produced when they are written.</summary>
    /// <param name="name">The name, printable ASCII, without duplicates in one file.</param>
    /// <param name="shape">The dimensions, outermost first; empty for a scalar.</param>
    /// <param name="fill">Produces the elements.</param>
    public TensorSource(string name, IReadOnlyList<int> shape, TensorFill fill)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(fill);
        if (name == SafeTensorsHeader.MetadataKey || name.Any(letter => letter is < ' ' or > '~'))
        {
            throw new ArgumentException($"A tensor's name must be printable ASCII, not '{name}'.", nameof(name));
        }

        Name = name;
        Shape = [.. shape];
        Count = 1;
        foreach (int size in Shape)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(size, nameof(shape));
            Count = checked(Count * size);
        }

        Fill = fill;
    }

    /// <summary>Describes a tensor whose elements already lie in memory.</summary>
    /// <param name="name">The name.</param>
    /// <param name="shape">The dimensions.</param>
    /// <param name="values">The elements; read when the tensor is written.</param>
    public TensorSource(string name, IReadOnlyList<int> shape, ReadOnlyMemory<float> values)
        : this(name, shape, destination => values.Span.CopyTo(destination))
    {
        if (values.Length != Count)
        {
            throw new ArgumentException(
                $"Tensor '{name}' needs {Count} elements, not {values.Length}.", nameof(values));
        }
    }

    /// <summary>The tensor's name.</summary>
    public string Name { get; }

    /// <summary>The dimensions, outermost first.</summary>
    public IReadOnlyList<int> Shape { get; }

    /// <summary>The number of elements.</summary>
    public int Count { get; }

    /// <summary>Produces the elements.</summary>
    public TensorFill Fill { get; }
}
