using System.Runtime.CompilerServices;

namespace Distributed.Numerics;

/// <summary>Any kernel at any stride: four targets together where all of their taps are inside the source.</summary>
internal abstract unsafe class DepthwiseRowKernel<TVector, TSimd> : DepthwiseKernel<TVector, TSimd>
    where TVector : struct
    where TSimd : struct, ISimd<TVector>
{
    private const int Together = 4;

    public static void Run(in DepthwiseRow row)
    {
        int stride = row.Stride, first = Math.Max(0, (row.Pad + stride - 1) / stride);
        int reach = row.SourceWidth - row.KernelWidth + row.Pad, end = reach < 0 ? 0 : reach / stride + 1;
        end = Math.Min(end, row.TargetWidth);
        for (int t = 0; t < row.TargetWidth;)
            if (t >= first && t + Together <= end)
            {
                Four(row, t);
                t += Together;
            }
            else
                One(row, t++);
    }

    private static void Four(in DepthwiseRow row, int t)
    {
        float* source = row.Source + (t * row.Stride - row.Pad) * row.SourceColumn;
        int whole = row.Channels / TSimd.Count * TSimd.Count;
        Four<WholeLanes>(row, source, row.Target + t * row.TargetColumn, 0, whole);
        if (whole < row.Channels)
            Four<LastLanes>(row, source, row.Target + t * row.TargetColumn, whole, row.Channels);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four<TLanes>(in DepthwiseRow row, float* source, float* target, int first, int end)
        where TLanes : struct, ILanes
    {
        nint step = row.Stride * row.SourceColumn, down = row.SourceRow - row.KernelWidth * row.SourceColumn;
        nint across = row.SourceColumn, weightDown = row.WeightRow - row.KernelWidth * row.WeightColumn;
        nint weightAcross = row.WeightColumn, targetStep = row.TargetColumn;
        int height = row.KernelHeight, width = row.KernelWidth, lanes = end - first;
        for (int c = first; c < end; c += TSimd.Count)
        {
            for (int i = 0; i < row.AheadRows; i++)
                for (int j = 0; j < Together * row.Stride; j++)
                    TSimd.Prefetch(source + c + row.Ahead + i * row.SourceRow + j * across);
            float* from = source + c, weights = row.WeightsOf(c), at = target + c;
            TVector sum0 = Start<TLanes>(row, at, c, lanes), sum1 = Start<TLanes>(row, at + targetStep, c, lanes);
            TVector sum2 = Start<TLanes>(row, at + 2 * targetStep, c, lanes);
            TVector sum3 = Start<TLanes>(row, at + 3 * targetStep, c, lanes);
            for (int kh = 0; kh < height; kh++, from += down, weights += weightDown)
                for (int kw = 0; kw < width; kw++, from += across, weights += weightAcross)
                {
                    TVector weight = TSimd.Load(weights);
                    sum0 = TSimd.MultiplyAdd(Load<TLanes>(from, lanes), weight, sum0);
                    sum1 = TSimd.MultiplyAdd(Load<TLanes>(from + step, lanes), weight, sum1);
                    sum2 = TSimd.MultiplyAdd(Load<TLanes>(from + 2 * step, lanes), weight, sum2);
                    sum3 = TSimd.MultiplyAdd(Load<TLanes>(from + 3 * step, lanes), weight, sum3);
                }
            Store<TLanes>(row, at, sum0, lanes);
            Store<TLanes>(row, at + targetStep, sum1, lanes);
            Store<TLanes>(row, at + 2 * targetStep, sum2, lanes);
            Store<TLanes>(row, at + 3 * targetStep, sum3, lanes);
        }
    }

    /// <summary>One target, of which some columns of taps may be outside.</summary>
    private static void One(in DepthwiseRow all, int t)
    {
        DepthwiseRow row = all;
        int column = t * row.Stride - row.Pad, skip = Math.Max(0, -column);
        row.KernelWidth = Math.Max(0, Math.Min(row.KernelWidth, row.SourceWidth - column) - skip);
        row.Weights += skip * row.WeightColumn;
        float* source = row.Source + (column + skip) * row.SourceColumn, target = row.Target + t * row.TargetColumn;
        int whole = row.Channels / TSimd.Count * TSimd.Count;
        One<WholeLanes>(row, source, target, 0, whole);
        if (whole < row.Channels)
            One<LastLanes>(row, source, target, whole, row.Channels);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One<TLanes>(in DepthwiseRow row, float* source, float* target, int first, int end)
        where TLanes : struct, ILanes
    {
        nint across = row.SourceColumn, weightAcross = row.WeightColumn;
        nint down = row.SourceRow - row.KernelWidth * across;
        nint weightDown = row.WeightRow - row.KernelWidth * weightAcross;
        int height = row.KernelHeight, width = row.KernelWidth, lanes = end - first;
        for (int c = first; c < end; c += TSimd.Count)
        {
            float* from = source + c, weights = row.WeightsOf(c);
            TVector sum = Start<TLanes>(row, target + c, c, lanes);
            for (int kh = 0; kh < height; kh++, from += down, weights += weightDown)
                for (int kw = 0; kw < width; kw++, from += across, weights += weightAcross)
                    sum = TSimd.MultiplyAdd(Load<TLanes>(from, lanes), TSimd.Load(weights), sum);
            Store<TLanes>(row, target + c, sum, lanes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Start<TLanes>(in DepthwiseRow row, float* target, int c, int lanes)
        where TLanes : struct, ILanes =>
        row.Accumulate ? Load<TLanes>(target, lanes) : row.Bias == null ? default : Load<TLanes>(row.Bias + c, lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TLanes>(in DepthwiseRow row, float* target, TVector sum, int lanes)
        where TLanes : struct, ILanes => Store<TLanes>(target, row.Relu ? TSimd.Relu(sum) : sum, lanes);
}
