using System.Runtime.CompilerServices;

namespace Distributed.Numerics;

/// <summary>
/// inputGradient[n][ih][iw][c] = sum over kh, ow, k (ascending) of outputGradient[n][oh][ow][k] w[kh][kw][c][k]
/// where ih = oh S - P + kh and iw = ow S - P + kw; one fused multiply-add each, starting from +0, or from what the
/// input gradient holds.
/// <para>
/// Works for every stride and wastes nothing on borders: for each kernel row and output column, the KW x C input
/// gradients that a window covers are contiguous, so all windows of that column are a matrix product that adds to them
/// in memory.
/// </para>
/// </summary>
public static class ConvolutionBackwardData
{
    // Floats of both gradients, and rows of windows, that are worked on together.
    private const int GroupBudget = 128 * 1024, GroupRows = 256;

    /// <summary>Floats that <see cref="Pack"/> writes.</summary>
    public static int PackedLength(in ConvolutionShape s) => checked(s.KernelHeight * PackedRowLength(s));

    /// <summary>Floats of scratch that <see cref="Run"/> needs.</summary>
    public static int ScratchLength(in ConvolutionShape s)
    {
        PaddedImages images = Layout(s);
        return images.IsCopy ? Group(s, images) * images.ImageLength : 0;
    }

    /// <summary>Rearranges HWIO weights for <see cref="Run"/>; once per parameter version.</summary>
    public static unsafe void Pack(in ConvolutionShape s, ReadOnlySpan<float> weights, Span<float> packed)
    {
        Check.Shape(s);
        Check.Length(weights.Length, s.WeightLength, nameof(weights));
        Check.Length(packed.Length, PackedLength(s), nameof(packed));
        int covered = s.KernelWidth * s.InChannels;
        fixed (float* w = weights, p = packed)
            for (int kh = 0; kh < s.KernelHeight; kh++)
                Panels.CopyTransposed(w + (nint)kh * covered * s.OutChannels, s.OutChannels, s.OutChannels, covered,
                    p + (nint)kh * PackedRowLength(s));
    }

    /// <summary>
    /// Computes the input gradient of <paramref name="batch"/> samples, which is overwritten or, to
    /// <paramref name="accumulate"/>, added to.
    /// </summary>
    public static unsafe void Run(in ConvolutionShape shape, int batch, ReadOnlySpan<float> outputGradient,
        ReadOnlySpan<float> packed, Span<float> inputGradient, Span<float> scratch, bool accumulate = false)
    {
        Check.Shape(shape);
        Check.Batch(batch);
        // One by one, every pixel is an image: all are rows of one matrix product.
        bool pointwise = shape is { KernelHeight: 1, KernelWidth: 1, StrideHeight: 1, StrideWidth: 1 };
        ConvolutionShape s = pointwise ? shape with { InHeight = 1, InWidth = 1 } : shape;
        batch = pointwise ? checked(batch * shape.InHeight * shape.InWidth) : batch;
        Check.Tensors(s, batch, inputGradient.Length, nameof(inputGradient), outputGradient.Length,
            nameof(outputGradient));
        Check.Length(packed.Length, PackedLength(s), nameof(packed));
        Check.Scratch(scratch.Length, ScratchLength(s));
        PaddedImages images = Layout(s);
        int group = Group(s, images), imagePixels = s.InHeight * s.InWidth;
        fixed (float* dy = outputGradient, w = packed, dx = inputGradient, padded = scratch)
            for (int n = 0; n < batch; n += group)
            {
                int count = Math.Min(group, batch - n);
                float* target = dx + (nint)n * s.InputStep, sums = images.IsCopy ? padded : target;
                if (images.IsCopy && accumulate)
                    images.Fill(target, count, padded);
                else if (images.IsCopy)
                    new Span<float>(padded, count * images.ImageLength).Clear();
                else if (!accumulate && !pointwise)
                    Pixels.Clear(target, s.InPitch, count * imagePixels, s.InChannels);
                Images(s, images, count, dy + (nint)n * s.OutputStep, w, sums, accumulate || !pointwise);
                if (images.IsCopy)
                    images.Extract(sums, count, target);
            }
    }

    // The pixels that a row of a window covers must be contiguous.
    private static PaddedImages Layout(in ConvolutionShape s) =>
        new(s, dense: s.InPitch != s.InChannels && s.KernelWidth > 1);

    private static int PackedRowLength(in ConvolutionShape s) =>
        Panels.Length(s.OutChannels, checked(s.KernelWidth * s.InChannels));

    private static int Group(in ConvolutionShape s, in PaddedImages images) =>
        Math.Min(PaddedImages.Group(GroupBudget, checked(s.OutputLength + images.ImageLength)),
            PaddedImages.Group(GroupRows, s.OutHeight));

    /// <summary>Adds all windows of some images to their padded input gradients.</summary>
    [SkipLocalsInit]
    private static unsafe void Images(in ConvolutionShape s, in PaddedImages images, int count, float* dy,
        float* packed, float* dx, bool accumulate)
    {
        int outHeight = s.OutHeight, outWidth = s.OutWidth, rows = count * outHeight;
        nint* gradients = stackalloc nint[rows], windows = stackalloc nint[rows];
        TileLoop loop = TileLoop.Of(LoopLevel.Once, LoopLevel.Once, new LoopLevel(s.OutChannels, 1, 0));
        loop.Accumulate = accumulate;
        for (int i = 0; i < rows; i++)
        {
            gradients[i] = (nint)i * outWidth * s.OutPitch;
            windows[i] = (nint)(i / outHeight) * images.ImageLength + (nint)(i % outHeight) * images.RowStep;
        }
        Windows(s, images, &loop, rows, dy, gradients, packed, dx, windows);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Windows(in ConvolutionShape s, in PaddedImages images, TileLoop* loop, int rows,
        float* dy, nint* gradients, float* packed, float* dx, nint* windows)
    {
        int covered = s.KernelWidth * s.InChannels, outWidth = s.OutWidth, outChannels = s.OutChannels;
        for (int kh = 0; kh < s.KernelHeight; kh++)
            for (int ow = 0; ow < outWidth; ow++)
            {
                float* panels = packed + (nint)kh * PackedRowLength(s), gradient = dy + (nint)ow * s.OutPitch;
                float* target = dx + (nint)kh * images.RowLength + (nint)ow * images.ColumnStep;
                for (int j = 0; j < covered;)
                {
                    int width = MicroKernel.PanelWidth(covered - j), columns = Math.Min(width, covered - j);
                    loop->BStep = width;
                    MicroKernel.Run(loop, rows, gradient, gradients, panels + (nint)outChannels * j, target + j,
                        windows, columns, width, null);
                    j += width;
                }
            }
    }
}
