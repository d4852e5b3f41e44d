namespace Distributed.Numerics;

/// <summary>
/// output[n][o] = bias[o] + sum over i (ascending) of input[n][i] weight[i][o], fused, optionally followed by ReLU.
/// </summary>
public static class LinearForward
{
    /// <summary>Floats that <see cref="Pack"/> writes.</summary>
    public static int PackedLength(in LinearShape s) => ConvolutionForward.PackedLength(LinearAsConvolution.Of(s));

    /// <summary>Floats of scratch that <see cref="Run"/> needs.</summary>
    public static int ScratchLength(in LinearShape s) => ConvolutionForward.ScratchLength(LinearAsConvolution.Of(s));

    /// <summary>Rearranges [in][out] weights for <see cref="Run"/>; once per parameter version.</summary>
    public static void Pack(in LinearShape s, ReadOnlySpan<float> weights, Span<float> packed) =>
        ConvolutionForward.Pack(LinearAsConvolution.Of(s), weights, packed);

    /// <summary>Computes <paramref name="batch"/> samples; an empty bias means none.</summary>
    public static void Run(in LinearShape s, int batch, ReadOnlySpan<float> input, ReadOnlySpan<float> packed,
        ReadOnlySpan<float> bias, Span<float> output, bool relu, Span<float> scratch) =>
        ConvolutionForward.Run(LinearAsConvolution.Of(s), batch, input, packed, bias, output, relu, scratch);
}

/// <summary>
/// inputGradient[n][i] = sum over o (ascending) of outputGradient[n][o] weight[i][o], fused, from +0.
/// </summary>
public static class LinearBackwardData
{
    /// <summary>Floats that <see cref="Pack"/> writes.</summary>
    public static int PackedLength(in LinearShape s) => ConvolutionBackwardData.PackedLength(LinearAsConvolution.Of(s));

    /// <summary>Floats of scratch that <see cref="Run"/> needs.</summary>
    public static int ScratchLength(in LinearShape s) =>
        ConvolutionBackwardData.ScratchLength(LinearAsConvolution.Of(s));

    /// <summary>Rearranges [in][out] weights for <see cref="Run"/>; once per parameter version.</summary>
    public static void Pack(in LinearShape s, ReadOnlySpan<float> weights, Span<float> packed) =>
        ConvolutionBackwardData.Pack(LinearAsConvolution.Of(s), weights, packed);

    /// <summary>
    /// Computes the input gradient of <paramref name="batch"/> samples, which is overwritten or, to
    /// <paramref name="accumulate"/>, added to: then sums start from what it holds.
    /// </summary>
    public static void Run(in LinearShape s, int batch, ReadOnlySpan<float> outputGradient,
        ReadOnlySpan<float> packed, Span<float> inputGradient, Span<float> scratch, bool accumulate = false) =>
        ConvolutionBackwardData.Run(LinearAsConvolution.Of(s), batch, outputGradient, packed, inputGradient, scratch,
            accumulate);
}

/// <summary>
/// weightGradient[i][o] = sum over n (ascending) of input[n][i] outputGradient[n][o], fused, from +0.
/// </summary>
public static class LinearBackwardWeights
{
    /// <summary>Floats of scratch that <see cref="Run"/> needs.</summary>
    public static int ScratchLength(in LinearShape s) =>
        ConvolutionBackwardWeights.ScratchLength(LinearAsConvolution.Of(s));

    /// <summary>
    /// Sums the gradient of <paramref name="batch"/> samples into [in][out] <paramref name="weightGradient"/>
    /// (overwritten).
    /// </summary>
    public static void Run(in LinearShape s, int batch, ReadOnlySpan<float> input,
        ReadOnlySpan<float> outputGradient, Span<float> weightGradient, Span<float> scratch) =>
        ConvolutionBackwardWeights.Run(LinearAsConvolution.Of(s), batch, input, outputGradient, weightGradient,
            scratch);
}

/// <summary>A linear layer is a 1x1 convolution of one pixel.</summary>
internal static class LinearAsConvolution
{
    public static ConvolutionShape Of(in LinearShape s)
    {
        Check.Shape(s);
        return new ConvolutionShape(1, 1, s.Inputs, s.Outputs, 1, 1);
    }
}
