namespace Distributed.Data;

/// <summary>
/// Labelled images of one size, 8 bits a channel: each row after row, each pixel's channels together (HWC). The pixels
/// lie in memory, in a mapped file, or are decoded when they are asked for.
/// </summary>
public sealed class ImageSet
{
    private readonly PixelStore _pixels;
    private readonly int[] _labels;

    /// <summary>Wraps decoded samples without copying them.</summary>
    /// <param name="channels">Channels of an image.</param>
    /// <param name="height">Rows of an image.</param>
    /// <param name="width">Columns of an image.</param>
    /// <param name="pixels">Count * height * width * channels bytes.</param>
    /// <param name="labels">A class index for each image.</param>
    public ImageSet(int channels, int height, int width, byte[] pixels, int[] labels)
        : this(channels, height, width, new ArrayPixels(pixels, SampleBytes(channels, height, width)), labels)
    {
        if (pixels.LongLength != (long)SampleLength * labels.Length)
        {
            throw new ArgumentException(
                $"{labels.Length} images of {SampleLength} bytes don't make {pixels.Length} bytes.", nameof(pixels));
        }
    }

    internal ImageSet(int channels, int height, int width, PixelStore pixels, int[] labels)
    {
        SampleLength = SampleBytes(channels, height, width);
        Channels = channels;
        Height = height;
        Width = width;
        _pixels = pixels;
        _labels = labels;
    }

    /// <summary>The number of images.</summary>
    public int Count => _labels.Length;

    /// <summary>Channels of an image: 1 for grey, 3 for red, green, blue.</summary>
    public int Channels { get; }

    /// <summary>Rows of an image.</summary>
    public int Height { get; }

    /// <summary>Columns of an image.</summary>
    public int Width { get; }

    /// <summary>Bytes of an image: height * width * channels.</summary>
    public int SampleLength { get; }

    /// <summary>Whether every sample is decoded anew when it is asked for, which takes time and allocates.</summary>
    public bool IsStreamed => _pixels is StreamedPixels;

    /// <summary>
    /// One image: height * width * channels bytes, valid until this thread asks for another image.
    /// </summary>
    /// <param name="index">The image's index.</param>
    /// <exception cref="DataException">Its file has changed since the data set was loaded.</exception>
    public ReadOnlySpan<byte> Pixels(int index) => _pixels.Sample(index);

    /// <summary>One image's class index.</summary>
    /// <param name="index">The image's index.</param>
    public int Label(int index) => _labels[index];

    /// <summary>Adds the pixels, and their squares, of each channel of one image.</summary>
    internal void AddSums(int index, Span<long> sums, Span<long> squares) => _pixels.AddSums(index, sums, squares);

    internal ReadOnlySpan<int> AllLabels => _labels;

    private static int SampleBytes(int channels, int height, int width)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        return checked(channels * height * width);
    }
}
