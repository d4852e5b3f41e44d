using System.Runtime.CompilerServices;

namespace Distributed.Numerics;

/// <summary>
/// Kernels of 3 x 3 at stride 1: two rows of targets, four of each together, so that every source vector is loaded
/// once for up to six multiply-adds. (Loaded again for each tap, the pixels of wide layers, which share a few cache
/// sets, would throw each other out of the first-level cache.)
/// </summary>
internal abstract unsafe class DepthwisePairKernel<TVector, TSimd> : DepthwiseKernel<TVector, TSimd>
    where TVector : struct
    where TSimd : struct, ISimd<TVector>
{
    private const int Together = 4;

    /// <summary>
    /// Whether the kernel computes such rows: at most one column outside on either side, and no target twice where
    /// that would add to it twice.
    /// </summary>
    public static bool Takes(int kernelHeight, int targetHeight, in DepthwiseRow row) =>
        kernelHeight == 3 && row is { KernelWidth: 3, Stride: 1, Pad: 0 or 1, TargetWidth: >= Together }
        && row.TargetWidth - row.Pad + 2 - row.SourceWidth <= 1 && targetHeight >= 2
        && (!row.Accumulate || (row.TargetWidth % Together == 0 && targetHeight % 2 == 0));

    /// <summary>
    /// Computes a row and the next one from four source rows, of which those from <paramref name="firstRow"/> to below
    /// <paramref name="endRow"/> exist. Targets that remain are computed with some before them again.
    /// </summary>
    public static void Run(in DepthwiseRow row, int firstRow, int endRow)
    {
        int whole = row.Channels / TSimd.Count * TSimd.Count;
        int tiles = (row.TargetWidth + Together - 1) / Together;
        for (int i = 0; i < tiles; i++)
        {
            // In the order of memory.
            int t = Math.Min((row.TargetColumn > 0 ? i : tiles - 1 - i) * Together, row.TargetWidth - Together);
            Tile<WholeLanes>(row, t, firstRow, endRow, 0, whole);
            if (whole < row.Channels)
                Tile<LastLanes>(row, t, firstRow, endRow, whole, row.Channels);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TLanes>(in DepthwiseRow row, int t, int firstRow, int endRow, int first, int end)
        where TLanes : struct, ILanes
    {
        int column = t - row.Pad, lanes = end - first;
        bool left = column >= 0, right = column + Together + 2 <= row.SourceWidth;
        nint step = row.SourceColumn, down = row.SourceRow, targetStep = row.TargetColumn;
        nint weightDown = row.WeightRow, ahead = row.Ahead;
        for (int c = first; c < end; c += TSimd.Count)
        {
            float* from = row.Source + column * step + c;
            float* at = row.Target + t * targetStep + c, below = at + row.TargetRow;
            float* w = row.WeightsOf(c);
            Start<TLanes>(row, at, targetStep, c, lanes, out TVector a0, out TVector a1, out TVector a2,
                out TVector a3);
            Start<TLanes>(row, below, targetStep, c, lanes, out TVector b0, out TVector b1, out TVector b2,
                out TVector b3);
            TVector u0 = TSimd.Load(w), u1 = TSimd.Load(w + 16), u2 = TSimd.Load(w + 32);
            w += weightDown;
            TVector v0 = TSimd.Load(w), v1 = TSimd.Load(w + 16), v2 = TSimd.Load(w + 32);
            w += weightDown;
            TVector w0 = TSimd.Load(w), w1 = TSimd.Load(w + 16), w2 = TSimd.Load(w + 32);
            if (firstRow == 0)
                Single<TLanes>(from, step, left, right, lanes, u0, u1, u2, ref a0, ref a1, ref a2, ref a3);
            from += down;
            if (firstRow <= 1 && endRow > 1)
                Double<TLanes>(from, step, left, right, lanes, v0, v1, v2, ref a0, ref a1, ref a2, ref a3,
                    u0, u1, u2, ref b0, ref b1, ref b2, ref b3);
            from += down;
            if (endRow > 2)
                Double<TLanes>(from, step, left, right, lanes, w0, w1, w2, ref a0, ref a1, ref a2, ref a3,
                    v0, v1, v2, ref b0, ref b1, ref b2, ref b3);
            from += down;
            if (endRow > 3)
                Single<TLanes>(from, step, left, right, lanes, w0, w1, w2, ref b0, ref b1, ref b2, ref b3);
            if (ahead != 0)
                Prefetch(row.Source + ahead + (column + 1) * step + c, step, down);
            Store<TLanes>(row, at, targetStep, lanes, a0, a1, a2, a3);
            Store<TLanes>(row, below, targetStep, lanes, b0, b1, b2, b3);
        }
    }

    /// <summary>Adds a source row to the sums of one row of targets, whose taps w are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Single<TLanes>(float* from, nint step, bool left, bool right, int lanes,
        TVector w0, TVector w1, TVector w2, ref TVector a0, ref TVector a1, ref TVector a2, ref TVector a3)
        where TLanes : struct, ILanes
    {
        if (left)
            a0 = TSimd.MultiplyAdd(Load<TLanes>(from, lanes), w0, a0);
        TVector x = Load<TLanes>(from + step, lanes);
        a0 = TSimd.MultiplyAdd(x, w1, a0);
        a1 = TSimd.MultiplyAdd(x, w0, a1);
        x = Load<TLanes>(from + 2 * step, lanes);
        a0 = TSimd.MultiplyAdd(x, w2, a0);
        a1 = TSimd.MultiplyAdd(x, w1, a1);
        a2 = TSimd.MultiplyAdd(x, w0, a2);
        x = Load<TLanes>(from + 3 * step, lanes);
        a1 = TSimd.MultiplyAdd(x, w2, a1);
        a2 = TSimd.MultiplyAdd(x, w1, a2);
        a3 = TSimd.MultiplyAdd(x, w0, a3);
        x = Load<TLanes>(from + 4 * step, lanes);
        a2 = TSimd.MultiplyAdd(x, w2, a2);
        a3 = TSimd.MultiplyAdd(x, w1, a3);
        if (right)
            a3 = TSimd.MultiplyAdd(Load<TLanes>(from + 5 * step, lanes), w2, a3);
    }

    /// <summary>Adds a source row to the sums of both rows of targets, whose taps v and w are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Double<TLanes>(float* from, nint step, bool left, bool right, int lanes,
        TVector v0, TVector v1, TVector v2, ref TVector a0, ref TVector a1, ref TVector a2, ref TVector a3,
        TVector w0, TVector w1, TVector w2, ref TVector b0, ref TVector b1, ref TVector b2, ref TVector b3)
        where TLanes : struct, ILanes
    {
        TVector x;
        if (left)
        {
            x = Load<TLanes>(from, lanes);
            a0 = TSimd.MultiplyAdd(x, v0, a0);
            b0 = TSimd.MultiplyAdd(x, w0, b0);
        }
        x = Load<TLanes>(from + step, lanes);
        a0 = TSimd.MultiplyAdd(x, v1, a0);
        a1 = TSimd.MultiplyAdd(x, v0, a1);
        b0 = TSimd.MultiplyAdd(x, w1, b0);
        b1 = TSimd.MultiplyAdd(x, w0, b1);
        x = Load<TLanes>(from + 2 * step, lanes);
        a0 = TSimd.MultiplyAdd(x, v2, a0);
        a1 = TSimd.MultiplyAdd(x, v1, a1);
        a2 = TSimd.MultiplyAdd(x, v0, a2);
        b0 = TSimd.MultiplyAdd(x, w2, b0);
        b1 = TSimd.MultiplyAdd(x, w1, b1);
        b2 = TSimd.MultiplyAdd(x, w0, b2);
        x = Load<TLanes>(from + 3 * step, lanes);
        a1 = TSimd.MultiplyAdd(x, v2, a1);
        a2 = TSimd.MultiplyAdd(x, v1, a2);
        a3 = TSimd.MultiplyAdd(x, v0, a3);
        b1 = TSimd.MultiplyAdd(x, w2, b1);
        b2 = TSimd.MultiplyAdd(x, w1, b2);
        b3 = TSimd.MultiplyAdd(x, w0, b3);
        x = Load<TLanes>(from + 4 * step, lanes);
        a2 = TSimd.MultiplyAdd(x, v2, a2);
        a3 = TSimd.MultiplyAdd(x, v1, a3);
        b2 = TSimd.MultiplyAdd(x, w2, b2);
        b3 = TSimd.MultiplyAdd(x, w1, b3);
        if (!right)
            return;
        x = Load<TLanes>(from + 5 * step, lanes);
        a3 = TSimd.MultiplyAdd(x, v2, a3);
        b3 = TSimd.MultiplyAdd(x, w2, b3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(float* source, nint step, nint down)
    {
        for (int i = 0; i < 2; i++, source += down)
        {
            TSimd.Prefetch(source);
            TSimd.Prefetch(source + step);
            TSimd.Prefetch(source + 2 * step);
            TSimd.Prefetch(source + 3 * step);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Start<TLanes>(in DepthwiseRow row, float* target, nint step, int c, int lanes,
        out TVector x0, out TVector x1, out TVector x2, out TVector x3)
        where TLanes : struct, ILanes
    {
        if (row.Accumulate)
        {
            x0 = Load<TLanes>(target, lanes);
            x1 = Load<TLanes>(target + step, lanes);
            x2 = Load<TLanes>(target + 2 * step, lanes);
            x3 = Load<TLanes>(target + 3 * step, lanes);
        }
        else
            x0 = x1 = x2 = x3 = row.Bias == null ? default : Load<TLanes>(row.Bias + c, lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TLanes>(in DepthwiseRow row, float* target, nint step, int lanes,
        TVector x0, TVector x1, TVector x2, TVector x3)
        where TLanes : struct, ILanes
    {
        if (row.Relu)
            (x0, x1, x2, x3) = (TSimd.Relu(x0), TSimd.Relu(x1), TSimd.Relu(x2), TSimd.Relu(x3));
        Store<TLanes>(target, x0, lanes);
        Store<TLanes>(target + step, x1, lanes);
        Store<TLanes>(target + 2 * step, x2, lanes);
        Store<TLanes>(target + 3 * step, x3, lanes);
    }
}
