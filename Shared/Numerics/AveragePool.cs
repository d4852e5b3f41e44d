using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Distributed.Numerics;

/// <summary>
/// Mean over a window of NHWC activations, as PyTorch's AvgPool2d: elements are added in row-major order and multiplied
/// by 1 / (KernelHeight KernelWidth); padding counts as zeros.
/// </summary>
public static unsafe class AveragePool
{
    private const int MaxPlaces = 256;

    /// <summary>Computes <paramref name="batch"/> samples.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(in PoolShape s, int batch, ReadOnlySpan<float> input, Span<float> output)
    {
        Check.Shape(s);
        Check.Batch(batch);
        Check.Length(input.Length, checked(batch * s.InputLength), nameof(input));
        Check.Length(output.Length, checked(batch * s.OutputLength), nameof(output));
        int height = s.OutHeight, width = s.OutWidth, channels = s.Channels;
        float scale = Scale(s);
        nint* offsets = stackalloc nint[MaxPlaces];
        byte* places = stackalloc byte[MaxPlaces];
        var window = new PoolWindow(s, offsets, places);
        fixed (float* x = input, y = output)
        {
            float* target = y;
            for (int n = 0; n < batch; n++)
                for (int oh = 0; oh < height; oh++)
                    for (int ow = 0; ow < width; ow++, target += channels)
                        Mean(window, x + (nint)n * s.InputLength + window.MoveTo(oh, ow), channels, scale, target);
        }
    }

    /// <summary>Gives each input its share of the output gradients; the input gradient is overwritten.</summary>
    public static void Backward(in PoolShape s, int batch, ReadOnlySpan<float> outputGradient,
        Span<float> inputGradient)
    {
        Check.Shape(s);
        Check.Batch(batch);
        Check.Length(outputGradient.Length, checked(batch * s.OutputLength), nameof(outputGradient));
        Check.Length(inputGradient.Length, checked(batch * s.InputLength), nameof(inputGradient));
        int height = s.OutHeight, width = s.OutWidth, channels = s.Channels;
        float scale = Scale(s);
        nint* offsets = stackalloc nint[MaxPlaces];
        byte* places = stackalloc byte[MaxPlaces];
        var window = new PoolWindow(s, offsets, places);
        inputGradient.Clear();
        fixed (float* dy = outputGradient, dx = inputGradient)
        {
            float* source = dy;
            for (int n = 0; n < batch; n++)
                for (int oh = 0; oh < height; oh++)
                    for (int ow = 0; ow < width; ow++, source += channels)
                        Spread(window, source, channels, scale, dx + (nint)n * s.InputLength + window.MoveTo(oh, ow));
        }
    }

    private static float Scale(in PoolShape s) => 1f / (s.KernelHeight * s.KernelWidth);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Mean(in PoolWindow w, float* x, int channels, float scale, float* y)
    {
        int c = 0;
        for (; c <= channels - Lanes.Count; c += Lanes.Count)
        {
            Vector256<float> sum = default;
            for (int k = 0; k < w.Count; k++)
                sum += Vector256.Load(x + w.Offsets[k] + c);
            (sum * Vector256.Create(scale)).Store(y + c);
        }
        for (; c < channels; c++)
        {
            float sum = 0;
            for (int k = 0; k < w.Count; k++)
                sum += x[w.Offsets[k] + c];
            y[c] = sum * scale;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Spread(in PoolWindow w, float* dy, int channels, float scale, float* dx)
    {
        int c = 0;
        for (; c <= channels - Lanes.Count; c += Lanes.Count)
        {
            Vector256<float> share = Vector256.Load(dy + c) * Vector256.Create(scale);
            for (int k = 0; k < w.Count; k++)
                (Vector256.Load(dx + w.Offsets[k] + c) + share).Store(dx + w.Offsets[k] + c);
        }
        for (; c < channels; c++)
            for (int k = 0; k < w.Count; k++)
                dx[w.Offsets[k] + c] += dy[c] * scale;
    }
}
