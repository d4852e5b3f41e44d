using System.Runtime.InteropServices;
using Distributed.Numerics.Native;

namespace Distributed.Numerics;

/// <summary>A block of floats outside the managed heap: at least 64-byte aligned, zeroed, never moved.</summary>
public sealed unsafe class NativeBuffer : IDisposable
{
    private const uint Alignment = 64, LeastLarge = 4 * HugePages.Size;

    private float* _memory;

    static NativeBuffer() => LargeBlocks.MapFrom(1 << 20);

    /// <summary>Allocates <paramref name="length"/> floats, all zero.</summary>
    public NativeBuffer(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        nuint bytes = Math.Max((nuint)length, 1) * sizeof(float);
        // A large block spans many small pages, whose places the processor can't all remember. What its last large page
        // would hold beyond the block stays on small ones, so it takes no more memory.
        bool large = bytes >= LeastLarge;
        _memory = (float*)NativeMemory.AlignedAlloc(bytes, large ? HugePages.Size : Alignment);
        if (large)
            HugePages.Advise(_memory, bytes / HugePages.Size * HugePages.Size);
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
