using System.Runtime.CompilerServices;

namespace Distributed.Numerics;

/// <summary>
/// weightGradient[kh][kw][c][k] = sum over n, oh, ow (ascending) of
/// input[n][oh S - P + kh][ow S - P + kw][c] outputGradient[n][oh][ow][k]; one fused multiply-add each, from +0.
/// </summary>
public static class ConvolutionBackwardWeights
{
    // Floats of input and output gradient that are worked on together, but at least so many pixels; and rows of the
    // gradient that are.
    private const int GroupBudget = 64 * 1024, LeastPixels = 128, MaxChunk = 256, FewPixels = 64, FewRows = 64;

    /// <summary>Floats of scratch that <see cref="Run"/> needs.</summary>
    public static int ScratchLength(in ConvolutionShape s)
    {
        var images = new PaddedImages(s);
        int group = Group(s, images);
        return checked((images.IsCopy ? group * images.ImageLength : 0)
            + (NeedsPanels(s) ? Panels.Length(group * s.OutHeight * s.OutWidth, s.OutChannels) : 0));
    }

    /// <summary>
    /// Sums the gradient of <paramref name="batch"/> samples into HWIO <paramref name="weightGradient"/> (overwritten).
    /// </summary>
    public static unsafe void Run(in ConvolutionShape s, int batch, ReadOnlySpan<float> input,
        ReadOnlySpan<float> outputGradient, Span<float> weightGradient, Span<float> scratch)
    {
        Check.Shape(s);
        Check.Batch(batch);
        Check.Tensors(s, batch, input.Length, nameof(input), outputGradient.Length, nameof(outputGradient));
        Check.Length(weightGradient.Length, s.WeightLength, nameof(weightGradient));
        Check.Scratch(scratch.Length, ScratchLength(s));
        var images = new PaddedImages(s);
        int group = Group(s, images), pixels = s.OutHeight * s.OutWidth;
        fixed (float* x = input, dy = outputGradient, dw = weightGradient, work = scratch)
            for (int n = 0; n < batch; n += group)
            {
                int count = Math.Min(group, batch - n);
                float* image = x + (nint)n * s.InputStep, gradient = dy + (nint)n * s.OutputStep, free = work;
                if (images.IsCopy)
                {
                    images.Fill(image, count, free);
                    image = free;
                    free += (nint)group * images.ImageLength;
                }
                if (NeedsPanels(s))
                {
                    Panels.Copy(gradient, s.OutPitch, count * pixels, s.OutChannels, free);
                    gradient = free;
                }
                Images(s, images, count, image, gradient, dw, accumulate: n > 0);
            }
    }

    // Kernels read whole panels, so ragged channels are copied; so are wide ones, whose pixels would share cache sets.
    private static bool NeedsPanels(in ConvolutionShape s) => s.OutChannels % 16 != 0 || s.OutPitch > 256;

    private static int Group(in ConvolutionShape s, in PaddedImages images) =>
        Math.Max(PaddedImages.Group(GroupBudget, checked(s.OutputLength + images.ImageLength)),
            (LeastPixels + s.OutHeight * s.OutWidth - 1) / (s.OutHeight * s.OutWidth));

    /// <summary>Adds the images' part to all rows (kh, kw, c) of the gradient, some rows at a time.</summary>
    [SkipLocalsInit]
    private static unsafe void Images(in ConvolutionShape s, in PaddedImages images, int count, float* x, float* dy,
        float* dw, bool accumulate)
    {
        int rows = s.KernelHeight * s.KernelWidth * s.InChannels, pixels = count * s.OutHeight * s.OutWidth;
        // With few pixels the gradient itself is most of the traffic: all panels of a few rows are written together.
        int most = pixels <= FewPixels ? FewRows : MaxChunk;
        nint* offsets = stackalloc nint[MaxChunk], outputs = stackalloc nint[MaxChunk];
        for (int i = 0; i < Math.Min(rows, most); i++)
            outputs[i] = (nint)i * s.OutChannels;
        for (int first = 0; first < rows; first += most)
        {
            int chunk = Math.Min(most, rows - first);
            for (int i = 0; i < chunk; i++)
                offsets[i] = images.Offset(first + i);
            Rows(s, images, count, chunk, x, offsets, dy, dw + (nint)first * s.OutChannels, outputs, accumulate);
        }
    }

    private static unsafe void Rows(in ConvolutionShape s, in PaddedImages images, int count, int rows, float* x,
        nint* offsets, float* dy, float* dw, nint* outputs, bool accumulate)
    {
        int outHeight = s.OutHeight, outWidth = s.OutWidth, outChannels = s.OutChannels;
        nint pixels = (nint)count * outHeight * outWidth;
        bool panels = NeedsPanels(s);
        for (int n = 0; n < outChannels;)
        {
            int width = MicroKernel.PanelWidth(outChannels - n), columns = Math.Min(width, outChannels - n);
            int step = panels ? width : s.OutPitch;
            TileLoop loop = TileLoop.Of(
                new LoopLevel(count, images.ImageLength, (nint)outHeight * outWidth * step),
                new LoopLevel(outHeight, images.RowStep, (nint)outWidth * step),
                new LoopLevel(outWidth, images.ColumnStep, step));
            loop.Accumulate = accumulate;
            MicroKernel.Run(&loop, rows, x, offsets, panels ? dy + pixels * n : dy + n, dw + n, outputs, columns,
                width, null);
            n += width;
        }
    }
}
