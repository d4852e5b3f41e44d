using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Distributed.Numerics;

/// <summary>Argument checks at the boundary of every operation: after them the kernels trust their pointers.</summary>
internal static class Check
{
    // Tables of one entry a row are on the stack.
    private const int MaxExtent = 16384;

    /// <summary>Refuses a span that doesn't have exactly the expected length.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Length(int actual, int expected, string name)
    {
        if (actual != expected)
            ThrowLength(actual, expected, name);
    }

    /// <summary>
    /// Refuses a span of pixels that isn't (pixels - 1) x pitch + channels floats long; where the pitch is more than
    /// the channels, one that is shorter.
    /// </summary>
    public static void Pixels(int actual, int pixels, int channels, int pitch, string name)
    {
        int expected = checked((pixels - 1) * pitch + channels);
        if (pitch == channels || actual < expected)
            Length(actual, expected, name);
    }

    /// <summary>Refuses spans that aren't the input and the output, or their gradients, of a batch.</summary>
    public static void Tensors(in ConvolutionShape s, int batch, int input, string inputName, int output,
        string outputName)
    {
        Pixels(input, checked(batch * s.InHeight * s.InWidth), s.InChannels, s.InPitch, inputName);
        Pixels(output, checked(batch * s.OutHeight * s.OutWidth), s.OutChannels, s.OutPitch, outputName);
    }

    /// <inheritdoc cref="Tensors(in ConvolutionShape, int, int, string, int, string)"/>
    public static void Tensors(in PoolShape s, int batch, int input, string inputName, int output, string outputName)
    {
        Pixels(input, checked(batch * s.InHeight * s.InWidth), s.Channels, s.InPitch, inputName);
        Pixels(output, checked(batch * s.OutHeight * s.OutWidth), s.Channels, s.OutPitch, outputName);
    }

    /// <inheritdoc cref="Tensors(in ConvolutionShape, int, int, string, int, string)"/>
    public static void Tensors(in PixelShape s, int batch, int input, string inputName, int output, string outputName)
    {
        Shape(s);
        Batch(batch);
        Pixels(input, checked(batch * s.Pixels), s.Channels, s.InPitch, inputName);
        Pixels(output, checked(batch * s.Pixels), s.Channels, s.OutPitch, outputName);
    }

    /// <summary>Refuses a scratch span that is too short (longer is fine).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scratch(int actual, int needed)
    {
        if (actual < needed)
            ThrowScratch(actual, needed);
    }

    /// <summary>
    /// Refuses shapes with an empty extent or one above 16,384, a stride below 1, a pitch below the channels, or
    /// padding that a whole window would fit in.
    /// </summary>
    public static void Shape(in ConvolutionShape s)
    {
        bool sound = s.InHeight > 0 && s.InWidth > 0 && s.InChannels > 0 && s.OutChannels > 0
            && s.InPitch >= s.InChannels && s.OutPitch >= s.OutChannels
            && WindowIsSound(s.KernelHeight, s.StrideHeight, s.PadHeight, s.InHeight)
            && WindowIsSound(s.KernelWidth, s.StrideWidth, s.PadWidth, s.InWidth);
        if (!sound)
            throw new ArgumentException($"not a convolution: {s}");
    }

    /// <inheritdoc cref="Shape(in ConvolutionShape)"/>
    public static void Shape(in PoolShape s)
    {
        bool sound = s.InHeight > 0 && s.InWidth > 0 && s.Channels > 0
            && s.InPitch >= s.Channels && s.OutPitch >= s.Channels
            && WindowIsSound(s.KernelHeight, s.StrideHeight, s.PadHeight, s.InHeight)
            && WindowIsSound(s.KernelWidth, s.StrideWidth, s.PadWidth, s.InWidth)
            && s.KernelHeight * s.KernelWidth <= 256;
        if (!sound)
            throw new ArgumentException($"not a pooling window of at most 256 elements: {s}");
    }

    /// <inheritdoc cref="Shape(in ConvolutionShape)"/>
    public static void Shape(in LinearShape s)
    {
        if (s.Inputs <= 0 || s.Outputs <= 0)
            throw new ArgumentException($"not a linear layer: {s}");
    }

    /// <summary>Refuses what isn't a batch norm's coefficients for so many channels, or nothing.</summary>
    public static void Norm(int length, int channels)
    {
        if (length != 0)
            Length(length, BatchNormForward.CoefficientsLength(channels), "norm");
    }

    /// <summary>Refuses shapes without a channel or a pixel, or pixels narrower than their channels.</summary>
    public static void Shape(in BatchNormShape s, int pixels)
    {
        if (s.Channels <= 0 || s.InPitch < s.Channels || s.OutPitch < s.Channels || pixels <= 0)
            throw new ArgumentException($"no channels to normalise over {pixels} pixels: {s}");
    }

    /// <summary>Refuses what isn't at least one pixel of at least one channel, within its pitches.</summary>
    public static void Shape(in PixelShape s)
    {
        if (s.Pixels <= 0 || s.Channels <= 0 || s.InPitch < s.Channels || s.OutPitch < s.Channels)
            throw new ArgumentException($"not pixels: {s}");
    }

    /// <summary>Refuses a batch below 1.</summary>
    public static void Batch(int batch) => ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);

    /// <summary>
    /// Number of windows along one extent, with <paramref name="ceil"/> one more where it starts before the far
    /// padding; 0 where none fits.
    /// </summary>
    public static int OutExtent(int extent, int kernel, int stride, int pad, bool ceil = false)
    {
        if (stride <= 0 || extent + 2 * pad < kernel)
            return 0;
        int windows = (extent + 2 * pad - kernel) / stride + 1;
        return ceil && windows * stride < extent + pad && (extent + 2 * pad - kernel) % stride != 0
            ? windows + 1 : windows;
    }

    private static bool WindowIsSound(int kernel, int stride, int pad, int extent) =>
        kernel > 0 && stride > 0 && extent <= MaxExtent && pad >= 0 && pad < kernel
        && OutExtent(extent, kernel, stride, pad) > 0;

    [DoesNotReturn]
    private static void ThrowLength(int actual, int expected, string name) =>
        throw new ArgumentException($"{name} has {actual} elements, expected {expected}", name);

    [DoesNotReturn]
    private static void ThrowScratch(int actual, int needed) =>
        throw new ArgumentException($"scratch has {actual} floats, needs {needed}", "scratch");
}
