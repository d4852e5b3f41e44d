using System.Runtime.CompilerServices;

namespace Distributed.Numerics;

/// <summary>
/// The weights' gradient of a depthwise convolution, row by row of outputs. Kernels of 3 x 3 add to all nine taps at
/// once, others tap by tap.
/// </summary>
internal abstract unsafe class DepthwiseWeights<TVector, TSimd> : DepthwiseKernel<TVector, TSimd>
    where TVector : struct
    where TSimd : struct, ISimd<TVector>
{
    // Most pixels that a vector of channels passes through before the next one does.
    private const int Run3x3 = 32;

    public static void Run(in ConvolutionShape s, int batch, float* x, float* dy, float* dw)
    {
        bool is3x3 = s is { KernelHeight: 3, KernelWidth: 3, PadWidth: <= 1 };
        for (int n = 0; n < batch; n++)
            for (int oh = 0; oh < s.OutHeight; oh++)
            {
                float* image = x + (nint)n * s.InputStep;
                float* gradient = dy + (nint)n * s.OutputStep + (nint)oh * s.OutWidth * s.OutPitch;
                int ih = oh * s.StrideHeight - s.PadHeight;
                if (is3x3)
                    Row3x3(s, image, ih, gradient, dw);
                else
                    Row(s, image, ih, gradient, dw);
            }
    }

    private static void Row(in ConvolutionShape s, float* image, int firstRow, float* dy, float* dw)
    {
        for (int kh = Math.Max(0, -firstRow); kh < Math.Min(s.KernelHeight, s.InHeight - firstRow); kh++)
            for (int kw = 0; kw < s.KernelWidth; kw++)
            {
                // Outputs whose tap lies in the image.
                int first = Math.Max(0, (s.PadWidth - kw + s.StrideWidth - 1) / s.StrideWidth);
                int last = Math.Min(s.OutWidth - 1, (s.InWidth - 1 + s.PadWidth - kw) / s.StrideWidth);
                if (s.InWidth - 1 + s.PadWidth < kw || first > last)
                    continue;
                int iw = first * s.StrideWidth - s.PadWidth + kw;
                AddTap(image + ((nint)(firstRow + kh) * s.InWidth + iw) * s.InPitch, (nint)s.StrideWidth * s.InPitch,
                    dy + (nint)first * s.OutPitch, s.OutPitch, last - first + 1, s.InChannels,
                    dw + (nint)(kh * s.KernelWidth + kw) * s.InChannels);
            }
    }

    /// <summary>sums[c] += sum over pixels of x[pixel][c] dy[pixel][c].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddTap(float* x, nint xStep, float* dy, nint dyStep, int pixels, int channels, float* sums)
    {
        int vector = TSimd.Count, c = 0;
        // Four vectors, because each sum waits for its last addition.
        for (; c <= channels - 4 * vector; c += 4 * vector)
        {
            TVector sum0 = TSimd.Load(sums + c), sum1 = TSimd.Load(sums + c + vector);
            TVector sum2 = TSimd.Load(sums + c + 2 * vector), sum3 = TSimd.Load(sums + c + 3 * vector);
            float* a = x + c, b = dy + c;
            for (int i = 0; i < pixels; i++, a += xStep, b += dyStep)
            {
                sum0 = TSimd.MultiplyAdd(TSimd.Load(a), TSimd.Load(b), sum0);
                sum1 = TSimd.MultiplyAdd(TSimd.Load(a + vector), TSimd.Load(b + vector), sum1);
                sum2 = TSimd.MultiplyAdd(TSimd.Load(a + 2 * vector), TSimd.Load(b + 2 * vector), sum2);
                sum3 = TSimd.MultiplyAdd(TSimd.Load(a + 3 * vector), TSimd.Load(b + 3 * vector), sum3);
            }
            TSimd.Store(sums + c, sum0);
            TSimd.Store(sums + c + vector, sum1);
            TSimd.Store(sums + c + 2 * vector, sum2);
            TSimd.Store(sums + c + 3 * vector, sum3);
        }
        for (; c < channels; c += vector)
        {
            int lanes = channels - c;
            TVector sum = TSimd.Load(sums + c, lanes);
            float* a = x + c, b = dy + c;
            for (int i = 0; i < pixels; i++, a += xStep, b += dyStep)
                sum = TSimd.MultiplyAdd(TSimd.Load(a, lanes), TSimd.Load(b, lanes), sum);
            TSimd.Store(sums + c, sum, lanes);
        }
    }

    /// <summary>One row of outputs: runs of those that have all columns of taps, and the others one by one.</summary>
    private static void Row3x3(in ConvolutionShape s, float* image, int firstRow, float* dy, float* dw)
    {
        int whole = s.InChannels / TSimd.Count * TSimd.Count;
        nint down = (nint)s.InWidth * s.InPitch;
        for (int ow = 0; ow < s.OutWidth;)
        {
            int iw = ow * s.StrideWidth - s.PadWidth;
            bool isInside = iw >= 0 && iw + 2 < s.InWidth;
            int inside = isInside ? (s.InWidth - 3 - iw) / s.StrideWidth + 1 : 1;
            int run = Math.Min(inside, Math.Min(Run3x3, s.OutWidth - ow));
            // Taps outside read some pixel of the image instead, and their sums are dropped.
            var taps = new Taps3x3(firstRow, s.InHeight, down, iw, s.InWidth, s.InPitch);
            float* gradient = dy + (nint)ow * s.OutPitch;
            Add<WholeLanes>(s, taps, image, gradient, dw, run, 0, whole);
            if (whole < s.InChannels)
                Add<LastLanes>(s, taps, image, gradient, dw, run, whole, s.InChannels);
            ow += run;
        }
    }

    /// <summary>Adds a run of pixels to the taps that are inside.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add<TLanes>(in ConvolutionShape s, in Taps3x3 taps, float* x, float* dy, float* dw, int pixels,
        int first, int end)
        where TLanes : struct, ILanes
    {
        int lanes = end - first;
        bool slides = s.StrideWidth == 1;
        nint channels = s.InChannels, step = (nint)s.StrideWidth * s.InPitch, dyStep = s.OutPitch;
        nint left = taps.Left, middle = taps.Middle, right = taps.Right;
        // Reading the next rows ahead pays where they come from memory, and costs little elsewhere.
        nint dyAhead = (nint)s.OutWidth * s.OutPitch, ahead = (nint)s.StrideHeight * s.InWidth * s.InPitch + middle;
        for (int c = first; c < end; c += TSimd.Count)
        {
            float* u = x + taps.Top + c, v = x + taps.Center + c, z = x + taps.Bottom + c, g = dy + c, w = dw + c;
            TVector sum0 = Load<TLanes>(w, lanes), sum1 = Load<TLanes>(w + channels, lanes);
            TVector sum2 = Load<TLanes>(w + 2 * channels, lanes), sum3 = Load<TLanes>(w + 3 * channels, lanes);
            TVector sum4 = Load<TLanes>(w + 4 * channels, lanes), sum5 = Load<TLanes>(w + 5 * channels, lanes);
            TVector sum6 = Load<TLanes>(w + 6 * channels, lanes), sum7 = Load<TLanes>(w + 7 * channels, lanes);
            TVector sum8 = Load<TLanes>(w + 8 * channels, lanes);
            TVector u0 = Load<TLanes>(u + left, lanes), u1 = Load<TLanes>(u + middle, lanes);
            TVector v0 = Load<TLanes>(v + left, lanes), v1 = Load<TLanes>(v + middle, lanes);
            TVector z0 = Load<TLanes>(z + left, lanes), z1 = Load<TLanes>(z + middle, lanes);
            for (int i = 0; i < pixels; i++, g += dyStep)
            {
                TVector gradient = Load<TLanes>(g, lanes);
                TVector u2 = Load<TLanes>(u + right, lanes), v2 = Load<TLanes>(v + right, lanes);
                TVector z2 = Load<TLanes>(z + right, lanes);
                TSimd.Prefetch(z + ahead);
                TSimd.Prefetch(g + dyAhead);
                sum0 = TSimd.MultiplyAdd(u0, gradient, sum0);
                sum1 = TSimd.MultiplyAdd(u1, gradient, sum1);
                sum2 = TSimd.MultiplyAdd(u2, gradient, sum2);
                sum3 = TSimd.MultiplyAdd(v0, gradient, sum3);
                sum4 = TSimd.MultiplyAdd(v1, gradient, sum4);
                sum5 = TSimd.MultiplyAdd(v2, gradient, sum5);
                sum6 = TSimd.MultiplyAdd(z0, gradient, sum6);
                sum7 = TSimd.MultiplyAdd(z1, gradient, sum7);
                sum8 = TSimd.MultiplyAdd(z2, gradient, sum8);
                u += step;
                v += step;
                z += step;
                if (slides)
                {
                    (u0, u1, v0, v1, z0, z1) = (u1, u2, v1, v2, z1, z2);
                    continue;
                }
                if (i + 1 == pixels)
                    break;
                (u0, u1) = (Load<TLanes>(u + left, lanes), Load<TLanes>(u + middle, lanes));
                (v0, v1) = (Load<TLanes>(v + left, lanes), Load<TLanes>(v + middle, lanes));
                (z0, z1) = (Load<TLanes>(z + left, lanes), Load<TLanes>(z + middle, lanes));
            }
            Store<TLanes>(w, channels, taps, taps.HasTop, lanes, sum0, sum1, sum2);
            Store<TLanes>(w + 3 * channels, channels, taps, taps.HasCenter, lanes, sum3, sum4, sum5);
            Store<TLanes>(w + 6 * channels, channels, taps, taps.HasBottom, lanes, sum6, sum7, sum8);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TLanes>(float* target, nint step, in Taps3x3 taps, bool hasRow, int lanes, TVector sum0,
        TVector sum1, TVector sum2)
        where TLanes : struct, ILanes
    {
        if (!hasRow)
            return;
        if (taps.HasLeft)
            Store<TLanes>(target, sum0, lanes);
        if (taps.HasMiddle)
            Store<TLanes>(target + step, sum1, lanes);
        if (taps.HasRight)
            Store<TLanes>(target + 2 * step, sum2, lanes);
    }
}

/// <summary>Where rows and columns of a 3 x 3 window lie in the image; those outside are moved inside.</summary>
internal readonly struct Taps3x3(int row, int height, nint down, int column, int width, nint across)
{
    public readonly bool HasTop = row >= 0, HasCenter = row >= -1 && row + 1 < height,
        HasBottom = row + 2 < height;
    public readonly bool HasLeft = column >= 0, HasMiddle = column + 1 < width, HasRight = column + 2 < width;
    public readonly nint Top = Math.Max(row, 0) * down, Center = Math.Clamp(row + 1, 0, height - 1) * down,
        Bottom = Math.Min(row + 2, height - 1) * down;
    public readonly nint Left = Math.Max(column, 0) * across, Middle = Math.Min(column + 1, width - 1) * across,
        Right = Math.Min(column + 2, width - 1) * across;
}
