using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Numerics;

/// <summary>
/// output = fma(input, scale, shift) of the pixel's channel, where scale = weight / sqrt(variance + epsilon) and
/// shift = bias - mean scale; optionally plus a shortcut, optionally followed by ReLU.
/// </summary>
public static unsafe class BatchNormForward
{
    /// <summary>
    /// Floats of a block of coefficients: every channel's scale, shift, mean, and 1 / sqrt(variance + epsilon).
    /// </summary>
    public static int CoefficientsLength(int channels) => checked(4 * channels);

    /// <summary>Coefficients by the statistics of these samples; the variance is the biased one.</summary>
    public static void Prepare(ReadOnlySpan<double> statistics, double epsilon, ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias, Span<float> coefficients)
    {
        int channels = weight.Length;
        Check.Length(statistics.Length, BatchNorm.StatisticsLength(channels), nameof(statistics));
        Check.Length(bias.Length, channels, nameof(bias));
        Check.Length(coefficients.Length, CoefficientsLength(channels), nameof(coefficients));
        for (int c = 0; c < channels; c++)
            Prepare(c, statistics[1 + c], statistics[1 + channels + c] / statistics[0] + epsilon, weight, bias,
                coefficients);
    }

    /// <summary>Coefficients by running statistics.</summary>
    public static void Prepare(ReadOnlySpan<float> mean, ReadOnlySpan<float> variance, double epsilon,
        ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, Span<float> coefficients)
    {
        int channels = weight.Length;
        Check.Length(mean.Length, channels, nameof(mean));
        Check.Length(variance.Length, channels, nameof(variance));
        Check.Length(bias.Length, channels, nameof(bias));
        Check.Length(coefficients.Length, CoefficientsLength(channels), nameof(coefficients));
        for (int c = 0; c < channels; c++)
            Prepare(c, mean[c], variance[c] + epsilon, weight, bias, coefficients);
    }

    /// <summary>Normalises <paramref name="pixels"/> pixels.</summary>
    /// <param name="s">The channels.</param>
    /// <param name="pixels">Pixels of all samples.</param>
    /// <param name="input">Pixels at the input's pitch.</param>
    /// <param name="coefficients">What <c>Prepare</c> wrote.</param>
    /// <param name="shortcut">What is added, pixels without a gap; empty: nothing.</param>
    /// <param name="relu">Whether ReLU follows.</param>
    /// <param name="output">Pixels at the output's pitch.</param>
    public static void Run(in BatchNormShape s, int pixels, ReadOnlySpan<float> input,
        ReadOnlySpan<float> coefficients, ReadOnlySpan<float> shortcut, bool relu, Span<float> output)
    {
        Check.Shape(s, pixels);
        Check.Pixels(input.Length, pixels, s.Channels, s.InPitch, nameof(input));
        Check.Pixels(output.Length, pixels, s.Channels, s.OutPitch, nameof(output));
        Check.Length(coefficients.Length, CoefficientsLength(s.Channels), nameof(coefficients));
        if (!shortcut.IsEmpty)
            Check.Length(shortcut.Length, checked(pixels * s.Channels), nameof(shortcut));
        fixed (float* x = input, k = coefficients, r = shortcut, y = output)
            if (InstructionSet.HasAvx512)
                Run<Vector512<float>, Simd512>(s, pixels, x, k, r, relu, y);
            else if (InstructionSet.HasAvx2)
                Run<Vector256<float>, Simd256>(s, pixels, x, k, r, relu, y);
            else
                Run<float, Scalar>(s, pixels, x, k, r, relu, y);
    }

    private static void Prepare(int c, double mean, double variance, ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias, Span<float> coefficients)
    {
        int channels = weight.Length;
        double inverse = 1 / Math.Sqrt(variance), scale = weight[c] * inverse;
        coefficients[c] = (float)scale;
        coefficients[channels + c] = (float)(bias[c] - mean * scale);
        coefficients[2 * channels + c] = (float)mean;
        coefficients[3 * channels + c] = (float)inverse;
    }

    /// <summary>From the end, which the statistics left in the caches.</summary>
    private static void Run<TVector, TSimd>(in BatchNormShape s, int pixels, float* x, float* k, float* r, bool relu,
        float* y)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
    {
        for (int p = (pixels - 1) / BatchNorm.Block * BatchNorm.Block; p >= 0; p -= BatchNorm.Block)
            for (int c = 0; c < s.Channels; c += TSimd.Count)
                Normalize<TVector, TSimd>(s, Math.Min(BatchNorm.Block, pixels - p), s.Channels - c,
                    x + (nint)p * s.InPitch + c, k + c, r == null ? null : r + (nint)p * s.Channels + c, relu,
                    y + (nint)p * s.OutPitch + c);
    }

    /// <summary>A vector of channels of a block of pixels; the block before is fetched meanwhile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Normalize<TVector, TSimd>(in BatchNormShape s, int pixels, int lanes, float* x, float* k,
        float* r, bool relu, float* y)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
    {
        nint inStep = s.InPitch, outStep = s.OutPitch, channels = s.Channels, behind = BatchNorm.Block * inStep;
        TVector scale = TSimd.Load(k, lanes), shift = TSimd.Load(k + channels, lanes);
        for (int p = 0; p < pixels; p++, x += inStep, y += outStep)
        {
            if (Sse.IsSupported)
                Sse.Prefetch1(x - behind);
            TVector value = TSimd.MultiplyAdd(TSimd.Load(x, lanes), scale, shift);
            if (r != null)
                value = TSimd.Add(value, TSimd.Load(r + p * channels, lanes));
            if (relu)
                value = TSimd.Relu(value);
            TSimd.Store(y, value, lanes);
        }
    }
}
