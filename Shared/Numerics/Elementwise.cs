namespace Distributed.Numerics;

/// <summary>Element by element operations that belong to no layer.</summary>
public static class Elementwise
{
    /// <summary>destination = left + right; the destination may be either of them.</summary>
    public static void Add(ReadOnlySpan<float> left, ReadOnlySpan<float> right, Span<float> destination)
    {
        Check.Length(right.Length, left.Length, nameof(right));
        Check.Length(destination.Length, left.Length, nameof(destination));
        for (int i = 0; i < left.Length; i++)
            destination[i] = left[i] + right[i];
    }

    /// <summary>True where no element is NaN or infinite.</summary>
    public static bool AllFinite(ReadOnlySpan<float> values)
    {
        foreach (float value in values)
            if (!float.IsFinite(value))
                return false;
        return true;
    }

    /// <summary>destination[i] = fma(pixels[i], scale[i mod channels], shift[i mod channels]).</summary>
    public static void NormalizePixels(ReadOnlySpan<byte> pixels, int channels, ReadOnlySpan<float> scale,
        ReadOnlySpan<float> shift, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        Check.Length(pixels.Length % channels, 0, "pixels modulo channels");
        Check.Length(scale.Length, channels, nameof(scale));
        Check.Length(shift.Length, channels, nameof(shift));
        Check.Length(destination.Length, pixels.Length, nameof(destination));
        for (int p = 0; p < pixels.Length; p += channels)
            for (int c = 0; c < channels; c++)
                destination[p + c] = MathF.FusedMultiplyAdd(pixels[p + c], scale[c], shift[c]);
    }
}
