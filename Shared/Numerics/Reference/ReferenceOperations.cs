namespace Distributed.Numerics.Reference;

/// <summary>The operations other than convolutions by their definition, in double. For tests: slow.</summary>
internal static class ReferenceOperations
{
    /// <summary>Maximum of every window (first of equals, NaN wins) and its place in the window.</summary>
    public static (float[] Output, byte[] Indices) MaxPool(in PoolShape s, int batch, ReadOnlySpan<float> input)
    {
        float[] output = new float[batch * s.OutputLength];
        byte[] indices = new byte[output.Length];
        for (int o = 0; o < output.Length; o++)
        {
            bool found = false;
            for (int k = 0; k < s.KernelHeight * s.KernelWidth; k++)
            {
                int i = InputOf(s, o, k);
                if (i < 0)
                    continue;
                float x = input[i], best = output[o];
                if (!found || x > best || (float.IsNaN(x) && !float.IsNaN(best)))
                    (output[o], indices[o], found) = (x, (byte)k, true);
            }
        }
        return (output, indices);
    }

    /// <summary>The gradient by the input of <see cref="MaxPool"/>.</summary>
    public static double[] MaxPoolBackward(in PoolShape s, int batch, ReadOnlySpan<float> outputGradient,
        ReadOnlySpan<byte> indices)
    {
        double[] inputGradient = new double[batch * s.InputLength];
        for (int o = 0; o < outputGradient.Length; o++)
            inputGradient[InputOf(s, o, indices[o])] += outputGradient[o];
        return inputGradient;
    }

    /// <summary>Mean of every window, padding counted as zeros.</summary>
    public static double[] AveragePool(in PoolShape s, int batch, ReadOnlySpan<float> input)
    {
        double[] output = new double[batch * s.OutputLength];
        double window = s.KernelHeight * s.KernelWidth;
        for (int o = 0; o < output.Length; o++)
            for (int k = 0; k < window; k++)
                output[o] += InputOf(s, o, k) is var i and >= 0 ? input[i] / window : 0;
        return output;
    }

    /// <summary>The gradient by the input of <see cref="AveragePool"/>.</summary>
    public static double[] AveragePoolBackward(in PoolShape s, int batch, ReadOnlySpan<float> outputGradient)
    {
        double[] inputGradient = new double[batch * s.InputLength];
        double window = s.KernelHeight * s.KernelWidth;
        for (int o = 0; o < outputGradient.Length; o++)
            for (int k = 0; k < window; k++)
                if (InputOf(s, o, k) is var i and >= 0)
                    inputGradient[i] += outputGradient[o] / window;
        return inputGradient;
    }

    /// <summary>Summed loss and its gradient by the logits.</summary>
    public static (double Loss, double[] Gradient) CrossEntropy(ReadOnlySpan<float> logits, int classes,
        ReadOnlySpan<int> labels, double smoothing)
    {
        double loss = 0;
        double[] gradient = new double[logits.Length];
        for (int n = 0; n < labels.Length; n++)
        {
            decimal sum = 0;
            for (int c = 0; c < classes; c++)
                sum += (decimal)ElementaryFunctions.Exp((double)logits[n * classes + c]);
            for (int c = 0; c < classes; c++)
            {
                double target = smoothing / classes + (c == labels[n] ? 1 - smoothing : 0);
                double probability = ElementaryFunctions.Exp((double)logits[n * classes + c]) / (double)sum;
                gradient[n * classes + c] = probability - target;
                loss -= target * ElementaryFunctions.Log(probability);
            }
        }
        return (loss, gradient);
    }

    /// <summary>One step of torch.optim.SGD: new parameter and new momentum buffer.</summary>
    public static (double Parameter, double Buffer) Sgd(double parameter, double gradient, double buffer,
        double scale, double rate, double momentum, double decay, bool nesterov)
    {
        double d = gradient * scale + decay * parameter;
        double next = momentum * buffer + d;
        double direction = momentum == 0 ? d : nesterov ? d + momentum * next : next;
        return (parameter - rate * direction, next);
    }

    /// <summary>
    /// One step of torch.optim.Adam, and of AdamW where it is decoupled: parameter, mean, mean square.
    /// </summary>
    public static (double Parameter, double Mean, double MeanSquare) Adam(double parameter, double gradient,
        double mean, double meanSquare, int step, double rate, double beta1, double beta2, double epsilon,
        double decay, bool decoupled)
    {
        double g = gradient + (decoupled ? 0 : decay * parameter);
        mean = beta1 * mean + (1 - beta1) * g;
        meanSquare = beta2 * meanSquare + (1 - beta2) * g * g;
        double power1 = 1, power2 = 1;
        for (int i = 0; i < step; i++)
            (power1, power2) = (power1 * beta1, power2 * beta2);
        double direction = mean / (1 - power1) / (Math.Sqrt(meanSquare / (1 - power2)) + epsilon);
        double shrunk = decoupled ? parameter * (1 - rate * decay) : parameter;
        return (shrunk - rate * direction, mean, meanSquare);
    }

    /// <summary>One step of torch.optim.RMSprop: new parameter, mean square and momentum buffer.</summary>
    public static (double Parameter, double MeanSquare, double Buffer) RmsProp(double parameter, double gradient,
        double meanSquare, double buffer, double rate, double alpha, double epsilon, double momentum, double decay)
    {
        double g = gradient + decay * parameter;
        meanSquare = alpha * meanSquare + (1 - alpha) * g * g;
        buffer = momentum * buffer + g / (Math.Sqrt(meanSquare) + epsilon);
        return (parameter - rate * buffer, meanSquare, buffer);
    }

    /// <summary>Index of the input element at place k of output o's window; -1 in the padding.</summary>
    private static int InputOf(in PoolShape s, int o, int k)
    {
        int c = o % s.Channels, ow = o / s.Channels % s.OutWidth;
        int oh = o / s.Channels / s.OutWidth % s.OutHeight, n = o / s.OutputLength;
        int ih = oh * s.StrideHeight - s.PadHeight + k / s.KernelWidth;
        int iw = ow * s.StrideWidth - s.PadWidth + k % s.KernelWidth;
        bool inside = ih >= 0 && ih < s.InHeight && iw >= 0 && iw < s.InWidth;
        return inside ? ((n * s.InHeight + ih) * s.InWidth + iw) * s.Channels + c : -1;
    }
}
