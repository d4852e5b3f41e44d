using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Distributed.Numerics;

/// <summary>output = 1 / (1 + e^-input).</summary>
public static class Sigmoid
{
    /// <summary>Computes the output.</summary>
    public static void Forward(in PixelShape s, int batch, ReadOnlySpan<float> input, Span<float> output) =>
        ActivationLoops<Function>.Forward(s, batch, input, output, 0);

    /// <summary>
    /// inputGradient = outputGradient times the derivative, or is added to; the derivative is taken from the forward
    /// pass's output, which lies at its pitch.
    /// </summary>
    public static void Backward(in PixelShape s, int batch, ReadOnlySpan<float> output,
        ReadOnlySpan<float> outputGradient, Span<float> inputGradient, bool accumulate) =>
        ActivationLoops<Function>.Backward(s, batch, output, outputGradient, inputGradient, accumulate, 0);

    private readonly struct Function : IActivation
    {
        public static bool DerivesFromInput => false;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Value(Vector256<float> x, Vector256<float> parameter) =>
            Vector256<float>.One / (Vector256<float>.One + VectorFunctions.Exp(-x));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Derivative(Vector256<float> y, Vector256<float> parameter) =>
            y * (Vector256<float>.One - y);
    }
}
