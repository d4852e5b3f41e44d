using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Numerics;

/// <summary>Element by element operations that belong to no layer.</summary>
public static unsafe class Elementwise
{
    /// <summary>destination = left + right; the destination may be either of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(ReadOnlySpan<float> left, ReadOnlySpan<float> right, Span<float> destination)
    {
        Check.Length(right.Length, left.Length, nameof(right));
        Check.Length(destination.Length, left.Length, nameof(destination));
        fixed (float* a = left, b = right, sum = destination)
        {
            int i = 0;
            for (; i <= left.Length - Lanes.Count; i += Lanes.Count)
            {
                if (i % CacheLines.Length == 0)
                {
                    CacheLines.Prefetch(a + i + CacheLines.Ahead);
                    CacheLines.Prefetch(b + i + CacheLines.Ahead);
                }

                (Vector256.Load(a + i) + Vector256.Load(b + i)).Store(sum + i);
            }

            for (; i < left.Length; i++)
                sum[i] = a[i] + b[i];
        }
    }

    /// <summary>values[i] = values[i] scale, cut to [-bound, bound]; NaN stays.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ScaleAndClip(Span<float> values, float scale, float bound)
    {
        fixed (float* x = values)
        {
            int i = 0;
            Vector256<float> top = Vector256.Create(bound), bottom = Vector256.Create(-bound);
            for (; i <= values.Length - Lanes.Count; i += Lanes.Count)
            {
                Vector256<float> scaled = Vector256.Load(x + i) * Vector256.Create(scale);
                scaled = Vector256.ConditionalSelect(Vector256.GreaterThan(scaled, top), top, scaled);
                Vector256.ConditionalSelect(Vector256.LessThan(scaled, bottom), bottom, scaled).Store(x + i);
            }
            for (; i < values.Length; i++)
            {
                float scaled = x[i] * scale;
                x[i] = scaled > bound ? bound : scaled < -bound ? -bound : scaled;
            }
        }
    }

    /// <summary>destination[i] = fma(factor, source[i], destination[i]).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MultiplyAdd(float factor, ReadOnlySpan<float> source, Span<float> destination)
    {
        Check.Length(destination.Length, source.Length, nameof(destination));
        fixed (float* x = source, y = destination)
        {
            int i = 0;
            Vector256<float> each = Vector256.Create(factor);
            for (; i <= source.Length - Lanes.Count; i += Lanes.Count)
                Fma.MultiplyAdd(each, Vector256.Load(x + i), Vector256.Load(y + i)).Store(y + i);
            for (; i < source.Length; i++)
                y[i] = MathF.FusedMultiplyAdd(factor, x[i], y[i]);
        }
    }

    /// <summary>average[i] = fma(share, values[i] - average[i], average[i]).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void MoveAverage(float share, ReadOnlySpan<float> values, Span<float> average)
    {
        Check.Length(average.Length, values.Length, nameof(average));
        fixed (float* x = values, y = average)
        {
            int i = 0;
            Vector256<float> each = Vector256.Create(share);
            for (; i <= values.Length - Lanes.Count; i += Lanes.Count)
            {
                Vector256<float> old = Vector256.Load(y + i);
                Fma.MultiplyAdd(each, Vector256.Load(x + i) - old, old).Store(y + i);
            }
            for (; i < values.Length; i++)
                y[i] = MathF.FusedMultiplyAdd(share, x[i] - y[i], y[i]);
        }
    }

    /// <summary>True where no element is NaN or infinite.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool AllFinite(ReadOnlySpan<float> values)
    {
        // x - x is 0 for finite x, else NaN, and NaN stays.
        float rest = 0;
        fixed (float* x = values)
        {
            int i = 0;
            // Four sums, because each waits for its last addition.
            Vector256<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
            for (; i <= values.Length - 4L * Lanes.Count; i += 4 * Lanes.Count)
            {
                sum0 += Vector256.Load(x + i) - Vector256.Load(x + i);
                sum1 += Vector256.Load(x + i + 8) - Vector256.Load(x + i + 8);
                sum2 += Vector256.Load(x + i + 16) - Vector256.Load(x + i + 16);
                sum3 += Vector256.Load(x + i + 24) - Vector256.Load(x + i + 24);
            }
            for (; i < values.Length; i++)
                rest += x[i] - x[i];
            return rest == 0 && Vector256.EqualsAll(sum0 + sum1 + sum2 + sum3, Vector256<float>.Zero);
        }
    }

    /// <summary>
    /// Mixes two vectors in place, both from what they were: left = fma(leftShare, left - right, right) and
    /// right = fma(rightShare, right - left, left).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Mix(Span<float> left, float leftShare, Span<float> right, float rightShare)
    {
        Check.Length(right.Length, left.Length, nameof(right));
        fixed (float* a = left, b = right)
        {
            int i = 0;
            for (; i <= left.Length - Lanes.Count; i += Lanes.Count)
            {
                Vector256<float> x = Vector256.Load(a + i), y = Vector256.Load(b + i);
                Vector256.FusedMultiplyAdd(Vector256.Create(leftShare), x - y, y).Store(a + i);
                Vector256.FusedMultiplyAdd(Vector256.Create(rightShare), y - x, x).Store(b + i);
            }
            for (; i < left.Length; i++)
            {
                float x = a[i], y = b[i];
                a[i] = MathF.FusedMultiplyAdd(leftShare, x - y, y);
                b[i] = MathF.FusedMultiplyAdd(rightShare, y - x, x);
            }
        }
    }
}
