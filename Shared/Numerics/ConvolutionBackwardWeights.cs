namespace Distributed.Numerics;

/// <summary>
/// weightGradient[kh][kw][c][k] = sum over n, oh, ow (ascending) of
/// input[n][oh S - P + kh][ow S - P + kw][c] outputGradient[n][oh][ow][k]; one fused multiply-add each, starting from +0.
/// </summary>
public static class ConvolutionBackwardWeights
{
    /// <summary>Floats of scratch that <see cref="Run"/> needs.</summary>
    public static int ScratchLength(in ConvolutionShape s) => 0;

    /// <summary>Sums the gradient of <paramref name="batch"/> samples into HWIO <paramref name="weightGradient"/> (overwritten).</summary>
    public static void Run(in ConvolutionShape s, int batch, ReadOnlySpan<float> input,
        ReadOnlySpan<float> outputGradient, Span<float> weightGradient, Span<float> scratch)
    {
        Check.Shape(s);
        Check.Batch(batch);
        Check.Length(input.Length, batch * s.InputLength, nameof(input));
        Check.Length(outputGradient.Length, batch * s.OutputLength, nameof(outputGradient));
        Check.Length(weightGradient.Length, s.WeightLength, nameof(weightGradient));
        weightGradient.Clear();
        for (int n = 0; n < batch; n++)
            for (int oh = 0; oh < s.OutHeight; oh++)
                for (int ow = 0; ow < s.OutWidth; ow++)
                    Pixel(s, oh, ow, input.Slice(n * s.InputLength, s.InputLength),
                        outputGradient.Slice(n * s.OutputLength + (oh * s.OutWidth + ow) * s.OutChannels, s.OutChannels),
                        weightGradient);
    }

    private static void Pixel(in ConvolutionShape s, int oh, int ow, ReadOnlySpan<float> image, ReadOnlySpan<float> dy,
        Span<float> weightGradient)
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
                    Span<float> dw = weightGradient.Slice(
                        ((kh * s.KernelWidth + kw) * s.InChannels + c) * s.OutChannels, s.OutChannels);
                    for (int k = 0; k < dw.Length; k++)
                        dw[k] = MathF.FusedMultiplyAdd(x, dy[k], dw[k]);
                }
            }
    }
}
