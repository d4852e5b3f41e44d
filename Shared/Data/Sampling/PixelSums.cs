using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Distributed.Data;

/// <summary>
/// Exact sums over the pixels of an image. Compiled with full optimisation at once, because a run measures its data
/// once, before the first training step.
/// </summary>
internal static class PixelSums
{
    /// <summary>So many vectors, each of which adds four squares (below 2^16) to a lane, fit its 32 bits.</summary>
    private const int MaximumVectors = 1 << 14;

    /// <summary>Adds each channel's pixels, and their squares, to its sums.</summary>
    /// <param name="pixels">The image, channels together.</param>
    /// <param name="sums">A sum for each channel.</param>
    /// <param name="squares">A sum of squares for each channel.</param>
    public static void Add(ReadOnlySpan<byte> pixels, Span<long> sums, Span<long> squares)
    {
        if (sums.Length == 1)
        {
            while (pixels.Length >= Vector256<byte>.Count)
            {
                int vectors = Math.Min(pixels.Length / Vector256<byte>.Count, MaximumVectors);
                AddVectors(pixels[..(vectors * Vector256<byte>.Count)], ref sums[0], ref squares[0]);
                pixels = pixels[(vectors * Vector256<byte>.Count)..];
            }
        }

        AddScalars(pixels, sums, squares);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddVectors(ReadOnlySpan<byte> pixels, ref long sum, ref long squares)
    {
        Vector256<uint> total = default, squared = default;
        for (int index = 0; index < pixels.Length; index += Vector256<byte>.Count)
        {
            (Vector256<ushort> low, Vector256<ushort> high) =
                Vector256.Widen(Vector256.Create(pixels.Slice(index, Vector256<byte>.Count)));
            (Vector256<uint> first, Vector256<uint> second) = Vector256.Widen(low + high);
            total += first + second;
            (first, second) = Vector256.Widen(low * low);
            squared += first + second;
            (first, second) = Vector256.Widen(high * high);
            squared += first + second;
        }

        sum += (long)(Vector256.Sum(Vector256.WidenLower(total)) + Vector256.Sum(Vector256.WidenUpper(total)));
        squares += (long)(Vector256.Sum(Vector256.WidenLower(squared)) + Vector256.Sum(Vector256.WidenUpper(squared)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddScalars(ReadOnlySpan<byte> pixels, Span<long> sums, Span<long> squares)
    {
        int channels = sums.Length;
        for (int channel = 0; channel < channels; channel++)
        {
            long sum = 0, square = 0;
            for (int index = channel; index < pixels.Length; index += channels)
            {
                sum += pixels[index];
                square += pixels[index] * pixels[index];
            }

            sums[channel] += sum;
            squares[channel] += square;
        }
    }
}
