using System.Runtime.InteropServices;

namespace Distributed.Numerics;

/// <summary>A block of floats outside the managed heap: 64-byte aligned, zeroed, never moved.</summary>
public sealed unsafe class NativeBuffer : IDisposable
{
    private const int Alignment = 64;

    private float* _memory;

    /// <summary>Allocates <paramref name="length"/> floats, all zero.</summary>
    public NativeBuffer(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        nuint bytes = Math.Max((nuint)length, 1) * sizeof(float);
        _memory = (float*)NativeMemory.AlignedAlloc(bytes, Alignment);
        NativeMemory.Clear(_memory, bytes);
        Length = length;
    }

    /// <summary>Frees the memory of a buffer that nobody disposed.</summary>
    ~NativeBuffer() => Free();

    /// <summary>Number of floats.</summary>
    public int Length { get; }

    /// <summary>The floats. Must not be used after <see cref="Dispose"/>.</summary>
    public Span<float> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(_memory == null, this);
            return new Span<float>(_memory, Length);
        }
    }

    /// <summary>Frees the memory; every span of it becomes invalid.</summary>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }
}
