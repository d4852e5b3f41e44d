namespace Distributed.Numerics;

/// <summary>
/// Maximum over a window of NHWC activations. Of equal elements the first in row-major order wins, NaN wins over
/// everything (the first NaN); padding never wins. An index is kh KernelWidth + kw within the window.
/// </summary>
public static class MaxPool
{
    /// <summary>Writes the maxima and, for <see cref="Backward"/>, where each was found.</summary>
    public static void Forward(in PoolShape s, int batch, ReadOnlySpan<float> input, Span<float> output, Span<byte> indices)
    {
        Check.Shape(s);
        Check.Batch(batch);
        Check.Length(input.Length, batch * s.InputLength, nameof(input));
        Check.Length(output.Length, batch * s.OutputLength, nameof(output));
        Check.Length(indices.Length, batch * s.OutputLength, nameof(indices));
        int o = 0;
        for (int n = 0; n < batch; n++)
            for (int oh = 0; oh < s.OutHeight; oh++)
                for (int ow = 0; ow < s.OutWidth; ow++)
                    for (int c = 0; c < s.Channels; c++, o++)
                        (output[o], indices[o]) = Window(s, input.Slice(n * s.InputLength, s.InputLength), oh, ow, c);
    }

    /// <summary>Adds each output gradient to the input that won; the input gradient is overwritten.</summary>
    public static void Backward(in PoolShape s, int batch, ReadOnlySpan<float> outputGradient, ReadOnlySpan<byte> indices,
        Span<float> inputGradient)
    {
        Check.Shape(s);
        Check.Batch(batch);
        Check.Length(outputGradient.Length, batch * s.OutputLength, nameof(outputGradient));
        Check.Length(indices.Length, batch * s.OutputLength, nameof(indices));
        Check.Length(inputGradient.Length, batch * s.InputLength, nameof(inputGradient));
        inputGradient.Clear();
        int o = 0;
        for (int n = 0; n < batch; n++)
            for (int oh = 0; oh < s.OutHeight; oh++)
                for (int ow = 0; ow < s.OutWidth; ow++)
                    for (int c = 0; c < s.Channels; c++, o++)
                    {
                        int ih = oh * s.StrideHeight - s.PadHeight + indices[o] / s.KernelWidth;
                        int iw = ow * s.StrideWidth - s.PadWidth + indices[o] % s.KernelWidth;
                        inputGradient[((n * s.InHeight + ih) * s.InWidth + iw) * s.Channels + c] += outputGradient[o];
                    }
    }

    private static (float Value, byte Index) Window(in PoolShape s, ReadOnlySpan<float> image, int oh, int ow, int c)
    {
        float best = 0;
        int index = -1;
        for (int kh = 0; kh < s.KernelHeight; kh++)
            for (int kw = 0; kw < s.KernelWidth; kw++)
            {
                int ih = oh * s.StrideHeight - s.PadHeight + kh, iw = ow * s.StrideWidth - s.PadWidth + kw;
                if ((uint)ih >= (uint)s.InHeight || (uint)iw >= (uint)s.InWidth)
                    continue;
                float x = image[(ih * s.InWidth + iw) * s.Channels + c];
                if (index < 0 || x > best || (float.IsNaN(x) && !float.IsNaN(best)))
                    (best, index) = (x, kh * s.KernelWidth + kw);
            }
        return (best, (byte)index);
    }
}
