namespace Distributed.Numerics;

/// <summary>max(x, 0) with ReLU(-0) = +0 and NaN passed on. Output or input gradient may be the same memory as an argument.</summary>
public static class Relu
{
    /// <summary>output = input where input is positive or NaN, else +0.</summary>
    public static void Forward(ReadOnlySpan<float> input, Span<float> output)
    {
        Check.Length(output.Length, input.Length, nameof(output));
        for (int i = 0; i < input.Length; i++)
            output[i] = input[i] <= 0 ? 0 : input[i];
    }

    /// <summary>inputGradient = outputGradient where <paramref name="output"/> (of the forward pass) is positive or NaN, else +0.</summary>
    public static void Backward(ReadOnlySpan<float> output, ReadOnlySpan<float> outputGradient, Span<float> inputGradient)
    {
        Check.Length(outputGradient.Length, output.Length, nameof(outputGradient));
        Check.Length(inputGradient.Length, output.Length, nameof(inputGradient));
        for (int i = 0; i < output.Length; i++)
            inputGradient[i] = output[i] <= 0 ? 0 : outputGradient[i];
    }
}
