namespace Distributed.Numerics;

/// <summary>
/// The rows of a depthwise convolution and of its input's gradient. The gradient is the same sum as the convolution
/// over pixels from the last to the first: target q of a row reads sources q, q - 1, ... of a stride's taps.
/// </summary>
internal static unsafe class DepthwisePasses<TVector, TSimd>
    where TVector : struct
    where TSimd : struct, ISimd<TVector>
{
    // Of tensors larger than this the next rows are read ahead.
    private const int NearFloats = 256 * 1024;

    public static void Forward(in ConvolutionShape s, int batch, float* x, float* w, float* bias, float* y, bool relu)
    {
        int outHeight = s.OutHeight, inHeight = s.InHeight;
        nint inRow = (nint)s.InWidth * s.InPitch, outRow = (nint)s.OutWidth * s.OutPitch;
        DepthwiseRow row = Shared(s, w);
        (row.SourceRow, row.SourceColumn, row.SourceWidth) = (inRow, s.InPitch, s.InWidth);
        (row.TargetRow, row.TargetColumn, row.TargetWidth) = (outRow, s.OutPitch, s.OutWidth);
        (row.Stride, row.Pad, row.KernelWidth, row.Relu) = (s.StrideWidth, s.PadWidth, s.KernelWidth, relu);
        row.Bias = bias;
        bool pairs = s.StrideHeight == 1 && DepthwisePairKernel<TVector, TSimd>.Takes(s.KernelHeight, outHeight, row);
        if ((long)batch * s.InputStep > NearFloats)
            (row.Ahead, row.AheadRows) = ((pairs ? 4 : s.KernelHeight) * inRow, s.StrideHeight);
        for (int n = 0; n < batch; n++)
            for (int oh = 0; oh < outHeight; oh += pairs ? 2 : 1)
            {
                int first = pairs ? Math.Min(oh, outHeight - 2) : oh;
                int ih = first * s.StrideHeight - s.PadHeight;
                row.Target = y + (nint)n * s.OutputStep + first * outRow;
                float* image = x + (nint)n * s.InputStep;
                if (pairs)
                {
                    row.Source = image + ih * inRow;
                    DepthwisePairKernel<TVector, TSimd>.Run(row, Math.Max(0, -ih), Math.Min(4, inHeight - ih));
                    continue;
                }
                int skip = Math.Max(0, -ih);
                row.KernelHeight = Math.Max(0, Math.Min(s.KernelHeight, inHeight - ih) - skip);
                row.Source = image + (ih + skip) * inRow;
                row.Weights = w + skip * row.WeightRow;
                DepthwiseRowKernel<TVector, TSimd>.Run(row);
            }
    }

    public static void BackwardData(in ConvolutionShape s, int batch, float* dy, float* w, float* dx, bool accumulate)
    {
        int inHeight = s.InHeight, strideWidth = s.StrideWidth;
        nint inRow = (nint)s.InWidth * s.InPitch, outRow = (nint)s.OutWidth * s.OutPitch;
        DepthwiseRow row = Shared(s, w);
        (row.SourceRow, row.SourceColumn, row.SourceWidth) = (-outRow, -s.OutPitch, s.OutWidth);
        (row.TargetRow, row.TargetColumn, row.Stride) = (-inRow, -(nint)strideWidth * s.InPitch, 1);
        (row.WeightRow, row.WeightColumn) = (row.WeightRow * s.StrideHeight, row.WeightColumn * strideWidth);
        row.Accumulate = accumulate;
        row.Ahead = (long)batch * s.OutputStep > NearFloats ? 2 * outRow : 0;
        for (int n = 0; n < batch; n++)
        {
            float* gradient = dy + (nint)n * s.OutputStep, target = dx + (nint)n * s.InputStep;
            for (int ih = 0; ih < inHeight;)
            {
                int rows = 1;
                for (int phase = 0; phase < Math.Min(strideWidth, s.InWidth); phase++)
                    rows = Math.Max(rows, BackwardRow(s, ih, phase, gradient, target, w, row));
                ih += rows;
            }
        }
    }

    /// <summary>
    /// The gradients of one row, or of it and the next one, at the columns phase, phase + stride, ...; returns how
    /// many rows those were.
    /// </summary>
    private static int BackwardRow(in ConvolutionShape s, int ih, int phase, float* dy, float* dx, float* w,
        DepthwiseRow row)
    {
        var (tap, taps, from) = Taps(ih + s.PadHeight, s.StrideHeight, s.KernelHeight);
        row.TargetWidth = (s.InWidth - 1 - phase) / s.StrideWidth + 1;
        int iw = phase + (row.TargetWidth - 1) * s.StrideWidth;
        var (tapColumn, tapColumns, fromColumn) = Taps(iw + s.PadWidth, s.StrideWidth, s.KernelWidth);
        row.KernelWidth = tapColumns;
        row.Pad = fromColumn - (s.OutWidth - 1);
        float* weights = w + ((nint)tap * s.KernelWidth + tapColumn) * DepthwiseConvolution.Block;
        float* source = dy + (nint)(s.OutWidth - 1) * s.OutPitch;
        bool pairs = s is { StrideHeight: 1, StrideWidth: 1 }
            && DepthwisePairKernel<TVector, TSimd>.Takes(taps, s.InHeight, row);
        if (pairs)
        {
            int last = Math.Min(ih + 1, s.InHeight - 1);
            from += last - ih;
            row.Target = dx + ((nint)last * s.InWidth + iw) * s.InPitch;
            row.Source = source - from * row.SourceRow;
            row.Weights = weights;
            DepthwisePairKernel<TVector, TSimd>.Run(row, Math.Max(0, from - (s.OutHeight - 1)), Math.Min(4, from + 1));
            return 2;
        }
        int skip = Math.Max(0, from - (s.OutHeight - 1));
        row.KernelHeight = Math.Max(0, Math.Min(taps, from + 1) - skip);
        row.Target = dx + ((nint)ih * s.InWidth + iw) * s.InPitch;
        row.Source = source - (from - skip) * row.SourceRow;
        row.Weights = weights + skip * row.WeightRow;
        DepthwiseRowKernel<TVector, TSimd>.Run(row);
        return 1;
    }

    /// <summary>
    /// The first tap that reaches a padded position, how many do, and the window that the first one belongs to.
    /// </summary>
    private static (int Tap, int Taps, int Window) Taps(int position, int stride, int kernel)
    {
        int tap = position % stride;
        return (tap, tap < kernel ? (kernel - tap + stride - 1) / stride : 0, position / stride);
    }

    private static DepthwiseRow Shared(in ConvolutionShape s, float* w) => new()
    {
        Weights = w,
        WeightRow = (nint)s.KernelWidth * DepthwiseConvolution.Block,
        WeightColumn = DepthwiseConvolution.Block,
        WeightBlock = (nint)s.KernelHeight * s.KernelWidth * DepthwiseConvolution.Block,
        Channels = s.InChannels,
    };
}
