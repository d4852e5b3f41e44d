namespace Distributed.Data;

/// <summary>
/// Labelled images of one size, 8 bits a channel, decoded and in memory: sample after sample, each row after row, each
/// pixel's channels together (NHWC).
/// </summary>
public sealed class ImageSet
{
    private readonly byte[] _pixels;
    private readonly int[] _labels;
    private readonly int _sampleLength;

    /// <summary>Wraps decoded samples without copying them.</summary>
    /// <param name="channels">Channels of an image.</param>
    /// <param name="height">Rows of an image.</param>
    /// <param name="width">Columns of an image.</param>
    /// <param name="pixels">Count * height * width * channels bytes.</param>
    /// <param name="labels">A class index for each image.</param>
    public ImageSet(int channels, int height, int width, byte[] pixels, int[] labels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        _sampleLength = checked(channels * height * width);
        if (pixels.LongLength != (long)_sampleLength * labels.Length)
        {
            throw new ArgumentException(
                $"{labels.Length} images of {_sampleLength} bytes don't make {pixels.Length} bytes.", nameof(pixels));
        }

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

    /// <summary>One image: height * width * channels bytes.</summary>
    /// <param name="index">The image's index.</param>
    public ReadOnlySpan<byte> Pixels(int index) => _pixels.AsSpan(index * _sampleLength, _sampleLength);

    /// <summary>One image's class index.</summary>
    /// <param name="index">The image's index.</param>
    public int Label(int index) => _labels[index];

    internal ReadOnlySpan<byte> AllPixels => _pixels;

    internal ReadOnlySpan<int> AllLabels => _labels;
}
