using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Distributed.Numerics;

/// <summary>output = input where that is positive or NaN, else slope input; the slope is at least 0.</summary>
public static class LeakyRelu
{
    /// <summary>Computes the output.</summary>
    public static void Forward(in PixelShape s, int batch, ReadOnlySpan<float> input, Span<float> output,
        float slope) =>
        ActivationLoops<Function>.Forward(s, batch, input, output, slope);

    /// <summary>
    /// inputGradient = outputGradient times the derivative, or is added to; the derivative is taken from the forward
    /// pass's output, which lies at its pitch.
    /// </summary>
    public static void Backward(in PixelShape s, int batch, ReadOnlySpan<float> output,
        ReadOnlySpan<float> outputGradient, Span<float> inputGradient, bool accumulate, float slope) =>
        ActivationLoops<Function>.Backward(s, batch, output, outputGradient, inputGradient, accumulate, slope);

    private readonly struct Function : IActivation
    {
        public static bool DerivesFromInput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Value(Vector256<float> x, Vector256<float> slope) =>
            Vector256.ConditionalSelect(Vector256.LessThanOrEqual(x, Vector256<float>.Zero), slope * x, x);

        // The output has the sign of the input.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Derivative(Vector256<float> y, Vector256<float> slope) =>
            Vector256.ConditionalSelect(
                Vector256.LessThanOrEqual(y, Vector256<float>.Zero), slope, Vector256<float>.One);
    }
}
