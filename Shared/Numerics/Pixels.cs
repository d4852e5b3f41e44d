namespace Distributed.Numerics;

/// <summary>Pixels that lie a pitch apart: some channels of a wider tensor.</summary>
internal static unsafe class Pixels
{
    /// <summary>Copies the channels of <paramref name="count"/> pixels.</summary>
    public static void Copy(float* source, nint sourcePitch, float* target, nint targetPitch, int count, int channels)
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
    public static void Clear(float* pixels, nint pitch, int count, int channels)
    {
        if (pitch == channels)
            (count, channels) = (1, checked(count * channels));
        for (int i = 0; i < count; i++, pixels += pitch)
            new Span<float>(pixels, channels).Clear();
    }
}
