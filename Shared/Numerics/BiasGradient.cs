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

    /// <summary>Sums over pixels without a gap; the bias gradient is overwritten.</summary>
    public static void Run(ReadOnlySpan<float> outputGradient, int channels, Span<float> biasGradient)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        Run(outputGradient.Length / channels, channels, outputGradient, channels, biasGradient);
    }

    /// <summary>Sums over pixels that lie a pitch apart; the bias gradient is overwritten.</summary>
    public static void Run(int pixels, int channels, ReadOnlySpan<float> outputGradient, int gradientPitch,
        Span<float> biasGradient)
    {
        CheckPixels(pixels, channels, outputGradient.Length, gradientPitch, biasGradient.Length);
        fixed (float* dy = outputGradient, sums = biasGradient)
            Sum(new Reading(null, dy, 0, gradientPitch), pixels, channels, sums);
    }

    /// <summary>
    /// As <see cref="Relu.Backward(ReadOnlySpan{float}, ReadOnlySpan{float}, Span{float})"/> in place on
    /// <paramref name="outputGradient"/>, then <see cref="Run(ReadOnlySpan{float}, int, Span{float})"/>, in one pass.
    /// </summary>
    public static void RunWithReluMask(ReadOnlySpan<float> output, Span<float> outputGradient, int channels,
        Span<float> biasGradient)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        RunWithReluMask(outputGradient.Length / channels, channels, output, channels, outputGradient, channels,
            biasGradient);
    }

    /// <summary>As above, over pixels that lie a pitch apart.</summary>
    public static void RunWithReluMask(int pixels, int channels, ReadOnlySpan<float> output, int outputPitch,
        Span<float> outputGradient, int gradientPitch, Span<float> biasGradient)
    {
        CheckPixels(pixels, channels, outputGradient.Length, gradientPitch, biasGradient.Length);
        Check.Pixels(output.Length, pixels, channels, outputPitch, nameof(output));
        fixed (float* y = output, dy = outputGradient, sums = biasGradient)
            Sum(new Reading(y, dy, outputPitch, gradientPitch), pixels, channels, sums);
    }

    private static void CheckPixels(int pixels, int channels, int length, int pitch, int biasLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(pixels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(pitch, channels);
        Check.Pixels(length, pixels, channels, pitch, "outputGradient");
        Check.Length(biasLength, channels, "biasGradient");
    }

    private static void Sum(in Reading from, int pixels, int channels, float* sums)
    {
        if (channels < FewChannels)
        {
            SumFewChannels(from, pixels, channels, sums);
            return;
        }
        int c = 0;
        for (; c <= channels - 4L * Lanes.Count; c += 4 * Lanes.Count)
            SumFourVectors(from, pixels, c, sums + c);
        for (; c <= channels - Lanes.Count; c += Lanes.Count)
            SumVector(from, pixels, c, sums + c);
        for (; c < channels; c++)
        {
            float sum = 0;
            for (int p = 0; p < pixels; p++)
                sum += from.Element(p, c);
            sums[c] = sum;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumFourVectors(in Reading from, int pixels, int first, float* sums)
    {
        Vector256<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        Reading at = from;
        for (int p = 0; p < pixels; p++)
        {
            sum0 += at.Vector(p, first);
            sum1 += at.Vector(p, first + 8);
            sum2 += at.Vector(p, first + 16);
            sum3 += at.Vector(p, first + 24);
        }
        sum0.Store(sums);
        sum1.Store(sums + 8);
        sum2.Store(sums + 16);
        sum3.Store(sums + 24);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumVector(in Reading from, int pixels, int first, float* sums)
    {
        Vector256<float> sum = default;
        Reading at = from;
        for (int p = 0; p < pixels; p++)
            sum += at.Vector(p, first);
        sum.Store(sums);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumFewChannels(in Reading from, int pixels, int channels, float* sums)
    {
        // Element i of eight pixels together is channel i mod channels of partial sum i / channels.
        int block = Partials * channels, p = 0;
        float* partials = stackalloc float[Partials * FewChannels];
        new Span<float>(partials, block).Clear();
        if (Lanes.Count == Partials && from.IsWithoutGap(channels))
            for (; p <= pixels - Partials; p += Partials)
                for (int v = 0; v < block; v += Partials)
                    (Vector256.Load(partials + v) + from.Vector(p, v)).Store(partials + v);
        for (; p < pixels; p++)
            for (int c = 0; c < channels; c++)
                partials[p % Partials * channels + c] += from.Element(p, c);
        for (int c = 0; c < channels; c++)
        {
            float* q = partials + c;
            sums[c] = ((q[0] + q[4 * channels]) + (q[2 * channels] + q[6 * channels]))
                + ((q[channels] + q[5 * channels]) + (q[3 * channels] + q[7 * channels]));
        }
    }

    /// <summary>The output's gradient, masked in memory by the output where there is one.</summary>
    private readonly struct Reading(float* output, float* gradient, nint outputPitch, nint gradientPitch)
    {
        public bool IsWithoutGap(int channels) =>
            gradientPitch == channels && (output == null || outputPitch == channels);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<float> Vector(int pixel, int channel)
        {
            float* dy = gradient + pixel * gradientPitch + channel;
            Vector256<float> value = Vector256.Load(dy);
            if (output == null)
                return value;
            value = Relu.Select(Vector256.Load(output + pixel * outputPitch + channel), value);
            value.Store(dy);
            return value;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public float Element(int pixel, int channel)
        {
            float* dy = gradient + pixel * gradientPitch + channel;
            if (output != null && output[pixel * outputPitch + channel] <= 0)
                *dy = 0;
            return *dy;
        }
    }
}
