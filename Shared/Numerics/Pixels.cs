using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Distributed.Numerics;

/// <summary>
/// Pixels that lie a pitch apart: some channels of a wider tensor. Spans start at the first channel of the first pixel
/// and are (pixels - 1) x pitch + channels floats long, or longer where the pitch isn't the channel count.
/// </summary>
public static unsafe class Pixels
{
    /// <summary>Copies the input's channels of every pixel to the output.</summary>
    public static void Copy(in PixelShape s, int batch, ReadOnlySpan<float> input, Span<float> output)
    {
        Check.Tensors(s, batch, input.Length, nameof(input), output.Length, nameof(output));
        fixed (float* x = input, y = output)
            Copy(x, s.InPitch, y, s.OutPitch, checked(batch * s.Pixels), s.Channels);
    }

    /// <summary>Adds the input's channels of every pixel to the output.</summary>
    public static void Add(in PixelShape s, int batch, ReadOnlySpan<float> input, Span<float> output)
    {
        Check.Tensors(s, batch, input.Length, nameof(input), output.Length, nameof(output));
        int rows = s.Rows(batch, s.Channels, out int length);
        fixed (float* x = input, y = output)
            for (int i = 0; i < rows; i++)
                Add(x + (nint)i * s.InPitch, y + (nint)i * s.OutPitch, length);
    }

    /// <summary>Copies the channels of <paramref name="count"/> pixels.</summary>
    internal static void Copy(
        float* source, nint sourcePitch, float* target, nint targetPitch, int count, int channels)
    {
        if (sourcePitch == channels && targetPitch == channels)
        {
            new ReadOnlySpan<float>(source, count * channels).CopyTo(new Span<float>(target, count * channels));
            return;
        }
        for (int i = 0; i < count; i++, source += sourcePitch, target += targetPitch)
            new ReadOnlySpan<float>(source, channels).CopyTo(new Span<float>(target, channels));
    }

    /// <summary>Sets the channels of <paramref name="count"/> pixels to 0.</summary>
    internal static void Clear(float* pixels, nint pitch, int count, int channels)
    {
        if (pitch == channels)
            (count, channels) = (1, checked(count * channels));
        for (int i = 0; i < count; i++, pixels += pitch)
            new Span<float>(pixels, channels).Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add(float* x, float* y, int length)
    {
        int i = 0;
        for (; i <= length - Lanes.Count; i += Lanes.Count)
            (Vector256.Load(y + i) + Vector256.Load(x + i)).Store(y + i);
        for (; i < length; i++)
            y[i] += x[i];
    }
}
