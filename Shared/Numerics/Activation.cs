using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Distributed.Numerics;

/// <summary>
/// A function of one element, on eight at a time. <see cref="Derivative"/> takes the forward pass's output, or its
/// input where <see cref="DerivesFromInput"/> says so.
/// </summary>
internal interface IActivation
{
    static abstract bool DerivesFromInput { get; }

    static abstract Vector256<float> Value(Vector256<float> x, Vector256<float> parameter);

    static abstract Vector256<float> Derivative(Vector256<float> value, Vector256<float> parameter);
}

/// <summary>The loops that all activations share. The last elements of a row are padded to a vector.</summary>
internal static unsafe class ActivationLoops<T>
    where T : struct, IActivation
{
    public static void Forward(in PixelShape s, int batch, ReadOnlySpan<float> input, Span<float> output,
        float parameter)
    {
        Check.Tensors(s, batch, input.Length, nameof(input), output.Length, nameof(output));
        int rows = s.Rows(batch, s.Channels, out int length);
        fixed (float* x = input, y = output)
            for (int i = 0; i < rows; i++)
                Forward(x + (nint)i * s.InPitch, y + (nint)i * s.OutPitch, length, Vector256.Create(parameter));
    }

    public static void Backward(in PixelShape s, int batch, ReadOnlySpan<float> values,
        ReadOnlySpan<float> outputGradient, Span<float> inputGradient, bool accumulate, float parameter)
    {
        Check.Tensors(
            s, batch, inputGradient.Length, nameof(inputGradient), outputGradient.Length, nameof(outputGradient));
        int pitch = T.DerivesFromInput ? s.InPitch : s.OutPitch, rows = s.Rows(batch, s.Channels, out int length);
        Check.Pixels(values.Length, batch * s.Pixels, s.Channels, pitch, nameof(values));
        fixed (float* v = values, dy = outputGradient, dx = inputGradient)
            for (int i = 0; i < rows; i++)
                Backward(v + (nint)i * pitch, dy + (nint)i * s.OutPitch, dx + (nint)i * s.InPitch, length, accumulate,
                    Vector256.Create(parameter));
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Forward(float* x, float* y, int length, Vector256<float> parameter)
    {
        int i = 0;
        for (; i <= length - Vector256<float>.Count; i += Vector256<float>.Count)
            T.Value(Vector256.Load(x + i), parameter).Store(y + i);
        if (i == length)
            return;
        float* rest = stackalloc float[Vector256<float>.Count];
        Fill(rest, x + i, length - i);
        T.Value(Vector256.Load(rest), parameter).Store(rest);
        for (int j = 0; i < length; i++, j++)
            y[i] = rest[j];
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Backward(float* v, float* dy, float* dx, int length, bool accumulate,
        Vector256<float> parameter)
    {
        int i = 0;
        for (; i <= length - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            Vector256<float> gradient = T.Derivative(Vector256.Load(v + i), parameter) * Vector256.Load(dy + i);
            (accumulate ? Vector256.Load(dx + i) + gradient : gradient).Store(dx + i);
        }
        if (i == length)
            return;
        float* rest = stackalloc float[Vector256<float>.Count];
        Fill(rest, v + i, length - i);
        T.Derivative(Vector256.Load(rest), parameter).Store(rest);
        for (int j = 0; i < length; i++, j++)
            dx[i] = accumulate ? dx[i] + rest[j] * dy[i] : rest[j] * dy[i];
    }

    private static void Fill(float* rest, float* from, int count)
    {
        for (int j = 0; j < Vector256<float>.Count; j++)
            rest[j] = j < count ? from[j] : 0;
    }
}
