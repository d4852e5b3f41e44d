using Distributed.Numerics;

namespace Distributed.Execution;

/// <summary>A block of floats outside the managed heap: memory of this process, or shared with another.</summary>
public interface IBlock
{
    /// <summary>The floats.</summary>
    Span<float> Span { get; }
}

/// <summary>A block that its owner wants back once it has been read.</summary>
public interface ILentBlock : IBlock
{
    /// <summary>Gives it back; it must not be touched any more.</summary>
    void Return();
}

/// <summary>A block of this process's own memory, zeroed.</summary>
/// <param name="length">Floats.</param>
public sealed class NativeBlock(int length) : IBlock, IDisposable
{
    private readonly NativeBuffer _buffer = new(length);

    /// <inheritdoc/>
    public Span<float> Span => _buffer.Span;

    /// <summary>Frees the memory.</summary>
    public void Dispose() => _buffer.Dispose();
}
