namespace Distributed.Numerics.Reference;

/// <summary>Batch norm by its definition, in double, on pixels without gaps. For tests: slow.</summary>
internal static class ReferenceBatchNorm
{
    /// <summary>Mean of every channel and sum of squared deviations from it, in two passes.</summary>
    public static (double[] Means, double[] Squares) Statistics(int channels, ReadOnlySpan<float> input)
    {
        double[] means = new double[channels], squares = new double[channels];
        double pixels = (double)input.Length / channels;
        for (int i = 0; i < input.Length; i++)
            means[i % channels] += input[i] / pixels;
        for (int i = 0; i < input.Length; i++)
            squares[i % channels] += (input[i] - means[i % channels]) * (input[i] - means[i % channels]);
        return (means, squares);
    }

    /// <summary>relu?((input - mean) / sqrt(variance + epsilon) weight + bias + shortcut).</summary>
    public static double[] Forward(int channels, ReadOnlySpan<float> input, double epsilon, ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias, ReadOnlySpan<float> shortcut, bool relu)
    {
        var (normal, _) = Normal(channels, input, epsilon);
        for (int i = 0; i < normal.Length; i++)
        {
            normal[i] = normal[i] * weight[i % channels] + bias[i % channels] + (shortcut.IsEmpty ? 0 : shortcut[i]);
            if (relu && normal[i] <= 0)
                normal[i] = 0;
        }
        return normal;
    }

    /// <summary>The gradients, where <paramref name="output"/> says which outputs a ReLU masked; empty: none.</summary>
    public static (double[] Input, double[] Weight, double[] Bias) Backward(int channels, ReadOnlySpan<float> input,
        double epsilon, ReadOnlySpan<float> weight, ReadOnlySpan<double> output, ReadOnlySpan<float> outputGradient)
    {
        var (normal, inverse) = Normal(channels, input, epsilon);
        double[] inputGradient = new double[input.Length], dw = new double[channels], db = new double[channels];
        double pixels = (double)input.Length / channels;
        for (int i = 0; i < input.Length; i++)
        {
            inputGradient[i] = output.IsEmpty || output[i] > 0 ? outputGradient[i] : 0;
            db[i % channels] += inputGradient[i];
            dw[i % channels] += inputGradient[i] * normal[i];
        }
        for (int i = 0; i < input.Length; i++)
        {
            int c = i % channels;
            inputGradient[i] = weight[c] * inverse[c]
                * (inputGradient[i] - db[c] / pixels - normal[i] * dw[c] / pixels);
        }
        return (inputGradient, dw, db);
    }

    private static (double[] Normal, double[] Inverse) Normal(int channels, ReadOnlySpan<float> input, double epsilon)
    {
        var (means, squares) = Statistics(channels, input);
        double pixels = (double)input.Length / channels;
        double[] normal = new double[input.Length];
        double[] inverse = [.. squares.Select(square => 1 / Math.Sqrt(square / pixels + epsilon))];
        for (int i = 0; i < normal.Length; i++)
            normal[i] = (input[i] - means[i % channels]) * inverse[i % channels];
        return (normal, inverse);
    }
}
