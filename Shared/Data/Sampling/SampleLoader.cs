using Distributed.Numerics;

namespace Distributed.Data;

/// <summary>
/// Turns samples into a model's input: normalised pixels and labels, written straight into a workspace's memory.
/// Allocates nothing after construction and may be used by several threads at once.
/// </summary>
public sealed class SampleLoader
{
    private readonly ImageSet _images;
    private readonly int _sampleLength;
    private readonly float[] _scale;
    private readonly float[] _shift;

    /// <summary>Prepares to load from a data set.</summary>
    /// <param name="images">The data set.</param>
    /// <param name="normalization">A mean and a deviation for each of its channels.</param>
    public SampleLoader(ImageSet images, Normalization normalization)
    {
        if (normalization.Mean.Length != images.Channels || normalization.Deviation.Length != images.Channels)
        {
            throw new ArgumentException(
                $"The normalization has {normalization.Mean.Length} channels and the images {images.Channels}.",
                nameof(normalization));
        }

        _images = images;
        _sampleLength = images.Channels * images.Height * images.Width;
        (_scale, _shift) = normalization.ToAffine();
    }

    /// <summary>Loads some samples.</summary>
    /// <param name="indices">Which ones.</param>
    /// <param name="nhwc">Room for at least as many samples: height * width * channels floats each.</param>
    /// <param name="labels">Room for at least as many labels.</param>
    public void Load(ReadOnlySpan<int> indices, Span<float> nhwc, Span<int> labels)
    {
        for (int position = 0; position < indices.Length; position++)
        {
            Elementwise.NormalizePixels(_images.Pixels(indices[position]), _images.Channels, _scale, _shift,
                nhwc.Slice(position * _sampleLength, _sampleLength));
            labels[position] = _images.Label(indices[position]);
        }
    }
}
