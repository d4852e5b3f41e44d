using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Numerics;

/// <summary>
/// Element by element loops use 256-bit vectors, as they wait for memory anyway, and end with single elements. Where
/// vectors aren't in hardware a vector has more elements than any span, so that only the loops over single elements
/// run.
/// </summary>
internal static class Lanes
{
    /// <summary>Elements that one iteration of a vector loop takes.</summary>
    public static int Count
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Avx2.IsSupported && Fma.IsSupported ? Vector256<float>.Count : int.MaxValue;
    }
}
