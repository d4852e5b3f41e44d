namespace Distributed.Numerics;

/// <summary>
/// output[n][oh][ow][k] = bias[k] + sum over kh, kw, c (ascending) of input[n][oh S - P + kh][ow S - P + kw][c] w[kh][kw][c][k],
/// one fused multiply-add each, starting from the bias (or +0); optionally followed by ReLU.
/// </summary>
public static class ConvolutionForward
{
    /// <summary>Floats that <see cref="Pack"/> writes.</summary>
    public static int PackedLength(in ConvolutionShape s) => s.WeightLength;

    /// <summary>Floats of scratch that <see cref="Run"/> needs.</summary>
    public static int ScratchLength(in ConvolutionShape s) => 0;

    /// <summary>Rearranges HWIO weights for <see cref="Run"/>; once per parameter version.</summary>
    public static void Pack(in ConvolutionShape s, ReadOnlySpan<float> weights, Span<float> packed)
    {
        Check.Length(weights.Length, s.WeightLength, nameof(weights));
        Check.Length(packed.Length, PackedLength(s), nameof(packed));
        weights.CopyTo(packed);
    }

    /// <summary>Computes <paramref name="batch"/> samples; an empty bias means none.</summary>
    public static void Run(in ConvolutionShape s, int batch, ReadOnlySpan<float> input, ReadOnlySpan<float> packed,
        ReadOnlySpan<float> bias, Span<float> output, bool relu, Span<float> scratch)
    {
        Check.Shape(s);
        Check.Batch(batch);
        Check.Length(input.Length, batch * s.InputLength, nameof(input));
        Check.Length(packed.Length, PackedLength(s), nameof(packed));
        if (!bias.IsEmpty)
            Check.Length(bias.Length, s.OutChannels, nameof(bias));
        Check.Length(output.Length, batch * s.OutputLength, nameof(output));
        for (int n = 0; n < batch; n++)
            for (int oh = 0; oh < s.OutHeight; oh++)
                for (int ow = 0; ow < s.OutWidth; ow++)
                {
                    Span<float> o = output.Slice(((n * s.OutHeight + oh) * s.OutWidth + ow) * s.OutChannels, s.OutChannels);
                    if (bias.IsEmpty)
                        o.Clear();
                    else
                        bias.CopyTo(o);
                    Pixel(s, input.Slice(n * s.InputLength, s.InputLength), packed, o, oh, ow);
                    if (relu)
                        Relu.Forward(o, o);
                }
    }

    private static void Pixel(in ConvolutionShape s, ReadOnlySpan<float> image, ReadOnlySpan<float> weights,
        Span<float> o, int oh, int ow)
    {
        for (int kh = 0; kh < s.KernelHeight; kh++)
            for (int kw = 0; kw < s.KernelWidth; kw++)
            {
                int ih = oh * s.StrideHeight - s.PadHeight + kh, iw = ow * s.StrideWidth - s.PadWidth + kw;
                if ((uint)ih >= (uint)s.InHeight || (uint)iw >= (uint)s.InWidth)
                    continue;
                for (int c = 0; c < s.InChannels; c++)
                {
                    float x = image[(ih * s.InWidth + iw) * s.InChannels + c];
                    ReadOnlySpan<float> w = weights.Slice(
                        ((kh * s.KernelWidth + kw) * s.InChannels + c) * s.OutChannels, s.OutChannels);
                    for (int k = 0; k < o.Length; k++)
                        o[k] = MathF.FusedMultiplyAdd(x, w[k], o[k]);
                }
            }
    }
}
