namespace Distributed.Data;

/// <summary>Exact sums over the pixels of an image.</summary>
internal static class PixelSums
{
    /// <summary>Adds each channel's pixels, and their squares, to its sums.</summary>
    public static void Add(ReadOnlySpan<byte> pixels, Span<long> sums, Span<long> squares)
    {
        int channels = sums.Length;
        for (int channel = 0; channel < channels; channel++)
        {
            long sum = 0, square = 0;
            for (int index = channel; index < pixels.Length; index += channels)
            {
                sum += pixels[index];
                square += pixels[index] * pixels[index];
            }

            sums[channel] += sum;
            squares[channel] += square;
        }
    }
}
