namespace Distributed.Numerics;

/// <summary>
/// A convolution and its gradients, each by the algorithm that is chosen for its shape. The three shapes differ in
/// their pitches alone.
/// </summary>
/// <param name="forward">The shape with the pitches of input and output.</param>
/// <param name="backwardData">The shape with the pitches of both gradients.</param>
/// <param name="backwardWeights">The shape with the pitches of the input and of the output's gradient.</param>
/// <param name="mode">Which algorithms may be chosen.</param>
/// <param name="batch">Most samples of a call.</param>
public sealed class Convolution(
    ConvolutionShape forward, ConvolutionShape backwardData, ConvolutionShape backwardWeights, ConvolutionMode mode,
    int batch)
{
    private readonly ConvolutionAlgorithms _algorithms = ConvolutionAlgorithms.Choose(forward, mode);

    /// <summary>
    /// Floats that <see cref="PackForward"/> writes; 0: <see cref="Forward"/> takes the weights themselves.
    /// </summary>
    public int ForwardPackedLength => _algorithms.Forward == ConvolutionAlgorithm.Direct
        ? ConvolutionForward.PackedLength(forward)
        : WinogradForward.PackedLength(forward, _algorithms.Forward);

    /// <summary>
    /// Floats that <see cref="PackBackward"/> writes; 0: <see cref="BackwardData"/> takes the weights themselves.
    /// </summary>
    public int BackwardPackedLength => _algorithms.BackwardData == ConvolutionAlgorithm.Direct
        ? ConvolutionBackwardData.PackedLength(backwardData)
        : WinogradBackwardData.PackedLength(backwardData, _algorithms.BackwardData);

    /// <summary>Floats of scratch that <see cref="Forward"/> needs.</summary>
    public int ForwardScratchLength => _algorithms.Forward == ConvolutionAlgorithm.Direct
        ? ConvolutionForward.ScratchLength(forward)
        : WinogradForward.ScratchLength(forward, _algorithms.Forward, batch);

    /// <summary>Floats of scratch that <see cref="BackwardData"/> needs.</summary>
    public int BackwardDataScratchLength => _algorithms.BackwardData == ConvolutionAlgorithm.Direct
        ? ConvolutionBackwardData.ScratchLength(backwardData)
        : WinogradBackwardData.ScratchLength(backwardData, _algorithms.BackwardData, batch);

    /// <summary>Floats of scratch that <see cref="BackwardWeights"/> needs.</summary>
    public int BackwardWeightsScratchLength => _algorithms.BackwardWeights == ConvolutionAlgorithm.Direct
        ? ConvolutionBackwardWeights.ScratchLength(backwardWeights)
        : WinogradBackwardWeights.ScratchLength(backwardWeights, _algorithms.BackwardWeights, batch);

    /// <summary>Brings HWIO weights into the form that <see cref="Forward"/> reads.</summary>
    public void PackForward(ReadOnlySpan<float> weights, Span<float> packed)
    {
        if (_algorithms.Forward == ConvolutionAlgorithm.Direct)
            ConvolutionForward.Pack(forward, weights, packed);
        else
            WinogradForward.Pack(forward, _algorithms.Forward, weights, packed);
    }

    /// <summary>Brings HWIO weights into the form that <see cref="BackwardData"/> reads.</summary>
    public void PackBackward(ReadOnlySpan<float> weights, Span<float> packed)
    {
        if (_algorithms.BackwardData == ConvolutionAlgorithm.Direct)
            ConvolutionBackwardData.Pack(backwardData, weights, packed);
        else
            WinogradBackwardData.Pack(backwardData, _algorithms.BackwardData, weights, packed);
    }

    /// <summary>
    /// Whether both passes that read the input can take a batch norm with ReLU in: <c>norm</c> is then its
    /// coefficients, and the convolution that of relu(norm(input)).
    /// </summary>
    public static bool TakesNorm(in ConvolutionShape s, ConvolutionMode mode)
    {
        var algorithms = ConvolutionAlgorithms.Choose(s, mode);
        return algorithms.Forward != ConvolutionAlgorithm.Direct
            && algorithms.BackwardWeights != ConvolutionAlgorithm.Direct;
    }

    /// <summary>output = input * weights + bias, optionally followed by ReLU; an empty bias means none.</summary>
    public void Forward(int samples, ReadOnlySpan<float> input, ReadOnlySpan<float> packed, ReadOnlySpan<float> bias,
        Span<float> output, bool relu, Span<float> scratch, ReadOnlySpan<float> norm = default)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(samples, batch);
        if (_algorithms.Forward == ConvolutionAlgorithm.Direct)
            ConvolutionForward.Run(forward, samples, input, packed, bias, output, relu, scratch);
        else
            WinogradForward.Run(forward, _algorithms.Forward, samples, input, packed, bias, output, relu, scratch,
                norm);
    }

    /// <summary>The gradient by the input, which is overwritten or added to.</summary>
    public void BackwardData(int samples, ReadOnlySpan<float> outputGradient, ReadOnlySpan<float> packed,
        Span<float> inputGradient, Span<float> scratch, bool accumulate)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(samples, batch);
        if (_algorithms.BackwardData == ConvolutionAlgorithm.Direct)
            ConvolutionBackwardData.Run(backwardData, samples, outputGradient, packed, inputGradient, scratch,
                accumulate);
        else
            WinogradBackwardData.Run(backwardData, _algorithms.BackwardData, samples, outputGradient, packed,
                inputGradient, scratch, accumulate);
    }

    /// <summary>The gradient by the weights, HWIO, summed over samples and overwritten.</summary>
    public void BackwardWeights(int samples, ReadOnlySpan<float> input, ReadOnlySpan<float> outputGradient,
        Span<float> weightGradient, Span<float> scratch, ReadOnlySpan<float> norm = default)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(samples, batch);
        if (_algorithms.BackwardWeights == ConvolutionAlgorithm.Direct)
            ConvolutionBackwardWeights.Run(backwardWeights, samples, input, outputGradient, weightGradient, scratch);
        else
            WinogradBackwardWeights.Run(backwardWeights, _algorithms.BackwardWeights, samples, input, outputGradient,
                weightGradient, scratch, norm);
    }
}
