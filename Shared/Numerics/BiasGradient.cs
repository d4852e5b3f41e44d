using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Distributed.Numerics;

/// <summary>
/// biasGradient[c] = sum over all pixels of outputGradient[pixel][c]. With 16 channels or more pixels are added in
/// ascending order from +0; with fewer, pixel p is added to partial sum p mod 8, and the eight are added as a tree:
/// ((0+4) + (2+6)) + ((1+5) + (3+7)).
/// </summary>
public static unsafe class BiasGradient
{
    private const int Partials = 8, FewChannels = 16;

    /// <summary>Sums over pixels; the bias gradient is overwritten.</summary>
    public static void Run(ReadOnlySpan<float> outputGradient, int channels, Span<float> biasGradient)
    {
        CheckChannels(outputGradient.Length, channels, biasGradient.Length);
        fixed (float* dy = outputGradient, sums = biasGradient)
            Sum(null, dy, outputGradient.Length, channels, sums);
    }

    /// <summary>
    /// As <see cref="Relu.Backward"/> in place on <paramref name="outputGradient"/>, then <see cref="Run"/>, in one
    /// pass.
    /// </summary>
    public static void RunWithReluMask(ReadOnlySpan<float> output, Span<float> outputGradient, int channels,
        Span<float> biasGradient)
    {
        Check.Length(outputGradient.Length, output.Length, nameof(outputGradient));
        CheckChannels(outputGradient.Length, channels, biasGradient.Length);
        fixed (float* y = output, dy = outputGradient, sums = biasGradient)
            Sum(y, dy, outputGradient.Length, channels, sums);
    }

    private static void CheckChannels(int length, int channels, int biasLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        Check.Length(length % channels, 0, "outputGradient modulo channels");
        Check.Length(biasLength, channels, "biasGradient");
    }

    private static void Sum(float* y, float* dy, int length, int channels, float* sums)
    {
        if (channels < FewChannels)
        {
            SumFewChannels(y, dy, length, channels, sums);
            return;
        }
        int c = 0;
        for (; c <= channels - 4L * Lanes.Count; c += 4 * Lanes.Count)
            SumFourVectors(y, dy, length, channels, c, sums + c);
        for (; c <= channels - Lanes.Count; c += Lanes.Count)
            SumVector(y, dy, length, channels, c, sums + c);
        for (; c < channels; c++)
        {
            float sum = 0;
            for (int i = c; i < length; i += channels)
                sum += Masked(y, dy, i);
            sums[c] = sum;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumFourVectors(float* y, float* dy, int length, int channels, int first, float* sums)
    {
        Vector256<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        for (int i = first; i < length; i += channels)
        {
            sum0 += MaskedVector(y, dy, i);
            sum1 += MaskedVector(y, dy, i + 8);
            sum2 += MaskedVector(y, dy, i + 16);
            sum3 += MaskedVector(y, dy, i + 24);
        }
        sum0.Store(sums);
        sum1.Store(sums + 8);
        sum2.Store(sums + 16);
        sum3.Store(sums + 24);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumVector(float* y, float* dy, int length, int channels, int first, float* sums)
    {
        Vector256<float> sum = default;
        for (int i = first; i < length; i += channels)
            sum += MaskedVector(y, dy, i);
        sum.Store(sums);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumFewChannels(float* y, float* dy, int length, int channels, float* sums)
    {
        // Element i of eight pixels together is channel i mod channels of partial sum i / channels.
        int block = Partials * channels, i = 0;
        float* partials = stackalloc float[Partials * FewChannels];
        new Span<float>(partials, block).Clear();
        if (Lanes.Count == Partials)
            for (; i <= length - block; i += block)
                for (int v = 0; v < block; v += Partials)
                    (Vector256.Load(partials + v) + MaskedVector(y, dy, i + v)).Store(partials + v);
        for (; i < length; i++)
            partials[i % block] += Masked(y, dy, i);
        for (int c = 0; c < channels; c++)
        {
            float* p = partials + c;
            sums[c] = ((p[0] + p[4 * channels]) + (p[2 * channels] + p[6 * channels]))
                + ((p[channels] + p[5 * channels]) + (p[3 * channels] + p[7 * channels]));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> MaskedVector(float* y, float* dy, int i)
    {
        Vector256<float> gradient = Vector256.Load(dy + i);
        if (y == null)
            return gradient;
        gradient = Relu.Select(Vector256.Load(y + i), gradient);
        gradient.Store(dy + i);
        return gradient;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Masked(float* y, float* dy, int i)
    {
        if (y != null && y[i] <= 0)
            dy[i] = 0;
        return dy[i];
    }
}
