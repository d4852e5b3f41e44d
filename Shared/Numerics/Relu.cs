using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Distributed.Numerics;

/// <summary>
/// max(x, 0) with ReLU(-0) = +0 and NaN passed on. Output or input gradient may be the same memory as an argument.
/// </summary>
public static unsafe class Relu
{
    /// <summary>output = input where input is positive or NaN, else +0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(ReadOnlySpan<float> input, Span<float> output)
    {
        Check.Length(output.Length, input.Length, nameof(output));
        fixed (float* x = input, y = output)
        {
            int i = 0;
            for (; i <= input.Length - Lanes.Count; i += Lanes.Count)
                Select(Vector256.Load(x + i), Vector256.Load(x + i)).Store(y + i);
            for (; i < input.Length; i++)
                y[i] = x[i] <= 0 ? 0 : x[i];
        }
    }

    /// <summary>
    /// inputGradient = outputGradient where <paramref name="output"/> (of the forward pass) is positive or NaN, else
    /// +0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(ReadOnlySpan<float> output, ReadOnlySpan<float> outputGradient,
        Span<float> inputGradient)
    {
        Check.Length(outputGradient.Length, output.Length, nameof(outputGradient));
        Check.Length(inputGradient.Length, output.Length, nameof(inputGradient));
        fixed (float* y = output, dy = outputGradient, dx = inputGradient)
        {
            int i = 0;
            for (; i <= output.Length - Lanes.Count; i += Lanes.Count)
                Select(Vector256.Load(y + i), Vector256.Load(dy + i)).Store(dx + i);
            for (; i < output.Length; i++)
                dx[i] = y[i] <= 0 ? 0 : dy[i];
        }
    }

    /// <summary>value where <paramref name="by"/> is positive or NaN, else +0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> Select(Vector256<float> by, Vector256<float> value) =>
        Vector256.AndNot(value, Vector256.LessThanOrEqual(by, Vector256<float>.Zero));
}
