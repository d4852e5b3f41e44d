namespace Distributed.Numerics;

/// <summary>
/// output[c] = input[c] scale[c]^-beta with scale[c] = k + alpha / size times the sum of input[j]^2 over the channels j
/// from c - size / 2 to c + (size - 1) / 2 of the same pixel, ascending (Krizhevsky et al. 2012, as PyTorch's).
/// </summary>
public readonly record struct LocalResponseNorm(int Size, float Alpha, float Beta, float K)
{
    /// <summary>Floats of scratch that a pass needs.</summary>
    public static int ScratchLength(in PixelShape s) => checked(2 * s.Channels);

    /// <summary>Computes the output.</summary>
    public void Forward(in PixelShape s, int batch, ReadOnlySpan<float> input, Span<float> output, Span<float> scratch)
    {
        Check.Tensors(s, batch, input.Length, nameof(input), output.Length, nameof(output));
        Check.Scratch(scratch.Length, ScratchLength(s));
        Span<float> scales = scratch[..s.Channels];
        for (int i = 0; i < batch * s.Pixels; i++)
        {
            ReadOnlySpan<float> x = input.Slice(i * s.InPitch, s.Channels);
            Span<float> y = output.Slice(i * s.OutPitch, s.Channels);
            Scale(x, scales);
            for (int c = 0; c < x.Length; c++)
                y[c] = x[c] * Power(scales[c]);
        }
    }

    /// <summary>
    /// inputGradient[c] = outputGradient[c] scale[c]^-beta - 2 alpha beta / size input[c] times the sum of
    /// outputGradient[j] input[j] scale[j]^(-beta - 1) over the channels j whose sums have c, or is added to. The input
    /// lies at its gradient's pitch.
    /// </summary>
    public void Backward(in PixelShape s, int batch, ReadOnlySpan<float> input, ReadOnlySpan<float> outputGradient,
        Span<float> inputGradient, bool accumulate, Span<float> scratch)
    {
        Check.Tensors(
            s, batch, inputGradient.Length, nameof(inputGradient), outputGradient.Length, nameof(outputGradient));
        Check.Pixels(input.Length, batch * s.Pixels, s.Channels, s.InPitch, nameof(input));
        Check.Scratch(scratch.Length, ScratchLength(s));
        Span<float> powers = scratch[..s.Channels], terms = scratch.Slice(s.Channels, s.Channels);
        float factor = -2 * Alpha * Beta / Size;
        for (int i = 0; i < batch * s.Pixels; i++)
        {
            ReadOnlySpan<float> x = input.Slice(i * s.InPitch, s.Channels);
            ReadOnlySpan<float> dy = outputGradient.Slice(i * s.OutPitch, s.Channels);
            Span<float> dx = inputGradient.Slice(i * s.InPitch, s.Channels);
            Scale(x, terms);
            for (int c = 0; c < x.Length; c++)
            {
                powers[c] = Power(terms[c]);
                terms[c] = dy[c] * x[c] * powers[c] / terms[c];
            }
            for (int c = 0; c < x.Length; c++)
            {
                float sum = 0;
                for (int j = Math.Max(0, c - (Size - 1) / 2); j <= Math.Min(x.Length - 1, c + Size / 2); j++)
                    sum += terms[j];
                float gradient = MathF.FusedMultiplyAdd(factor * x[c], sum, dy[c] * powers[c]);
                dx[c] = accumulate ? dx[c] + gradient : gradient;
            }
        }
    }

    private void Scale(ReadOnlySpan<float> x, Span<float> scales)
    {
        float factor = Alpha / Size;
        for (int c = 0; c < x.Length; c++)
        {
            float sum = 0;
            for (int j = Math.Max(0, c - Size / 2); j <= Math.Min(x.Length - 1, c + (Size - 1) / 2); j++)
                sum = MathF.FusedMultiplyAdd(x[j], x[j], sum);
            scales[c] = MathF.FusedMultiplyAdd(factor, sum, K);
        }
    }

    /// <summary>scale^-beta; the usual 0.75 is two square roots.</summary>
    private float Power(float scale)
    {
        if (Beta != 0.75f)
            return (float)ElementaryFunctions.Exp(-(double)Beta * ElementaryFunctions.Log((double)scale));
        float root = MathF.Sqrt(scale);
        return 1 / (root * MathF.Sqrt(root));
    }
}
