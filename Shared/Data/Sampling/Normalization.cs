namespace Distributed.Data;

/// <summary>
/// Mean and standard deviation of each channel, of pixels as fractions of 255: an input is (pixel / 255 - mean) /
/// deviation.
/// </summary>
/// <param name="Mean">A mean for each channel.</param>
/// <param name="Deviation">A deviation (of the population) for each channel, above 0.</param>
public sealed record Normalization(float[] Mean, float[] Deviation)
{
    private const double Whole = 255;

    /// <summary>
    /// Measures a part of a data set. Sums are of integers, so exact in any order; a channel that never changes gets
    /// deviation 1.
    /// </summary>
    /// <param name="images">The data set.</param>
    /// <param name="indices">The samples to measure: the training part.</param>
    public static Normalization Of(ImageSet images, ReadOnlySpan<int> indices)
    {
        int channels = images.Channels;
        long[] sums = new long[channels];
        long[] squares = new long[channels];
        foreach (int index in indices)
        {
            images.AddSums(index, sums, squares);
        }

        long count = (long)indices.Length * images.Height * images.Width;
        float[] mean = new float[channels];
        float[] deviation = new float[channels];
        for (int channel = 0; channel < channels; channel++)
        {
            // count^2 times the variance, exactly.
            UInt128 spread = ((UInt128)count * (ulong)squares[channel])
                - ((UInt128)sums[channel] * (ulong)sums[channel]);
            mean[channel] = count == 0 ? 0 : (float)(sums[channel] / (count * Whole));
            deviation[channel] = spread == 0 ? 1 : (float)(Math.Sqrt((double)spread) / (count * Whole));
        }

        return new Normalization(mean, deviation);
    }

    /// <summary>What turns a pixel 0 .. 255 of a channel into an input: pixel * scale + shift.</summary>
    internal (float[] Scale, float[] Shift) ToAffine()
    {
        float[] scale = new float[Mean.Length];
        float[] shift = new float[Mean.Length];
        for (int channel = 0; channel < Mean.Length; channel++)
        {
            scale[channel] = (float)(1 / (Whole * Deviation[channel]));
            shift[channel] = (float)(-(double)Mean[channel] / Deviation[channel]);
        }

        return (scale, shift);
    }
}
