using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Numerics;

/// <summary>
/// Statistics of a batch norm (Ioffe and Szegedy 2015): of every channel the mean and the sum of squared deviations
/// from it, over samples and pixels, in double. A block of statistics is [count], [mean of each channel], [sum of
/// squares of each channel].
/// <para>
/// Pixels are taken in blocks of 32. Within one, those at even places and those at odd places are summed apart, in
/// order; the two sums are added, and the blocks in order. All kernels of batch norm sum in this way.
/// </para>
/// </summary>
public static unsafe class BatchNorm
{
    /// <summary>
    /// Pixels that are worked on together, a vector of channels at a time: few enough for the caches, even.
    /// </summary>
    internal const int Block = 32;

    /// <summary>Doubles of a block of statistics.</summary>
    public static int StatisticsLength(int channels) => checked(1 + 2 * channels);

    /// <summary>Computes the statistics of <paramref name="pixels"/> pixels.</summary>
    /// <param name="s">The channels.</param>
    /// <param name="pixels">Pixels of all samples.</param>
    /// <param name="input">Pixels at the input's pitch.</param>
    /// <param name="statistics">Overwritten.</param>
    /// <param name="known">The statistics of the first channels of these pixels, which are copied; empty: none.</param>
    public static void Statistics(in BatchNormShape s, int pixels, ReadOnlySpan<float> input, Span<double> statistics,
        ReadOnlySpan<double> known = default)
    {
        Check.Shape(s, pixels);
        Check.Pixels(input.Length, pixels, s.Channels, s.InPitch, nameof(input));
        Check.Length(statistics.Length, StatisticsLength(s.Channels), nameof(statistics));
        statistics.Clear();
        statistics[0] = pixels;
        Span<double> means = statistics.Slice(1, s.Channels), squares = statistics[(1 + s.Channels)..];
        int copied = known.IsEmpty ? 0 : (known.Length - 1) / 2;
        BatchNormShape rest = s with { Channels = s.Channels - copied };
        if (rest.Channels > 0)
            fixed (float* x = input)
            fixed (double* sums = means, sumsOfSquares = squares)
                for (int p = 0; p < pixels; p += Block)
                    Sum(rest, Math.Min(Block, pixels - p), x + (nint)p * s.InPitch + copied, sums + copied,
                        sumsOfSquares + copied);
        if (copied > 0)
        {
            known.Slice(1, copied).CopyTo(means);
            known[(1 + copied)..].CopyTo(squares);
        }
        for (int c = copied; c < means.Length; c++)
        {
            double mean = means[c] / pixels;
            squares[c] = PositivePart(squares[c] - means[c] * mean);
            means[c] = mean;
        }
    }

    /// <summary>
    /// left becomes the statistics of both sets of values together (Chan, Golub and LeVeque 1979); the same bits with
    /// the two exchanged.
    /// </summary>
    public static void Join(Span<double> left, ReadOnlySpan<double> right)
    {
        Check.Length(right.Length, left.Length, nameof(right));
        int channels = (left.Length - 1) / 2;
        double a = left[0], b = right[0], count = a + b;
        for (int c = 1; c <= channels; c++)
        {
            double apart = left[c] - right[c];
            left[c] = (a * left[c] + b * right[c]) / count;
            left[channels + c] = left[channels + c] + right[channels + c] + apart * apart * (a * b / count);
        }
        left[0] = count;
    }

    /// <summary>
    /// mean += momentum (mean of the statistics - mean); variance likewise, by the unbiased variance, which is 0 for a
    /// single value.
    /// </summary>
    public static void MoveRunning(ReadOnlySpan<double> statistics, double momentum, Span<float> mean,
        Span<float> variance)
    {
        int channels = mean.Length;
        Check.Length(statistics.Length, StatisticsLength(channels), nameof(statistics));
        Check.Length(variance.Length, channels, nameof(variance));
        double freedom = Math.Max(1, statistics[0] - 1);
        for (int c = 0; c < channels; c++)
        {
            mean[c] = (float)((1 - momentum) * mean[c] + momentum * statistics[1 + c]);
            variance[c] = (float)((1 - momentum) * variance[c] + momentum * (statistics[1 + channels + c] / freedom));
        }
    }

    /// <summary>
    /// Lanes of a vector at place <paramref name="c"/> that are its own: in the last vector of a pixel, which ends with
    /// the last channel, not those that the vector before has.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> OwnLanes(int c, int channels) => Vector256.GreaterThanOrEqual(
        Vector256<int>.Indices, Vector256.Create(c + Lanes.Count - channels)).AsSingle();

    /// <summary>Where a vector that should start at channel <paramref name="c"/> starts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int Start(int c, int channels) => Math.Min(c, channels - Lanes.Count);

    /// <summary>Rounding may leave a sum of squares a little below 0. NaN stays.</summary>
    private static double PositivePart(double square) => square < 0 ? 0 : square;

    /// <summary>Adds a block of pixels to the sums and sums of squares.</summary>
    private static void Sum(in BatchNormShape s, int pixels, float* x, double* sums, double* squares)
    {
        int channels = s.Channels;
        if (channels >= Lanes.Count)
        {
            for (int c = 0; c < channels; c += Lanes.Count)
            {
                int start = Start(c, channels);
                SumEight(pixels, s.InPitch, x + start, OwnLanes(c, channels), sums + start, squares + start);
            }
            return;
        }
        for (int c = 0; c < channels; c++)
        {
            double even = 0, odd = 0, evenSquares = 0, oddSquares = 0;
            for (int p = 0; p < pixels; p++)
            {
                double value = x[(nint)p * s.InPitch + c];
                if (p % 2 == 0)
                    (even, evenSquares) = (even + value, Math.FusedMultiplyAdd(value, value, evenSquares));
                else
                    (odd, oddSquares) = (odd + value, Math.FusedMultiplyAdd(value, value, oddSquares));
            }
            sums[c] += even + odd;
            squares[c] += evenSquares + oddSquares;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumEight(int pixels, nint step, float* x, Vector256<float> own, double* sums, double* squares)
    {
        Vector256<double> evenLow = default, evenHigh = default, oddLow = default, oddHigh = default;
        Vector256<double> evenLow2 = default, evenHigh2 = default, oddLow2 = default, oddHigh2 = default;
        nint ahead = Block * step;
        int p = 0;
        for (; p < pixels - 1; p += 2, x += 2 * step)
        {
            // The processor foresees no such strides.
            Sse.Prefetch1(x + ahead);
            Sse.Prefetch1(x + step + ahead);
            Vector256<float> first = Vector256.Load(x) & own, second = Vector256.Load(x + step) & own;
            Vector256<double> a = Avx.ConvertToVector256Double(first.GetLower());
            Vector256<double> b = Avx.ConvertToVector256Double(first.GetUpper());
            Vector256<double> c = Avx.ConvertToVector256Double(second.GetLower());
            Vector256<double> d = Avx.ConvertToVector256Double(second.GetUpper());
            evenLow += a;
            evenHigh += b;
            oddLow += c;
            oddHigh += d;
            evenLow2 = Fma.MultiplyAdd(a, a, evenLow2);
            evenHigh2 = Fma.MultiplyAdd(b, b, evenHigh2);
            oddLow2 = Fma.MultiplyAdd(c, c, oddLow2);
            oddHigh2 = Fma.MultiplyAdd(d, d, oddHigh2);
        }
        if (p < pixels)
        {
            Vector256<float> last = Vector256.Load(x) & own;
            Vector256<double> a = Avx.ConvertToVector256Double(last.GetLower());
            Vector256<double> b = Avx.ConvertToVector256Double(last.GetUpper());
            evenLow += a;
            evenHigh += b;
            evenLow2 = Fma.MultiplyAdd(a, a, evenLow2);
            evenHigh2 = Fma.MultiplyAdd(b, b, evenHigh2);
        }
        AddTo(sums, evenLow + oddLow, evenHigh + oddHigh);
        AddTo(squares, evenLow2 + oddLow2, evenHigh2 + oddHigh2);
    }

    /// <summary>sums[0..8) += values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void AddTo(double* sums, Vector256<double> low, Vector256<double> high)
    {
        (Vector256.Load(sums) + low).Store(sums);
        (Vector256.Load(sums + 4) + high).Store(sums + 4);
    }
}
