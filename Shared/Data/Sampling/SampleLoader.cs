using Distributed.Numerics;

namespace Distributed.Data;

/// <summary>
/// Turns samples into a model's input: normalised pixels and labels, written straight into a workspace's memory.
/// Allocates nothing after construction, unless the images are streamed, and may be used by several threads at once.
/// </summary>
public sealed class SampleLoader
{
    private readonly ImageSet _images;
    private readonly PixelNormalizer _normalizer;
    private readonly Augmenter? _augmenter;

    /// <summary>Prepares to load from a data set.</summary>
    /// <param name="images">The data set.</param>
    /// <param name="normalization">A mean and a deviation for each of its channels.</param>
    /// <param name="augmentation">What is done to training samples; null: nothing.</param>
    /// <param name="seed">The run's seed.</param>
    public SampleLoader(
        ImageSet images, Normalization normalization, AugmentationList? augmentation = null, ulong seed = 0)
    {
        if (normalization.Mean.Length != images.Channels || normalization.Deviation.Length != images.Channels)
        {
            throw new ArgumentException(
                $"The normalization has {normalization.Mean.Length} channels and the images {images.Channels}.",
                nameof(normalization));
        }

        _images = images;
        (float[] scale, float[] shift) = normalization.ToAffine();
        _normalizer = new PixelNormalizer(scale, shift);
        _augmenter = augmentation is { Items.Count: > 0 }
            ? new Augmenter(images, normalization, _normalizer, augmentation, seed) : null;
    }

    /// <summary>Loads some samples as they are.</summary>
    /// <param name="indices">Which ones.</param>
    /// <param name="nhwc">Room for at least as many samples: height * width * channels floats each.</param>
    /// <param name="labels">Room for at least as many labels.</param>
    public void Load(ReadOnlySpan<int> indices, Span<float> nhwc, Span<int> labels)
    {
        int length = _images.SampleLength;
        for (int position = 0; position < indices.Length; position++)
        {
            _normalizer.Run(_images.Pixels(indices[position]), nhwc.Slice(position * length, length));
            labels[position] = _images.Label(indices[position]);
        }
    }

    /// <summary>Loads a micro-batch to train on, augmented.</summary>
    /// <param name="epoch">The epoch.</param>
    /// <param name="indices">The samples of the micro-batch.</param>
    /// <param name="nhwc">Room for at least as many samples: height * width * channels floats each.</param>
    /// <param name="labels">Room for at least as many labels.</param>
    /// <param name="secondLabels">As long; written only where samples are mixed.</param>
    /// <param name="weights">The first label's share, 1 before; written only where samples are mixed.</param>
    public void LoadTraining(
        int epoch, ReadOnlySpan<int> indices, Span<float> nhwc, Span<int> labels, Span<int> secondLabels,
        Span<float> weights)
    {
        if (_augmenter is null)
        {
            Load(indices, nhwc, labels);
            return;
        }

        int length = _images.SampleLength;
        for (int position = 0; position < indices.Length; position++)
        {
            _augmenter.Render(epoch, indices[position], nhwc.Slice(position * length, length));
            labels[position] = _images.Label(indices[position]);
        }

        _augmenter.Mix(epoch, indices, nhwc, labels, secondLabels, weights);
    }
}
