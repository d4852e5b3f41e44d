using System.Runtime.CompilerServices;

namespace Distributed.Numerics;

/// <summary>
/// inputGradient[n][ih][iw][c] = sum over kh, ow, k (ascending) of outputGradient[n][oh][ow][k] w[kh][kw][c][k]
/// where ih = oh S - P + kh and iw = ow S - P + kw; one fused multiply-add each, starting from +0.
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
        var images = new PaddedImages(s);
        return images.HasBorder ? Group(s, images) * images.ImageLength : 0;
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

    /// <summary>Computes the whole input gradient (overwritten) of <paramref name="batch"/> samples.</summary>
    public static unsafe void Run(in ConvolutionShape s, int batch, ReadOnlySpan<float> outputGradient,
        ReadOnlySpan<float> packed, Span<float> inputGradient, Span<float> scratch)
    {
        Check.Shape(s);
        Check.Batch(batch);
        Check.Length(outputGradient.Length, checked(batch * s.OutputLength), nameof(outputGradient));
        Check.Length(packed.Length, PackedLength(s), nameof(packed));
        Check.Length(inputGradient.Length, checked(batch * s.InputLength), nameof(inputGradient));
        Check.Scratch(scratch.Length, ScratchLength(s));
        var images = new PaddedImages(s);
        int group = Group(s, images);
        fixed (float* dy = outputGradient, w = packed, dx = inputGradient, padded = scratch)
            for (int n = 0; n < batch; n += group)
            {
                int count = Math.Min(group, batch - n);
                float* target = dx + (nint)n * s.InputLength, sums = images.HasBorder ? padded : target;
                Images(s, images, count, dy + (nint)n * s.OutputLength, w, sums);
                if (images.HasBorder)
                    images.Extract(sums, count, target);
            }
    }

    private static int PackedRowLength(in ConvolutionShape s) =>
        Panels.Length(s.OutChannels, checked(s.KernelWidth * s.InChannels));

    private static int Group(in ConvolutionShape s, in PaddedImages images) =>
        Math.Min(PaddedImages.Group(GroupBudget, checked(s.OutputLength + images.ImageLength)),
            PaddedImages.Group(GroupRows, s.OutHeight));

    /// <summary>Adds all windows of some images to their padded input gradients.</summary>
    [SkipLocalsInit]
    private static unsafe void Images(in ConvolutionShape s, in PaddedImages images, int count, float* dy,
        float* packed, float* dx)
    {
        int outHeight = s.OutHeight, outWidth = s.OutWidth, rows = count * outHeight;
        nint* gradients = stackalloc nint[rows], windows = stackalloc nint[rows];
        TileLoop loop = TileLoop.Of(LoopLevel.Once, LoopLevel.Once, new LoopLevel(s.OutChannels, 1, 0));
        // A pixel that lies in one window at most needs no sum in memory.
        bool covered = s.KernelHeight == 1 && s.KernelWidth == 1 && s.StrideHeight == 1 && s.StrideWidth == 1;
        loop.Accumulate = !covered;
        if (!covered)
            new Span<float>(dx, count * images.ImageLength).Clear();
        for (int i = 0; i < rows; i++)
        {
            gradients[i] = (nint)i * outWidth * s.OutChannels;
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
                float* panels = packed + (nint)kh * PackedRowLength(s), gradient = dy + (nint)ow * outChannels;
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
