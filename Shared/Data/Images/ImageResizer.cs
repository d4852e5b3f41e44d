namespace Distributed.Data;

/// <summary>Separable resampling with a triangle filter in fixed point.</summary>
internal static class ImageResizer
{
    private const int FractionBits = 22;

    public static byte[] Resize(DecodedImage image, int width, int height)
    {
        int channels = image.Channels;

        // Columns first: each row is a line of pixels; then rows, of which each column is a line.
        byte[] narrow = Resample(
            image.Pixels, lines: image.Height, image.Width, width, step: channels, lineStep: image.Width * channels,
            newLineStep: width * channels, channels);
        return Resample(
            narrow, lines: 1, image.Height, height, step: width * channels, lineStep: 0, newLineStep: 0,
            channels: width * channels);
    }

    /// <summary>
    /// Resamples lines of <paramref name="length"/> points, each of <paramref name="channels"/> adjacent bytes and
    /// <paramref name="step"/> bytes apart.
    /// </summary>
    private static byte[] Resample(
        byte[] source, int lines, int length, int newLength, int step, int lineStep, int newLineStep, int channels)
    {
        if (length == newLength)
        {
            return source;
        }

        byte[] result = new byte[(long)lines * newLength * step];
        for (int point = 0; point < newLength; point++)
        {
            (int first, int[] weights) = Weights(point, length, newLength);
            for (int line = 0; line < lines; line++)
            {
                for (int channel = 0; channel < channels; channel++)
                {
                    long sum = 1L << (FractionBits - 1);
                    int position = (line * lineStep) + (first * step) + channel;
                    foreach (int weight in weights)
                    {
                        sum += (long)weight * source[position];
                        position += step;
                    }

                    result[(line * newLineStep) + (point * step) + channel] =
                        (byte)Math.Clamp(sum >> FractionBits, 0, byte.MaxValue);
                }
            }
        }

        return result;
    }

    /// <summary>The source points that make one new point, with weights that sum to 1.</summary>
    private static (int First, int[] Weights) Weights(int point, int length, int newLength)
    {
        double scale = (double)length / newLength;
        double support = Math.Max(scale, 1);
        double centre = (point + 0.5) * scale;
        int first = Math.Max(0, (int)(centre - support + 0.5));
        int end = Math.Min(length, (int)(centre + support + 0.5));
        double[] weights = new double[end - first];
        double total = 0;
        for (int index = 0; index < weights.Length; index++)
        {
            weights[index] = Math.Max(0, 1 - (Math.Abs(first + index + 0.5 - centre) / support));
            total += weights[index];
        }

        return (first, [.. weights.Select(weight => (int)((weight / total * (1 << FractionBits)) + 0.5))]);
    }
}
