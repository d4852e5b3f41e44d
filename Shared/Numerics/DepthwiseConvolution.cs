using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Distributed.Numerics;

/// <summary>
/// A convolution of every channel alone (PyTorch's with as many groups as channels), with weights [kh][kw][c]:
/// output[n][oh][ow][c] = bias[c] + sum over kh, kw (ascending, inside the image) of
/// input[n][oh S - P + kh][ow S - P + kw][c] w[kh][kw][c], one fused multiply-add each, starting from the bias or +0.
/// Its shape is a <see cref="ConvolutionShape"/> with as many output channels as input channels.
/// </summary>
public static unsafe class DepthwiseConvolution
{
    /// <summary>Floats of the weights.</summary>
    public static int WeightLength(in ConvolutionShape s) => checked(s.KernelHeight * s.KernelWidth * s.InChannels);

    /// <summary>
    /// Computes <paramref name="batch"/> samples, optionally followed by ReLU; an empty bias means none.
    /// </summary>
    public static void Forward(in ConvolutionShape s, int batch, ReadOnlySpan<float> input, ReadOnlySpan<float> weights,
        ReadOnlySpan<float> bias, Span<float> output, bool relu)
    {
        CheckShape(s, batch, weights.Length);
        Check.Tensors(s, batch, input.Length, nameof(input), output.Length, nameof(output));
        if (!bias.IsEmpty)
            Check.Length(bias.Length, s.OutChannels, nameof(bias));
        fixed (float* x = input, w = weights, b = bias, y = output)
            if (InstructionSet.HasAvx512)
                DepthwiseRows<Vector512<float>, Simd512>.Forward(s, batch, x, w, b, y, relu);
            else if (InstructionSet.HasAvx2)
                DepthwiseRows<Vector256<float>, Simd256>.Forward(s, batch, x, w, b, y, relu);
            else
                DepthwiseRows<float, Scalar>.Forward(s, batch, x, w, b, y, relu);
    }

    /// <summary>
    /// inputGradient[n][ih][iw][c] = sum over the kh, kw (ascending) whose windows cover the pixel of
    /// outputGradient[n][oh][ow][c] w[kh][kw][c], one fused multiply-add each, from +0 or, to
    /// <paramref name="accumulate"/>, from what the input gradient holds.
    /// </summary>
    public static void BackwardData(in ConvolutionShape s, int batch, ReadOnlySpan<float> outputGradient,
        ReadOnlySpan<float> weights, Span<float> inputGradient, bool accumulate = false)
    {
        CheckShape(s, batch, weights.Length);
        Check.Tensors(s, batch, inputGradient.Length, nameof(inputGradient), outputGradient.Length,
            nameof(outputGradient));
        fixed (float* dy = outputGradient, w = weights, dx = inputGradient)
            if (InstructionSet.HasAvx512)
                DepthwiseRows<Vector512<float>, Simd512>.BackwardData(s, batch, dy, w, dx, accumulate);
            else if (InstructionSet.HasAvx2)
                DepthwiseRows<Vector256<float>, Simd256>.BackwardData(s, batch, dy, w, dx, accumulate);
            else
                DepthwiseRows<float, Scalar>.BackwardData(s, batch, dy, w, dx, accumulate);
    }

    /// <summary>
    /// weightGradient[kh][kw][c] (overwritten) = sum over n, oh, ow (ascending, inside the image) of
    /// input[n][oh S - P + kh][ow S - P + kw][c] outputGradient[n][oh][ow][c], one fused multiply-add each, from +0.
    /// </summary>
    public static void BackwardWeights(in ConvolutionShape s, int batch, ReadOnlySpan<float> input,
        ReadOnlySpan<float> outputGradient, Span<float> weightGradient)
    {
        CheckShape(s, batch, weightGradient.Length);
        Check.Tensors(s, batch, input.Length, nameof(input), outputGradient.Length, nameof(outputGradient));
        weightGradient.Clear();
        fixed (float* x = input, dy = outputGradient, dw = weightGradient)
            if (InstructionSet.HasAvx512)
                DepthwiseWeights.Run<Vector512<float>, Simd512>(s, batch, x, dy, dw);
            else if (InstructionSet.HasAvx2)
                DepthwiseWeights.Run<Vector256<float>, Simd256>(s, batch, x, dy, dw);
            else
                DepthwiseWeights.Run<float, Scalar>(s, batch, x, dy, dw);
    }

    private static void CheckShape(in ConvolutionShape s, int batch, int weightLength)
    {
        Check.Shape(s);
        Check.Batch(batch);
        if (s.InChannels != s.OutChannels)
            throw new ArgumentException($"not a depthwise convolution: {s}");
        Check.Length(weightLength, WeightLength(s), "weights");
    }
}

/// <summary>
/// Rows of a depthwise convolution and of its input's gradient. Both are, for every row of targets, sums over taps of
/// source pixels times weights; targets that lie a stride apart have the same taps.
/// </summary>
internal static unsafe class DepthwiseRows<TVector, TSimd>
    where TVector : struct
    where TSimd : struct, ISimd<TVector>
{
    private const int Together = 4, MaxTaps = 1024;

    public static void Forward(in ConvolutionShape s, int batch, float* x, float* w, float* bias, float* y, bool relu)
    {
        var row = new Row(w, bias, s.InChannels, accumulate: false, relu);
        nint* taps = stackalloc nint[2 * MaxTaps];
        for (int n = 0; n < batch; n++)
            for (int oh = 0; oh < s.OutHeight; oh++)
            {
                float* image = x + (nint)n * s.InputStep;
                float* target = y + (nint)n * s.OutputStep + (nint)oh * s.OutWidth * s.OutPitch;
                for (int ow = 0; ow < s.OutWidth;)
                {
                    int count = Math.Min(Together, s.OutWidth - ow);
                    if (!Inside(s, ow, count))
                        count = 1;
                    int used = 0, ih = oh * s.StrideHeight - s.PadHeight, iw = ow * s.StrideWidth - s.PadWidth;
                    for (int kh = 0; kh < s.KernelHeight; kh++)
                        for (int kw = 0; kw < s.KernelWidth; kw++)
                            if ((uint)(ih + kh) < (uint)s.InHeight && (uint)(iw + kw) < (uint)s.InWidth)
                            {
                                taps[2 * used] = ((nint)(ih + kh) * s.InWidth + iw + kw) * s.InPitch;
                                taps[2 * used++ + 1] = (nint)(kh * s.KernelWidth + kw) * s.InChannels;
                            }
                    row.Run(image, (nint)s.StrideWidth * s.InPitch, target + (nint)ow * s.OutPitch, s.OutPitch, count,
                        taps, used);
                    ow += count;
                }
            }
    }

    public static void BackwardData(in ConvolutionShape s, int batch, float* dy, float* w, float* dx, bool accumulate)
    {
        var row = new Row(w, null, s.InChannels, accumulate, relu: false);
        nint* taps = stackalloc nint[2 * MaxTaps];
        int step = s.StrideWidth;
        for (int n = 0; n < batch; n++)
            for (int ih = 0; ih < s.InHeight; ih++)
            {
                float* gradient = dy + (nint)n * s.OutputStep;
                float* target = dx + (nint)n * s.InputStep + (nint)ih * s.InWidth * s.InPitch;
                for (int phase = 0; phase < Math.Min(step, s.InWidth); phase++)
                    for (int iw = phase; iw < s.InWidth;)
                    {
                        int count = Math.Min(Together, (s.InWidth - iw + step - 1) / step);
                        if (!SameTaps(s, iw, count))
                            count = 1;
                        int used = 0;
                        for (int kh = 0; kh < s.KernelHeight; kh++)
                            for (int kw = 0; kw < s.KernelWidth; kw++)
                                if (Covers(ih + s.PadHeight - kh, s.StrideHeight, s.OutHeight, out int oh)
                                    && Covers(iw + s.PadWidth - kw, step, s.OutWidth, out int ow))
                                {
                                    taps[2 * used] = ((nint)oh * s.OutWidth + ow) * s.OutPitch;
                                    taps[2 * used++ + 1] = (nint)(kh * s.KernelWidth + kw) * s.InChannels;
                                }
                        row.Run(gradient, s.OutPitch, target + (nint)iw * s.InPitch, (nint)step * s.InPitch, count,
                            taps, used);
                        iw += count * step;
                    }
            }
    }

    /// <summary>True where the windows of some outputs are inside the image's columns.</summary>
    private static bool Inside(in ConvolutionShape s, int ow, int count) =>
        ow * s.StrideWidth >= s.PadWidth
        && (ow + count - 1) * s.StrideWidth - s.PadWidth + s.KernelWidth <= s.InWidth;

    /// <summary>True where all windows that could cover some inputs, a stride apart, exist.</summary>
    private static bool SameTaps(in ConvolutionShape s, int iw, int count) =>
        iw + s.PadWidth - (s.KernelWidth - 1) >= 0
        && iw + s.PadWidth + (count - 1) * s.StrideWidth <= (s.OutWidth - 1) * s.StrideWidth;

    private static bool Covers(int distance, int stride, int windows, out int window)
    {
        window = distance / stride;
        return distance >= 0 && distance % stride == 0 && window < windows;
    }

    /// <summary>What all targets share.</summary>
    private readonly struct Row(float* weights, float* bias, int channels, bool accumulate, bool relu)
    {
        /// <summary>One target, or four whose sources are a step apart; taps are pairs of offsets.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(float* source, nint sourceStep, float* target, nint targetStep, int count, nint* taps, int used)
        {
            if (count == Together)
            {
                Four(source, sourceStep, target, targetStep, taps, used);
                return;
            }
            for (int i = 0; i < count; i++)
                for (int c = 0; c < channels; c += TSimd.Count)
                {
                    int lanes = channels - c;
                    float* at = target + i * targetStep + c;
                    TVector sum = Start(at, c, lanes);
                    for (int t = 0; t < used; t++)
                        sum = TSimd.MultiplyAdd(TSimd.Load(source + i * sourceStep + taps[2 * t] + c, lanes),
                            TSimd.Load(weights + taps[2 * t + 1] + c, lanes), sum);
                    TSimd.Store(at, relu ? TSimd.Relu(sum) : sum, lanes);
                }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Four(float* source, nint step, float* target, nint targetStep, nint* taps, int used)
        {
            for (int c = 0; c < channels; c += TSimd.Count)
            {
                int lanes = channels - c;
                float* at = target + c;
                TVector sum0 = Start(at, c, lanes), sum1 = Start(at + targetStep, c, lanes);
                TVector sum2 = Start(at + 2 * targetStep, c, lanes), sum3 = Start(at + 3 * targetStep, c, lanes);
                for (int t = 0; t < used; t++)
                {
                    float* from = source + taps[2 * t] + c;
                    TVector weight = TSimd.Load(weights + taps[2 * t + 1] + c, lanes);
                    sum0 = TSimd.MultiplyAdd(TSimd.Load(from, lanes), weight, sum0);
                    sum1 = TSimd.MultiplyAdd(TSimd.Load(from + step, lanes), weight, sum1);
                    sum2 = TSimd.MultiplyAdd(TSimd.Load(from + 2 * step, lanes), weight, sum2);
                    sum3 = TSimd.MultiplyAdd(TSimd.Load(from + 3 * step, lanes), weight, sum3);
                }
                TSimd.Store(at, relu ? TSimd.Relu(sum0) : sum0, lanes);
                TSimd.Store(at + targetStep, relu ? TSimd.Relu(sum1) : sum1, lanes);
                TSimd.Store(at + 2 * targetStep, relu ? TSimd.Relu(sum2) : sum2, lanes);
                TSimd.Store(at + 3 * targetStep, relu ? TSimd.Relu(sum3) : sum3, lanes);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private TVector Start(float* target, int c, int lanes) =>
            accumulate ? TSimd.Load(target, lanes) : bias == null ? default : TSimd.Load(bias + c, lanes);
    }
}

/// <summary>The weights' gradient of a depthwise convolution: row by row of outputs, tap by tap.</summary>
internal static unsafe class DepthwiseWeights
{
    public static void Run<TVector, TSimd>(in ConvolutionShape s, int batch, float* x, float* dy, float* dw)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
    {
        for (int n = 0; n < batch; n++)
            for (int oh = 0; oh < s.OutHeight; oh++)
                for (int kh = 0; kh < s.KernelHeight; kh++)
                {
                    int ih = oh * s.StrideHeight - s.PadHeight + kh;
                    if ((uint)ih >= (uint)s.InHeight)
                        continue;
                    for (int kw = 0; kw < s.KernelWidth; kw++)
                    {
                        // Outputs whose tap lies in the image.
                        int first = Math.Max(0, (s.PadWidth - kw + s.StrideWidth - 1) / s.StrideWidth);
                        int last = Math.Min(s.OutWidth - 1, (s.InWidth - 1 + s.PadWidth - kw) / s.StrideWidth);
                        if (s.InWidth - 1 + s.PadWidth < kw || first > last)
                            continue;
                        int iw = first * s.StrideWidth - s.PadWidth + kw;
                        AddRow<TVector, TSimd>(x + (nint)n * s.InputStep + ((nint)ih * s.InWidth + iw) * s.InPitch,
                            (nint)s.StrideWidth * s.InPitch,
                            dy + (nint)n * s.OutputStep + ((nint)oh * s.OutWidth + first) * s.OutPitch, s.OutPitch,
                            last - first + 1, s.InChannels,
                            dw + (nint)(kh * s.KernelWidth + kw) * s.InChannels);
                    }
                }
    }

    /// <summary>sums[c] += sum over pixels of x[pixel][c] dy[pixel][c].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddRow<TVector, TSimd>(float* x, nint xStep, float* dy, nint dyStep, int pixels, int channels,
        float* sums)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
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
}
