using System.Runtime.CompilerServices;

namespace Distributed.Numerics;

/// <summary>
/// output[n][oh][ow][k] = bias[k] + sum over kh, kw, c (ascending) of
/// input[n][oh S - P + kh][ow S - P + kw][c] w[kh][kw][c][k], one fused multiply-add each, starting from the bias (or
/// +0); padding takes part as +0. Optionally followed by ReLU.
/// </summary>
public static class ConvolutionForward
{
    // Floats of padded input that are prepared together, and output pixels whose windows stay in the caches meanwhile.
    private const int PaddedBudget = 32 * 1024, SlabBudget = 32 * 1024, MaxChunk = 256;

    /// <summary>Floats that <see cref="Pack"/> writes.</summary>
    public static int PackedLength(in ConvolutionShape s) => Panels.Length(Taps(s), s.OutChannels);

    /// <summary>Floats of scratch that <see cref="Run"/> needs.</summary>
    public static int ScratchLength(in ConvolutionShape s)
    {
        var images = new PaddedImages(s);
        return images.IsCopy ? PaddedImages.Group(PaddedBudget, images.ImageLength) * images.ImageLength : 0;
    }

    /// <summary>Rearranges HWIO weights for <see cref="Run"/>; once per parameter version.</summary>
    public static unsafe void Pack(in ConvolutionShape s, ReadOnlySpan<float> weights, Span<float> packed)
    {
        Check.Shape(s);
        Check.Length(weights.Length, s.WeightLength, nameof(weights));
        Check.Length(packed.Length, PackedLength(s), nameof(packed));
        fixed (float* w = weights, p = packed)
            Panels.Copy(w, s.OutChannels, Taps(s), s.OutChannels, p);
    }

    /// <summary>Computes <paramref name="batch"/> samples; an empty bias means none.</summary>
    public static unsafe void Run(in ConvolutionShape s, int batch, ReadOnlySpan<float> input,
        ReadOnlySpan<float> packed, ReadOnlySpan<float> bias, Span<float> output, bool relu, Span<float> scratch)
    {
        Check.Shape(s);
        Check.Batch(batch);
        Check.Tensors(s, batch, input.Length, nameof(input), output.Length, nameof(output));
        Check.Length(packed.Length, PackedLength(s), nameof(packed));
        if (!bias.IsEmpty)
            Check.Length(bias.Length, s.OutChannels, nameof(bias));
        Check.Scratch(scratch.Length, ScratchLength(s));
        var images = new PaddedImages(s);
        fixed (float* x = input, w = packed, b = bias, y = output, padded = scratch)
        {
            if (!images.IsCopy)
            {
                Images(s, images, batch, x, w, b, y, relu);
                return;
            }
            int group = PaddedImages.Group(PaddedBudget, images.ImageLength);
            for (int n = 0; n < batch; n += group)
            {
                int count = Math.Min(group, batch - n);
                images.Fill(x + (nint)n * s.InputStep, count, padded);
                Images(s, images, count, padded, w, b, y + (nint)n * s.OutputStep, relu);
            }
        }
    }

    private static int Taps(in ConvolutionShape s) => checked(s.KernelHeight * s.KernelWidth * s.InChannels);

    /// <summary>
    /// All output pixels of padded images, flattened, in chunks of which each goes through all panels.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Images(in ConvolutionShape s, in PaddedImages images, int count, float* x, float* packed,
        float* bias, float* y, bool relu)
    {
        int taps = Taps(s), outHeight = s.OutHeight, outWidth = s.OutWidth,
            pixels = checked(count * outHeight * outWidth);
        int chunk = Math.Clamp(SlabBudget / (s.InChannels * s.StrideHeight * s.StrideWidth) & ~31, 32, MaxChunk);
        nint* windows = stackalloc nint[MaxChunk], outputs = stackalloc nint[MaxChunk];
        for (int i = 0; i < chunk; i++)
            outputs[i] = (nint)i * s.OutPitch;
        TileLoop loop = TileLoop.Of(new LoopLevel(s.KernelHeight, images.RowLength, 0),
            new LoopLevel(s.KernelWidth, images.Pitch, 0), new LoopLevel(s.InChannels, 1, 0));
        loop.Relu = relu;
        int row = 0, column = 0;
        nint window = 0;
        for (int pixel = 0; pixel < pixels; pixel += chunk)
        {
            int rows = Math.Min(chunk, pixels - pixel);
            for (int i = 0; i < rows;)
            {
                int run = Math.Min(rows - i, outWidth - column);
                nint first = window + (nint)column * images.ColumnStep;
                for (int end = i + run; i < end; i++, first += images.ColumnStep)
                    windows[i] = first;
                column += run;
                if (column < outWidth)
                    break;
                column = 0;
                window += images.RowStep;
                if (++row < outHeight)
                    continue;
                row = 0;
                window += images.ImageLength - (nint)outHeight * images.RowStep;
            }
            for (int n = 0; n < s.OutChannels;)
            {
                int width = MicroKernel.PanelWidth(s.OutChannels - n), columns = Math.Min(width, s.OutChannels - n);
                loop.BStep = width;
                MicroKernel.Run(&loop, rows, x, windows, packed + (nint)taps * n, y + (nint)pixel * s.OutPitch + n,
                    outputs, columns, width, bias == null ? null : bias + n);
                n += width;
            }
        }
    }
}
