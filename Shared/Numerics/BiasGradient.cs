namespace Distributed.Numerics;

/// <summary>biasGradient[c] = sum over all pixels (ascending) of outputGradient[pixel][c], starting from +0.</summary>
public static class BiasGradient
{
    /// <summary>Sums over pixels; the bias gradient is overwritten.</summary>
    public static void Run(ReadOnlySpan<float> outputGradient, int channels, Span<float> biasGradient)
    {
        CheckChannels(outputGradient.Length, channels, biasGradient.Length);
        biasGradient.Clear();
        for (int p = 0; p < outputGradient.Length; p += channels)
            for (int c = 0; c < channels; c++)
                biasGradient[c] += outputGradient[p + c];
    }

    /// <summary>As <see cref="Relu.Backward"/> in place on <paramref name="outputGradient"/>, then <see cref="Run"/>, in one pass.</summary>
    public static void RunWithReluMask(ReadOnlySpan<float> output, Span<float> outputGradient, int channels,
        Span<float> biasGradient)
    {
        Relu.Backward(output, outputGradient, outputGradient);
        Run(outputGradient, channels, biasGradient);
    }

    private static void CheckChannels(int length, int channels, int biasLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        Check.Length(length % channels, 0, "outputGradient modulo channels");
        Check.Length(biasLength, channels, "biasGradient");
    }
}
