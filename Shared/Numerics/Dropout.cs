using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Distributed.Numerics;

/// <summary>
/// Dropout (Srivastava et al. 2014): each element is 0 with a probability p, else multiplied by 1 / (1 - p). A sample's
/// mask has a bit an element, in order of pixel and channel: set where the element is kept.
/// </summary>
public static unsafe class Dropout
{
    private const int WordBits = 32;

    /// <summary>Bytes of one sample's mask.</summary>
    public static int MaskLength(in PixelShape s) =>
        checked((s.Pixels * s.Channels + WordBits - 1) / WordBits * sizeof(uint));

    /// <summary>
    /// Draws one sample's mask: element i is kept where the i-th uniform number of <paramref name="random"/> is at
    /// least <paramref name="probability"/>, which is 0 to below 1.
    /// </summary>
    public static void Draw(in CounterRandom random, float probability, Span<byte> mask)
    {
        Check.Length(mask.Length % sizeof(uint), 0, "mask modulo 4");
        for (int word = 0; word < mask.Length / sizeof(uint); word++)
        {
            uint bits = 0;
            for (int i = 0; i < WordBits; i += 4)
                bits |= random.AtLeast(probability, (uint)(word * WordBits + i)) << i;
            BinaryPrimitives.WriteUInt32LittleEndian(mask[(word * sizeof(uint))..], bits);
        }
    }

    /// <summary>
    /// output = input / (1 - p) where the mask is set, else 0, or is added to: forward with activations, backward with
    /// gradients.
    /// </summary>
    public static void Apply(in PixelShape s, int batch, ReadOnlySpan<byte> masks, float probability,
        ReadOnlySpan<float> input, Span<float> output, bool accumulate)
    {
        Check.Tensors(s, batch, input.Length, nameof(input), output.Length, nameof(output));
        int maskLength = MaskLength(s), pixels = s.Pixels;
        Check.Length(masks.Length, checked(batch * maskLength), nameof(masks));
        float scale = 1 / (1 - probability);
        fixed (byte* mask = masks)
        fixed (float* x = input, y = output)
            for (int i = 0; i < batch * pixels; i++)
                Apply(mask + (nint)(i / pixels) * maskLength, i % pixels * s.Channels, scale, x + (nint)i * s.InPitch,
                    y + (nint)i * s.OutPitch, s.Channels, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Apply(byte* mask, int first, float scale, float* x, float* y, int channels, bool accumulate)
    {
        int c = 0;
        Vector256<float> scales = Vector256.Create(scale);
        Vector256<int> bit = Vector256.Create(1, 2, 4, 8, 16, 32, 64, 128);
        for (; c <= channels - Lanes.Count; c += Lanes.Count)
        {
            // The element after the last may be in the next byte, which is then part of the mask.
            int at = first + c, bits = mask[at >> 3] >> (at & 7);
            if ((at & 7) != 0)
                bits |= mask[(at >> 3) + 1] << (8 - (at & 7));
            Vector256<float> kept = Vector256.Equals(Vector256.Create(bits) & bit, bit).AsSingle();
            Vector256<float> value = kept & (Vector256.Load(x + c) * scales);
            (accumulate ? Vector256.Load(y + c) + value : value).Store(y + c);
        }
        for (; c < channels; c++)
        {
            int at = first + c;
            float value = (mask[at >> 3] >> (at & 7) & 1) != 0 ? x[c] * scale : 0;
            y[c] = accumulate ? y[c] + value : value;
        }
    }
}
