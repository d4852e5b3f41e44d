using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Numerics;

/// <summary>Transposed copies, 8 by 8 in registers where AVX allows.</summary>
internal static unsafe class Transpose
{
    private const int Block = 8;

    /// <summary>target[c targetStride + r] = source[r sourceStride + c] for r below rows, c below columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(float* source, nint sourceStride, float* target, nint targetStride, int rows, int columns)
    {
        int wholeRows = Avx.IsSupported ? rows / Block * Block : 0, wholeColumns = columns / Block * Block;
        // Two blocks side by side are one cache line of the source; rows a power of two apart would evict it.
        for (int pair = 0; pair < wholeColumns; pair += 2 * Block)
            for (int r = 0; r < wholeRows; r += Block)
                for (int c = pair; c < Math.Min(pair + 2 * Block, wholeColumns); c += Block)
                    Block8(source + r * sourceStride + c, sourceStride, target + c * targetStride + r, targetStride);
        for (int r = 0; r < wholeRows; r++)
            for (int c = wholeColumns; c < columns; c++)
                target[c * targetStride + r] = source[r * sourceStride + c];
        for (int c = 0; c < columns; c++)
            for (int r = wholeRows; r < rows; r++)
                target[c * targetStride + r] = source[r * sourceStride + c];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Block8(float* s, nint stride, float* t, nint targetStride)
    {
        // Rows i and i+4 share a register, so that only unpacks and shuffles within 128 bits remain.
        Vector256<float> r0 = Halves(s, 4 * stride), r1 = Halves(s + stride, 4 * stride);
        Vector256<float> r2 = Halves(s + 2 * stride, 4 * stride), r3 = Halves(s + 3 * stride, 4 * stride);
        Vector256<float> r4 = Halves(s + 4, 4 * stride), r5 = Halves(s + stride + 4, 4 * stride);
        Vector256<float> r6 = Halves(s + 2 * stride + 4, 4 * stride), r7 = Halves(s + 3 * stride + 4, 4 * stride);
        Quarter(r0, r1, r2, r3, t, targetStride);
        Quarter(r4, r5, r6, r7, t + 4 * targetStride, targetStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Halves(float* s, nint distance) =>
        Vector256.Create(Vector128.Load(s), Vector128.Load(s + distance));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quarter(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d,
        float* t, nint stride)
    {
        Vector256<float> ab = Avx.UnpackLow(a, b), cd = Avx.UnpackLow(c, d);
        Avx.Shuffle(ab, cd, 0b01_00_01_00).Store(t);
        Avx.Shuffle(ab, cd, 0b11_10_11_10).Store(t + stride);
        ab = Avx.UnpackHigh(a, b);
        cd = Avx.UnpackHigh(c, d);
        Avx.Shuffle(ab, cd, 0b01_00_01_00).Store(t + 2 * stride);
        Avx.Shuffle(ab, cd, 0b11_10_11_10).Store(t + 3 * stride);
    }
}
