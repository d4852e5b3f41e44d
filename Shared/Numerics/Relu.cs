using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Distributed.Numerics;

/// <summary>
/// max(x, 0) with ReLU(-0) = +0 and NaN passed on. Output or input gradient may be the same memory as an argument.
/// </summary>
public static unsafe class Relu
{
    /// <summary>output = input where input is positive or NaN, else +0.</summary>
    public static void Forward(ReadOnlySpan<float> input, Span<float> output)
    {
        Check.Length(output.Length, input.Length, nameof(output));
        fixed (float* x = input, y = output)
            Forward(x, y, input.Length);
    }

    /// <inheritdoc cref="Forward(ReadOnlySpan{float}, Span{float})"/>
    public static void Forward(in PixelShape s, int batch, ReadOnlySpan<float> input, Span<float> output)
    {
        Check.Tensors(s, batch, input.Length, nameof(input), output.Length, nameof(output));
        int rows = s.Rows(batch, s.Channels, out int length);
        fixed (float* x = input, y = output)
            for (int i = 0; i < rows; i++)
                Forward(x + (nint)i * s.InPitch, y + (nint)i * s.OutPitch, length);
    }

    /// <summary>
    /// inputGradient = outputGradient where <paramref name="output"/> (of the forward pass) is positive or NaN, else
    /// +0.
    /// </summary>
    public static void Backward(ReadOnlySpan<float> output, ReadOnlySpan<float> outputGradient,
        Span<float> inputGradient)
    {
        Check.Length(outputGradient.Length, output.Length, nameof(outputGradient));
        Check.Length(inputGradient.Length, output.Length, nameof(inputGradient));
        fixed (float* y = output, dy = outputGradient, dx = inputGradient)
            Backward(y, dy, dx, output.Length);
    }

    /// <inheritdoc cref="Backward(ReadOnlySpan{float}, ReadOnlySpan{float}, Span{float})"/>
    /// <param name="s">The pixels; the output pitch is that of output and its gradient.</param>
    /// <param name="batch">Samples.</param>
    /// <param name="output">Of the forward pass.</param>
    /// <param name="outputPitch">Floats from one pixel of it to the next.</param>
    /// <param name="outputGradient">Gradient by the output.</param>
    /// <param name="inputGradient">May be the output's gradient.</param>
    public static void Backward(in PixelShape s, int batch, ReadOnlySpan<float> output, int outputPitch,
        ReadOnlySpan<float> outputGradient, Span<float> inputGradient)
    {
        Check.Tensors(
            s, batch, inputGradient.Length, nameof(inputGradient), outputGradient.Length, nameof(outputGradient));
        Check.Pixels(output.Length, batch * s.Pixels, s.Channels, outputPitch, nameof(output));
        int rows = s.Rows(batch, outputPitch, out int length);
        fixed (float* y = output, dy = outputGradient, dx = inputGradient)
            for (int i = 0; i < rows; i++)
                Backward(y + (nint)i * outputPitch, dy + (nint)i * s.OutPitch, dx + (nint)i * s.InPitch, length);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Forward(float* x, float* y, int length)
    {
        int i = 0;
        for (; i <= length - Lanes.Count; i += Lanes.Count)
            Select(Vector256.Load(x + i), Vector256.Load(x + i)).Store(y + i);
        for (; i < length; i++)
            y[i] = x[i] <= 0 ? 0 : x[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Backward(float* y, float* dy, float* dx, int length)
    {
        int i = 0;
        for (; i <= length - Lanes.Count; i += Lanes.Count)
            Select(Vector256.Load(y + i), Vector256.Load(dy + i)).Store(dx + i);
        for (; i < length; i++)
            dx[i] = y[i] <= 0 ? 0 : dy[i];
    }

    /// <summary>value where <paramref name="by"/> is positive or NaN, else +0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> Select(Vector256<float> by, Vector256<float> value) =>
        Vector256.AndNot(value, Vector256.LessThanOrEqual(by, Vector256<float>.Zero));
}
