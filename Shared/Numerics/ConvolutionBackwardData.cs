namespace Distributed.Numerics;

/// <summary>
/// inputGradient[n][ih][iw][c] = sum over kh, kw, k (ascending) of outputGradient[n][oh][ow][k] w[kh][kw][c][k]
/// where ih = oh S - P + kh and iw = ow S - P + kw; one fused multiply-add each, starting from +0.
/// </summary>
public static class ConvolutionBackwardData
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

    /// <summary>Computes the whole input gradient (overwritten) of <paramref name="batch"/> samples.</summary>
    public static void Run(in ConvolutionShape s, int batch, ReadOnlySpan<float> outputGradient,
        ReadOnlySpan<float> packed, Span<float> inputGradient, Span<float> scratch)
    {
        Check.Shape(s);
        Check.Batch(batch);
        Check.Length(outputGradient.Length, batch * s.OutputLength, nameof(outputGradient));
        Check.Length(packed.Length, PackedLength(s), nameof(packed));
        Check.Length(inputGradient.Length, batch * s.InputLength, nameof(inputGradient));
        inputGradient.Clear();
        for (int n = 0; n < batch; n++)
            for (int kh = 0; kh < s.KernelHeight; kh++)
                for (int kw = 0; kw < s.KernelWidth; kw++)
                    Tap(s, kh, kw, outputGradient.Slice(n * s.OutputLength, s.OutputLength), packed,
                        inputGradient.Slice(n * s.InputLength, s.InputLength));
    }

    private static void Tap(in ConvolutionShape s, int kh, int kw, ReadOnlySpan<float> dy, ReadOnlySpan<float> weights,
        Span<float> dx)
    {
        for (int oh = 0; oh < s.OutHeight; oh++)
            for (int ow = 0; ow < s.OutWidth; ow++)
            {
                int ih = oh * s.StrideHeight - s.PadHeight + kh, iw = ow * s.StrideWidth - s.PadWidth + kw;
                if ((uint)ih >= (uint)s.InHeight || (uint)iw >= (uint)s.InWidth)
                    continue;
                for (int c = 0; c < s.InChannels; c++)
                {
                    ReadOnlySpan<float> w = weights.Slice(
                        ((kh * s.KernelWidth + kw) * s.InChannels + c) * s.OutChannels, s.OutChannels);
                    ReadOnlySpan<float> g = dy.Slice((oh * s.OutWidth + ow) * s.OutChannels, s.OutChannels);
                    ref float sum = ref dx[(ih * s.InWidth + iw) * s.InChannels + c];
                    for (int k = 0; k < g.Length; k++)
                        sum = MathF.FusedMultiplyAdd(g[k], w[k], sum);
                }
            }
    }
}
