using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Numerics;

/// <summary>
/// Turns pixels of 8 bits a channel into a network's input: fma(v, scale, shift) with a scale and a shift for each
/// channel, where v is the pixel, or clamp(fma(pixel, gain, offset), 0, 255).
/// </summary>
public sealed unsafe class PixelNormalizer
{
    private const float Most = byte.MaxValue;

    private readonly int _channels;

    // Repeated until the vectors of a whole round start with the first channel again.
    private readonly float[] _scale, _shift;

    /// <summary>Prepares for pixels of as many channels as there are scales.</summary>
    public PixelNormalizer(ReadOnlySpan<float> scale, ReadOnlySpan<float> shift)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(scale.Length, 1);
        Check.Length(shift.Length, scale.Length, nameof(shift));
        _channels = scale.Length;
        _scale = new float[scale.Length * Vector256<float>.Count];
        _shift = new float[_scale.Length];
        for (int i = 0; i < _scale.Length; i++)
            (_scale[i], _shift[i]) = (scale[i % _channels], shift[i % _channels]);
    }

    /// <summary>destination[i] = fma(pixels[i], scale, shift), with those of channel i modulo the channels.</summary>
    public void Run(ReadOnlySpan<byte> pixels, Span<float> destination) => Run(pixels, 1, 0, destination);

    /// <summary>The same of pixels that are first changed by a gain and an offset, within 0..255.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(ReadOnlySpan<byte> pixels, float gain, float offset, Span<float> destination)
    {
        Check.Length(pixels.Length % _channels, 0, "pixels modulo channels");
        Check.Length(destination.Length, pixels.Length, nameof(destination));
        int round = _scale.Length, i = 0;
        fixed (byte* p = pixels)
        fixed (float* scale = _scale, shift = _shift, y = destination)
        {
            if (Lanes.Count == Vector256<float>.Count)
            {
                bool isChanged = gain != 1 || offset != 0;
                for (; i <= pixels.Length - round; i += round)
                    for (int at = 0; at < round; at += Vector256<float>.Count)
                    {
                        Vector256<float> v = Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(p + i + at));
                        if (isChanged)
                            v = Change(v, gain, offset);
                        Vector256.FusedMultiplyAdd(v, Vector256.Load(scale + at), Vector256.Load(shift + at))
                            .Store(y + i + at);
                    }
            }
            for (int at = 0; i + at < pixels.Length; at++)
                y[i + at] = Point(p[i + at], at % _channels, gain, offset);
        }
    }

    /// <summary>One channel of one point, whose pixel need not be whole.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Point(float pixel, int channel, float gain, float offset)
    {
        float v = MathF.FusedMultiplyAdd(pixel, gain, offset);
        v = v < 0 ? 0 : v > Most ? Most : v;
        return MathF.FusedMultiplyAdd(v, _scale[channel], _shift[channel]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Change(Vector256<float> pixels, float gain, float offset)
    {
        Vector256<float> v = Vector256.FusedMultiplyAdd(pixels, Vector256.Create(gain), Vector256.Create(offset));
        Vector256<float> most = Vector256.Create(Most);
        v = Vector256.ConditionalSelect(Vector256.GreaterThan(v, most), most, v);
        return Vector256.AndNot(v, Vector256.LessThan(v, Vector256<float>.Zero));
    }
}
