namespace Distributed.Numerics.Reference;

/// <summary>Convolutions by their definition, in double and one term at a time. For tests: slow.</summary>
internal static class ReferenceConvolution
{
    /// <summary>output = relu?(bias + input * weights).</summary>
    public static double[] Forward(in ConvolutionShape s, int batch, ReadOnlySpan<float> input,
        ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, bool relu)
    {
        double[] output = new double[batch * s.OutputLength];
        for (int i = 0; i < output.Length; i++)
            output[i] = bias.IsEmpty ? 0 : bias[i % s.OutChannels];
        foreach (var (x, w, y) in Terms(s, batch))
            output[y] += (double)input[x] * weights[w];
        for (int i = 0; i < output.Length; i++)
            if (relu && output[i] <= 0)
                output[i] = 0;
        return output;
    }

    /// <summary>Gradient by the input.</summary>
    public static double[] BackwardData(in ConvolutionShape s, int batch, ReadOnlySpan<float> outputGradient,
        ReadOnlySpan<float> weights)
    {
        double[] inputGradient = new double[batch * s.InputLength];
        foreach (var (x, w, y) in Terms(s, batch))
            inputGradient[x] += (double)outputGradient[y] * weights[w];
        return inputGradient;
    }

    /// <summary>Gradient by the weights, summed over samples.</summary>
    public static double[] BackwardWeights(in ConvolutionShape s, int batch, ReadOnlySpan<float> input,
        ReadOnlySpan<float> outputGradient)
    {
        double[] weightGradient = new double[s.WeightLength];
        foreach (var (x, w, y) in Terms(s, batch))
            weightGradient[w] += (double)input[x] * outputGradient[y];
        return weightGradient;
    }

    /// <summary>
    /// All products of the convolution: indices of the input, the weight and the output they belong to.
    /// </summary>
    private static IEnumerable<(int X, int W, int Y)> Terms(ConvolutionShape s, int batch)
    {
        foreach (var (n, oh, ow) in Grid(batch, s.OutHeight, s.OutWidth))
            foreach (var (kh, kw, c) in Grid(s.KernelHeight, s.KernelWidth, s.InChannels))
            {
                int ih = oh * s.StrideHeight - s.PadHeight + kh, iw = ow * s.StrideWidth - s.PadWidth + kw;
                if (ih < 0 || ih >= s.InHeight || iw < 0 || iw >= s.InWidth)
                    continue;
                for (int k = 0; k < s.OutChannels; k++)
                    yield return (((n * s.InHeight + ih) * s.InWidth + iw) * s.InChannels + c,
                        ((kh * s.KernelWidth + kw) * s.InChannels + c) * s.OutChannels + k,
                        ((n * s.OutHeight + oh) * s.OutWidth + ow) * s.OutChannels + k);
            }
    }

    private static IEnumerable<(int, int, int)> Grid(int a, int b, int c)
    {
        for (int i = 0; i < a; i++)
            for (int j = 0; j < b; j++)
                for (int k = 0; k < c; k++)
                    yield return (i, j, k);
    }
}
