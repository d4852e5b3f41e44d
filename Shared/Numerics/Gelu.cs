using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Distributed.Numerics;

/// <summary>output = input Phi(input), Phi(x) = (1 + erf(x / sqrt 2)) / 2 (Hendrycks and Gimpel 2016).</summary>
public static class Gelu
{
    /// <summary>Computes the output.</summary>
    public static void Forward(in PixelShape s, int batch, ReadOnlySpan<float> input, Span<float> output) =>
        ActivationLoops<Function>.Forward(s, batch, input, output, 0);

    /// <summary>
    /// inputGradient = outputGradient times the derivative, or is added to; the derivative is taken from the forward
    /// pass's input, which lies at its pitch.
    /// </summary>
    public static void Backward(in PixelShape s, int batch, ReadOnlySpan<float> input,
        ReadOnlySpan<float> outputGradient, Span<float> inputGradient, bool accumulate) =>
        ActivationLoops<Function>.Backward(s, batch, input, outputGradient, inputGradient, accumulate, 0);

    private readonly struct Function : IActivation
    {
        public static bool DerivesFromInput => true;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Value(Vector256<float> x, Vector256<float> parameter) => x * Phi(x);

        // Phi(x) + x e^(-x^2 / 2) / sqrt(2 pi)
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Derivative(Vector256<float> x, Vector256<float> parameter) =>
            Vector256.FusedMultiplyAdd(
                x * Vector256.Create(0.398942280f), VectorFunctions.Exp(x * x * Vector256.Create(-0.5f)), Phi(x));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector256<float> Phi(Vector256<float> x) =>
            Vector256.FusedMultiplyAdd(
                VectorFunctions.Erf(x * Vector256.Create(0.707106781f)), Vector256.Create(0.5f),
                Vector256.Create(0.5f));
    }
}
