namespace Distributed.Numerics;

/// <summary>
/// The convolution of <see cref="ConvolutionForward"/> by Winograd's algorithm: input and weights are transformed,
/// every element of the tiles is a matrix product (c ascending, one fused multiply-add each, from +0), and the products
/// are transformed back and added to the bias. The sums' order is that of the transforms, whatever the number of tiles
/// that are worked on together.
/// </summary>
public static unsafe class WinogradForward
{
    /// <summary>
    /// Floats that <see cref="Pack"/> writes; 0 where the transformed weights would be so large that <see cref="Run"/>
    /// takes the weights themselves instead, and transforms a part of them at a time.
    /// </summary>
    public static int PackedLength(in ConvolutionShape s, ConvolutionAlgorithm algorithm) =>
        WinogradProduct.PackedLength(WinogradMatrix.Forward(s, algorithm));

    /// <summary>Floats of scratch that <see cref="Run"/> needs for a batch.</summary>
    public static int ScratchLength(in ConvolutionShape s, ConvolutionAlgorithm algorithm, int batch) =>
        WinogradProduct.ScratchLength(s, WinogradMatrix.Forward(s, algorithm), batch);

    /// <summary>Transforms HWIO weights for <see cref="Run"/>; once per parameter version.</summary>
    public static void Pack(in ConvolutionShape s, ConvolutionAlgorithm algorithm, ReadOnlySpan<float> weights,
        Span<float> packed)
    {
        Check.Length(packed.Length, PackedLength(s, algorithm), nameof(packed));
        Check.Length(weights.Length, s.WeightLength, nameof(weights));
        fixed (float* w = weights, p = packed)
            WinogradProduct.Pack(WinogradMatrix.Forward(s, algorithm), w, p);
    }

    /// <summary>
    /// Computes <paramref name="batch"/> samples by what <see cref="Pack"/> wrote, or by the weights where that is
    /// nothing; an empty bias means none. With <paramref name="norm"/>, a batch
    /// norm's coefficients, the convolution is that of relu(norm(input)).
    /// </summary>
    public static void Run(in ConvolutionShape s, ConvolutionAlgorithm algorithm, int batch, ReadOnlySpan<float> input,
        ReadOnlySpan<float> packed, ReadOnlySpan<float> bias, Span<float> output, bool relu, Span<float> scratch,
        ReadOnlySpan<float> norm = default)
    {
        var matrix = WinogradMatrix.Forward(s, algorithm);
        Check.Length(packed.Length, matrix.IsTransient ? s.WeightLength : matrix.PackedLength, nameof(packed));
        Check.Batch(batch);
        Check.Tensors(s, batch, input.Length, nameof(input), output.Length, nameof(output));
        if (!bias.IsEmpty)
            Check.Length(bias.Length, s.OutChannels, nameof(bias));
        Check.Scratch(scratch.Length, ScratchLength(s, algorithm, batch));
        Check.Norm(norm.Length, s.InChannels);
        fixed (float* x = input, w = packed, b = bias, y = output, work = scratch, k = norm)
            WinogradProduct.Run(s, matrix, batch, x, InputNorm.Of(k, s.InChannels), w, b, y, false, relu, work);
    }
}

/// <summary>
/// The gradient of <see cref="ConvolutionBackwardData"/> by Winograd's algorithm: the forward one over the output's
/// gradient, with the weights mirrored and their channels exchanged. What the input gradient holds is added last.
/// </summary>
public static unsafe class WinogradBackwardData
{
    /// <summary>
    /// Floats that <see cref="Pack"/> writes; 0 as in <see cref="WinogradForward.PackedLength"/>.
    /// </summary>
    public static int PackedLength(in ConvolutionShape s, ConvolutionAlgorithm algorithm) =>
        WinogradProduct.PackedLength(WinogradMatrix.Backward(s, algorithm));

    /// <summary>Floats of scratch that <see cref="Run"/> needs for a batch.</summary>
    public static int ScratchLength(in ConvolutionShape s, ConvolutionAlgorithm algorithm, int batch) =>
        WinogradProduct.ScratchLength(Winograd.Backward(s), WinogradMatrix.Backward(s, algorithm), batch);

    /// <summary>Transforms HWIO weights for <see cref="Run"/>; once per parameter version.</summary>
    public static void Pack(in ConvolutionShape s, ConvolutionAlgorithm algorithm, ReadOnlySpan<float> weights,
        Span<float> packed)
    {
        Check.Length(packed.Length, PackedLength(s, algorithm), nameof(packed));
        Check.Length(weights.Length, s.WeightLength, nameof(weights));
        fixed (float* w = weights, p = packed)
            WinogradProduct.Pack(WinogradMatrix.Backward(s, algorithm), w, p);
    }

    /// <summary>
    /// Computes the input gradient of <paramref name="batch"/> samples, by what <see cref="Pack"/> wrote or, where that
    /// is nothing, by the weights. It is overwritten or, to <paramref name="accumulate"/>, added to.
    /// </summary>
    public static void Run(in ConvolutionShape s, ConvolutionAlgorithm algorithm, int batch,
        ReadOnlySpan<float> outputGradient, ReadOnlySpan<float> packed, Span<float> inputGradient, Span<float> scratch,
        bool accumulate = false)
    {
        var matrix = WinogradMatrix.Backward(s, algorithm);
        Check.Length(packed.Length, matrix.IsTransient ? s.WeightLength : matrix.PackedLength, nameof(packed));
        Check.Batch(batch);
        Check.Tensors(s, batch, inputGradient.Length, nameof(inputGradient), outputGradient.Length,
            nameof(outputGradient));
        Check.Scratch(scratch.Length, ScratchLength(s, algorithm, batch));
        fixed (float* dy = outputGradient, w = packed, dx = inputGradient, work = scratch)
            WinogradProduct.Run(Winograd.Backward(s), matrix, batch, dy, default, w, null, dx, accumulate, false, work);
    }
}
