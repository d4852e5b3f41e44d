using Distributed.Numerics;

namespace Distributed.Data;

/// <summary>
/// Makes training samples: geometry and values of each by its <see cref="SampleTransform"/>, normalised, then cutout,
/// then mixup with the sample at the mirrored place of the same micro-batch. What lies outside of the image is the
/// channel's mean, 0 after normalisation. A function of (seed, epoch, samples); allocates nothing and may be used by
/// several threads at once.
/// </summary>
internal sealed class Augmenter
{
    private readonly ImageSet _images;
    private readonly PixelNormalizer _normalizer;
    private readonly float[] _fill;
    private readonly AugmentationList _list;
    private readonly ulong _seed;
    private readonly bool _needsMean;

    public Augmenter(
        ImageSet images, Normalization normalization, PixelNormalizer normalizer, AugmentationList list, ulong seed)
    {
        _images = images;
        _normalizer = normalizer;
        _fill = [.. normalization.Mean.Select(mean => mean * byte.MaxValue)];
        _list = list;
        _seed = seed;
        _needsMean = list.Items.Any(item => item.Kind.Name == AugmentationKind.Contrast);
    }

    /// <summary>Makes one sample, all but mixup.</summary>
    public void Render(int epoch, int sample, Span<float> result)
    {
        ReadOnlySpan<byte> pixels = _images.Pixels(sample);
        SampleTransform transform = SampleTransform.Draw(
            _list, _seed, epoch, sample, _images.Width, _images.Height, _needsMean ? Mean(sample) : 0);
        if (transform.IsWhole)
        {
            Shift(pixels, transform, result);
        }
        else
        {
            Interpolate(pixels, transform, result);
        }

        for (int place = 0; place < _list.Items.Count; place++)
        {
            if (_list.Items[place].Kind.Name == AugmentationKind.Cutout)
            {
                CutOut(SampleTransform.Random(_seed, place, epoch, sample), (int)_list.Items[place].Value, result);
            }
        }
    }

    /// <summary>Mixes the samples of a micro-batch in pairs, first with last; a middle one stays as it is.</summary>
    public void Mix(
        int epoch, ReadOnlySpan<int> samples, Span<float> inputs, ReadOnlySpan<int> labels, Span<int> secondLabels,
        Span<float> weights)
    {
        int place = 0;
        while (place < _list.Items.Count && _list.Items[place].Kind.Name != AugmentationKind.Mixup)
        {
            place++;
        }

        if (place == _list.Items.Count)
        {
            return;
        }

        int length = _images.SampleLength;
        for (int low = 0; low < samples.Length; low++)
        {
            int high = samples.Length - 1 - low;
            secondLabels[low] = labels[high];
            weights[low] = low == high ? 1 : MixupShare.Draw(
                SampleTransform.Random(_seed, place, epoch, samples[low]), _list.Items[place].Value);
        }

        for (int low = 0; low < samples.Length / 2; low++)
        {
            int high = samples.Length - 1 - low;
            Elementwise.Mix(
                inputs.Slice(low * length, length), weights[low], inputs.Slice(high * length, length), weights[high]);
        }
    }

    private double Mean(int sample)
    {
        Span<long> sums = stackalloc long[_images.Channels], squares = stackalloc long[_images.Channels];
        sums.Clear();
        squares.Clear();
        _images.AddSums(sample, sums, squares);
        long sum = 0;
        foreach (long each in sums)
        {
            sum += each;
        }

        return (double)sum / _images.SampleLength;
    }

    /// <summary>Moves whole points, at most mirrored.</summary>
    private void Shift(ReadOnlySpan<byte> pixels, in SampleTransform transform, Span<float> result)
    {
        (int width, int height, int channels) = (_images.Width, _images.Height, _images.Channels);
        (float gain, float offset) = ((float)transform.Gain, (float)transform.Offset);
        bool isMirrored = transform.XX < 0;
        int across = (int)transform.X, down = (int)transform.Y;

        // Column c comes from c + across, or from width - 1 - c + across; the first and the end of those inside.
        int first = Math.Clamp(isMirrored ? across : -across, 0, width);
        int end = Math.Clamp(width + (isMirrored ? across : -across), first, width);
        Span<byte> mirrored = stackalloc byte[isMirrored ? (end - first) * channels : 0];
        for (int row = 0; row < height; row++)
        {
            int from = (transform.YY < 0 ? height - 1 - row : row) + down;
            Span<float> line = result.Slice(row * width * channels, width * channels);
            if (from < 0 || from >= height || first == end)
            {
                line.Clear();
                continue;
            }

            int start = isMirrored ? width - end + across : first + across;
            ReadOnlySpan<byte> source = pixels.Slice(((from * width) + start) * channels, (end - first) * channels);
            Span<float> inside = line[(first * channels)..(end * channels)];
            line[..(first * channels)].Clear();
            line[(end * channels)..].Clear();
            if (isMirrored)
            {
                Mirror(source, channels, mirrored);
                _normalizer.Run(mirrored, gain, offset, inside);
            }
            else
            {
                _normalizer.Run(source, gain, offset, inside);
            }
        }
    }

    private static void Mirror(ReadOnlySpan<byte> source, int channels, Span<byte> mirrored)
    {
        for (int point = 0, other = source.Length - channels; other >= 0; point += channels, other -= channels)
        {
            for (int channel = 0; channel < channels; channel++)
            {
                mirrored[point + channel] = source[other + channel];
            }
        }
    }

    /// <summary>Bilinear in float, each sum in one order.</summary>
    private void Interpolate(ReadOnlySpan<byte> pixels, in SampleTransform transform, Span<float> result)
    {
        (int width, int height, int channels) = (_images.Width, _images.Height, _images.Channels);
        (float gain, float offset) = ((float)transform.Gain, (float)transform.Offset);
        double middleX = (width - 1) / 2.0, middleY = (height - 1) / 2.0;
        for (int row = 0; row < height; row++)
        {
            double y = row - middleY;
            double startX = (transform.XY * y) + transform.X + middleX;
            double startY = (transform.YY * y) + transform.Y + middleY;
            for (int column = 0; column < width; column++)
            {
                double x = column - middleX;
                double fromX = Math.FusedMultiplyAdd(transform.XX, x, startX);
                double fromY = Math.FusedMultiplyAdd(transform.YX, x, startY);
                Span<float> point = result.Slice(((row * width) + column) * channels, channels);

                // Beyond this every neighbour is outside; it also keeps the conversions to whole numbers in range.
                if (!(fromX > -1 && fromX < width && fromY > -1 && fromY < height))
                {
                    point.Clear();
                    continue;
                }

                int left = (int)Math.Floor(fromX), top = (int)Math.Floor(fromY);
                float partX = (float)(fromX - left), partY = (float)(fromY - top);
                bool hasLeft = left >= 0, hasRight = left + 1 < width, hasTop = top >= 0, hasBottom = top + 1 < height;
                int at = ((top * width) + left) * channels;
                int below = at + (width * channels);
                for (int channel = 0; channel < channels; channel++, at++, below++)
                {
                    float fill = _fill[channel];
                    float a = hasTop && hasLeft ? pixels[at] : fill;
                    float b = hasTop && hasRight ? pixels[at + channels] : fill;
                    float c = hasBottom && hasLeft ? pixels[below] : fill;
                    float d = hasBottom && hasRight ? pixels[below + channels] : fill;
                    float upper = MathF.FusedMultiplyAdd(partX, b - a, a);
                    float lower = MathF.FusedMultiplyAdd(partX, d - c, c);
                    point[channel] = _normalizer.Point(
                        MathF.FusedMultiplyAdd(partY, lower - upper, upper), channel, gain, offset);
                }
            }
        }
    }

    private void CutOut(CounterRandom random, int size, Span<float> result)
    {
        (int width, int height, int channels) = (_images.Width, _images.Height, _images.Channels);
        int left = random.Integer(0, width) - (size / 2), top = random.Integer(1, height) - (size / 2);
        int first = Math.Max(left, 0), end = Math.Min(left + size, width);
        for (int row = Math.Max(top, 0); row < Math.Min(top + size, height); row++)
        {
            result.Slice(((row * width) + first) * channels, (end - first) * channels).Clear();
        }
    }
}
