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
    /// <summary>Channels whose packed weights lie together, tap after tap.</summary>
    internal const int Block = 16;

    /// <summary>Floats of the weights.</summary>
    public static int WeightLength(in ConvolutionShape s) => checked(s.KernelHeight * s.KernelWidth * s.InChannels);

    /// <summary>Floats that <see cref="Pack"/> writes.</summary>
    public static int PackedLength(in ConvolutionShape s) =>
        checked(s.KernelHeight * s.KernelWidth * ((s.InChannels + Block - 1) / Block * Block));

    /// <summary>
    /// Rearranges weights for <see cref="Forward"/> and <see cref="BackwardData"/>, once per parameter version: blocks
    /// of 16 channels, each [kh][kw][16], zero beyond the last channel.
    /// </summary>
    public static void Pack(in ConvolutionShape s, ReadOnlySpan<float> weights, Span<float> packed)
    {
        Check.Shape(s);
        Check.Length(weights.Length, WeightLength(s), nameof(weights));
        Check.Length(packed.Length, PackedLength(s), nameof(packed));
        int taps = s.KernelHeight * s.KernelWidth, channels = s.InChannels;
        packed.Clear();
        for (int c = 0; c < channels; c += Block)
            for (int tap = 0; tap < taps; tap++)
                weights.Slice(tap * channels + c, Math.Min(Block, channels - c))
                    .CopyTo(packed[(c * taps + tap * Block)..]);
    }

    /// <summary>
    /// Computes <paramref name="batch"/> samples, optionally followed by ReLU; an empty bias means none.
    /// </summary>
    public static void Forward(in ConvolutionShape s, int batch, ReadOnlySpan<float> input, ReadOnlySpan<float> packed,
        ReadOnlySpan<float> bias, Span<float> output, bool relu)
    {
        CheckShape(s, batch);
        Check.Length(packed.Length, PackedLength(s), nameof(packed));
        Check.Tensors(s, batch, input.Length, nameof(input), output.Length, nameof(output));
        if (!bias.IsEmpty)
            Check.Length(bias.Length, s.OutChannels, nameof(bias));
        fixed (float* x = input, w = packed, b = bias, y = output)
            if (InstructionSet.HasAvx512)
                DepthwisePasses<Vector512<float>, Simd512>.Forward(s, batch, x, w, b, y, relu);
            else if (InstructionSet.HasAvx2)
                DepthwisePasses<Vector256<float>, Simd256>.Forward(s, batch, x, w, b, y, relu);
            else
                DepthwisePasses<float, Scalar>.Forward(s, batch, x, w, b, y, relu);
    }

    /// <summary>
    /// inputGradient[n][ih][iw][c] = sum over the kh, kw (ascending) whose windows cover the pixel of
    /// outputGradient[n][oh][ow][c] w[kh][kw][c], one fused multiply-add each, from +0 or, to
    /// <paramref name="accumulate"/>, from what the input gradient holds.
    /// </summary>
    public static void BackwardData(in ConvolutionShape s, int batch, ReadOnlySpan<float> outputGradient,
        ReadOnlySpan<float> packed, Span<float> inputGradient, bool accumulate = false)
    {
        CheckShape(s, batch);
        Check.Length(packed.Length, PackedLength(s), nameof(packed));
        Check.Tensors(s, batch, inputGradient.Length, nameof(inputGradient), outputGradient.Length,
            nameof(outputGradient));
        fixed (float* dy = outputGradient, w = packed, dx = inputGradient)
            if (InstructionSet.HasAvx512)
                DepthwisePasses<Vector512<float>, Simd512>.BackwardData(s, batch, dy, w, dx, accumulate);
            else if (InstructionSet.HasAvx2)
                DepthwisePasses<Vector256<float>, Simd256>.BackwardData(s, batch, dy, w, dx, accumulate);
            else
                DepthwisePasses<float, Scalar>.BackwardData(s, batch, dy, w, dx, accumulate);
    }

    /// <summary>
    /// weightGradient[kh][kw][c] (overwritten) = sum over n, oh, ow (ascending, inside the image) of
    /// input[n][oh S - P + kh][ow S - P + kw][c] outputGradient[n][oh][ow][c], one fused multiply-add each, from +0.
    /// </summary>
    public static void BackwardWeights(in ConvolutionShape s, int batch, ReadOnlySpan<float> input,
        ReadOnlySpan<float> outputGradient, Span<float> weightGradient)
    {
        CheckShape(s, batch);
        Check.Length(weightGradient.Length, WeightLength(s), nameof(weightGradient));
        Check.Tensors(s, batch, input.Length, nameof(input), outputGradient.Length, nameof(outputGradient));
        weightGradient.Clear();
        fixed (float* x = input, dy = outputGradient, dw = weightGradient)
            if (InstructionSet.HasAvx512)
                DepthwiseWeights<Vector512<float>, Simd512>.Run(s, batch, x, dy, dw);
            else if (InstructionSet.HasAvx2)
                DepthwiseWeights<Vector256<float>, Simd256>.Run(s, batch, x, dy, dw);
            else
                DepthwiseWeights<float, Scalar>.Run(s, batch, x, dy, dw);
    }

    private static void CheckShape(in ConvolutionShape s, int batch)
    {
        Check.Shape(s);
        Check.Batch(batch);
        if (s.InChannels != s.OutChannels)
            throw new ArgumentException($"not a depthwise convolution: {s}");
    }
}
