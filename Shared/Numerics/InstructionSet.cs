using System.Runtime.Intrinsics.X86;

namespace Distributed.Numerics;

/// <summary>Which kernels run on this machine. All of them produce the same bits.</summary>
public static class InstructionSet
{
    /// <summary>True where the 512-bit kernels run.</summary>
    internal static bool HasAvx512 => Avx512F.IsSupported && Avx512DQ.IsSupported && Avx512BW.IsSupported;

    /// <summary>True where the 256-bit kernels can run.</summary>
    internal static bool HasAvx2 => Avx2.IsSupported && Fma.IsSupported;

    /// <summary>"AVX-512", "AVX2" or "portable".</summary>
    public static string Name => HasAvx512 ? "AVX-512" : HasAvx2 ? "AVX2" : "portable";
}
