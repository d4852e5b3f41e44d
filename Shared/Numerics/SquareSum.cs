using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Numerics;

/// <summary>
/// The sum of the squares of a tensor, in double: blocks of 4,096 elements from its start are summed by themselves and
/// added in order, so the bits don't depend on where the tensor lies. Within a block element i goes to lane i mod 16,
/// and the lanes are added as a tree: j + (j + 8), then + 4, + 2, + 1.
/// </summary>
public static unsafe class SquareSum
{
    private const int BlockLength = 4096, LaneCount = 16;

    /// <summary>sum of x^2; squares of floats are exact in double.</summary>
    public static double Run(ReadOnlySpan<float> values)
    {
        double sum = 0;
        fixed (float* x = values)
        {
            for (int start = 0; start < values.Length; start += BlockLength)
            {
                int rest = values.Length - start;
                sum += Block(x + start, rest < BlockLength ? rest : BlockLength);
            }
        }
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Block(float* x, int length)
    {
        double* lanes = stackalloc double[LaneCount];
        int i = 0;
        if (Lanes.Count == Vector256<float>.Count)
        {
            Vector256<double> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
            for (; i <= length - LaneCount; i += LaneCount)
            {
                sum0 = AddSquares(x + i, sum0);
                sum1 = AddSquares(x + i + 4, sum1);
                sum2 = AddSquares(x + i + 8, sum2);
                sum3 = AddSquares(x + i + 12, sum3);
            }
            sum0.Store(lanes);
            sum1.Store(lanes + 4);
            sum2.Store(lanes + 8);
            sum3.Store(lanes + 12);
        }
        else
        {
            new Span<double>(lanes, LaneCount).Clear();
        }
        for (; i < length; i++)
            lanes[i % LaneCount] = Math.FusedMultiplyAdd(x[i], x[i], lanes[i % LaneCount]);
        for (int half = LaneCount / 2; half > 0; half /= 2)
            for (int j = 0; j < half; j++)
                lanes[j] += lanes[j + half];
        return lanes[0];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<double> AddSquares(float* x, Vector256<double> sum)
    {
        Vector256<double> wide = Avx.ConvertToVector256Double(Vector128.Load(x));
        return Fma.MultiplyAdd(wide, wide, sum);
    }
}
