using Distributed.Data.Native;

namespace Distributed.Data;

/// <summary>Where the pixels of a set of images are.</summary>
internal abstract class PixelStore
{
    /// <summary>One sample's bytes, valid until this thread asks for another.</summary>
    public abstract ReadOnlySpan<byte> Sample(int index);

    /// <summary>Adds one sample's pixels, and their squares, to each channel's sums.</summary>
    public virtual void AddSums(int index, Span<long> sums, Span<long> squares) =>
        PixelSums.Add(Sample(index), sums, squares);
}

/// <summary>Pixels in the managed heap.</summary>
internal sealed class ArrayPixels(byte[] pixels, int sampleLength) : PixelStore
{
    public override ReadOnlySpan<byte> Sample(int index) => pixels.AsSpan(index * sampleLength, sampleLength);
}

/// <summary>Sums of one channel of one sample, measured when it was decoded.</summary>
internal sealed class SampleSums(long[] table, int channels, int first)
{
    /// <summary>Adds one sample's row: for each channel its pixels, then for each channel their squares.</summary>
    public void Add(int index, Span<long> sums, Span<long> squares)
    {
        ReadOnlySpan<long> row = table.AsSpan((first + index) * 2 * channels, 2 * channels);
        for (int channel = 0; channel < channels; channel++)
        {
            sums[channel] += row[channel];
            squares[channel] += row[channels + channel];
        }
    }
}

/// <summary>Pixels in a file of the cache, shared by all processes of the machine that map it.</summary>
internal sealed class MappedPixels(MappedFile file, long start, int sampleLength, SampleSums sums) : PixelStore
{
    public override ReadOnlySpan<byte> Sample(int index) =>
        file.Span(start + ((long)index * sampleLength), sampleLength);

    public override void AddSums(int index, Span<long> channelSums, Span<long> squares) =>
        sums.Add(index, channelSums, squares);
}

/// <summary>
/// Pixels decoded whenever they are asked for, each time compared with what they were when the data set was measured.
/// </summary>
/// <param name="source">Decodes a sample.</param>
/// <param name="order">The source's index of each sample.</param>
/// <param name="checksums">The CRC-32 that each sample's pixels must have.</param>
/// <param name="first">The set's first sample in both lists.</param>
/// <param name="sums">Measured sums.</param>
internal sealed class StreamedPixels(ImageSource source, int[] order, uint[] checksums, int first, SampleSums sums)
    : PixelStore
{
    [ThreadStatic]
    private static byte[]? _sample;

    public override ReadOnlySpan<byte> Sample(int index)
    {
        if (_sample is null || _sample.Length < source.SampleLength)
        {
            _sample = new byte[source.SampleLength];
        }

        Span<byte> pixels = _sample.AsSpan(0, source.SampleLength);
        source.Decode(order[first + index], pixels);
        return Crc32.Compute(pixels) == checksums[first + index] ? pixels
            : throw new DataException($"{source.NameOf(order[first + index])}: the image has changed since it was " +
                "measured; leave data alone while they are in use.");
    }

    public override void AddSums(int index, Span<long> channelSums, Span<long> squares) =>
        sums.Add(index, channelSums, squares);
}
