using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Numerics;

/// <summary>Asks for memory before it is needed, where the processor would not guess: it follows few streams at once,
/// and none into the next page. Whether the memory is anybody's does not matter.</summary>
internal static unsafe class CacheLines
{
    /// <summary>Floats of a line.</summary>
    public const int Length = 16;

    /// <summary>How far ahead of a stream's reader to ask, in floats: some hundreds of cycles.</summary>
    public const int Ahead = 512;

    /// <summary>Asks for the line of an address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(float* memory)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(memory);
    }

    /// <summary>Asks for lines that are a step apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(float* memory, nint step, int lines)
    {
        for (int i = 0; i < lines; i++)
            Prefetch(memory + i * step);
    }
}
