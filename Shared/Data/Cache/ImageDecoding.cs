using System.Globalization;
using System.Security.Cryptography;

namespace Distributed.Data;

/// <summary>
/// Decodes all images of a source, on all cores but in order and with bounded memory, writes their pixels to a stream
/// and describes them.
/// </summary>
internal sealed class ImageDecoding
{
    /// <summary>Bytes of decoded images that are held at once.</summary>
    private const int BatchBytes = 32 << 20;

    private const int MaximumBatch = 1024;

    private readonly ImageSource _source;
    private readonly bool _skipCorrupt;
    private readonly Stream? _pixelFile;
    private readonly Action<string>? _progress;
    private readonly List<int> _order = [];
    private readonly List<int> _labels = [];
    private readonly List<uint> _checksums = [];
    private readonly List<long> _sums = [];
    private readonly List<string> _skipped = [];
    private readonly byte[] _pixels;
    private readonly int[] _batchLabels;
    private readonly DataException?[] _errors;
    private int _held;
    private int _tenth = -1;

    private ImageDecoding(ImageSource source, DatasetOptions options, Stream? pixelFile)
    {
        _source = source;
        _skipCorrupt = options.SkipCorrupt;
        _progress = options.Progress;
        _pixelFile = pixelFile;
        int batch = Math.Clamp(BatchBytes / source.SampleLength, 1, MaximumBatch);
        _pixels = GC.AllocateUninitializedArray<byte>(batch * source.SampleLength);
        _batchLabels = new int[batch];
        _errors = new DataException?[batch];
    }

    /// <summary>Writes the pixels, and returns what follows them in a file.</summary>
    /// <param name="source">The images.</param>
    /// <param name="options">Whether corrupt images are left out, and who is told of the progress.</param>
    /// <param name="pixels">Where pixels are written; null: they are not kept.</param>
    /// <exception cref="DataException">An image is corrupt, or none is left.</exception>
    /// <exception cref="IOException">The pixels can't be written.</exception>
    public static DecodedFile Write(ImageSource source, DatasetOptions options, Stream? pixels) =>
        new ImageDecoding(source, options, pixels).Run();

    private DecodedFile Run()
    {
        byte[] train = DecodePart(0, _source.TrainCount);
        int trainCount = _order.Count;
        byte[] test = DecodePart(_source.TrainCount, _source.TestCount);
        if (trainCount == _held || _order.Count == trainCount)
        {
            string part = trainCount == _held ? "train on" : "test with";
            throw new DataException($"{_source.Name}: every image to {part} is corrupt; get the files again.");
        }

        int[] labels = [.. _labels];
        return new DecodedFile
        {
            Name = _source.Name,
            Channels = _source.Channels,
            Height = _source.Height,
            Width = _source.Width,
            ClassNames = [.. _source.ClassNames],
            TrainCount = trainCount,
            Held = _held,
            HasPixels = _pixelFile is not null,
            Sha256 = Dataset.Hash(_source.ClassNames.Count, Labelled(labels[..trainCount]), train,
                Labelled(labels[trainCount..]), test, _held),
            Skipped = [.. _skipped],
            Order = [.. _order],
            Labels = labels,
            Checksums = [.. _checksums],
            Sums = [.. _sums],
        };
    }

    /// <summary>A set of the right size and labels, whose pixels nobody will ask for.</summary>
    private ImageSet Labelled(int[] labels) =>
        new(_source.Channels, _source.Height, _source.Width, new ArrayPixels([], 0), labels);

    /// <summary>Returns the hash of the part's pixels.</summary>
    private byte[] DecodePart(int first, int count)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int start = first; start < first + count; start += _errors.Length)
        {
            Say(start);
            int size = Math.Min(_errors.Length, first + count - start);
            Parallel.For(0, size, index => Decode(start + index, index));
            for (int index = 0; index < size; index++)
            {
                Append(start + index, index, hash);
            }
        }

        return hash.GetHashAndReset();
    }

    private void Say(int done)
    {
        int all = _source.TrainCount + _source.TestCount;
        int tenth = (int)(10L * done / all);
        if (tenth > _tenth)
        {
            _tenth = tenth;
            _progress?.Invoke(string.Create(CultureInfo.InvariantCulture,
                $"{_source.Name}: decoding {all} images for the cache, {10 * tenth}%"));
        }
    }

    private Span<byte> Pixels(int place) => _pixels.AsSpan(place * _source.SampleLength, _source.SampleLength);

    private void Decode(int index, int place)
    {
        _errors[place] = null;
        try
        {
            _batchLabels[place] = _source.Decode(index, Pixels(place));
        }
        catch (DataException error)
        {
            _errors[place] = error;
        }
    }

    private void Append(int index, int place, IncrementalHash hash)
    {
        if (_errors[place] is { } error)
        {
            if (!_skipCorrupt || !error.IsCorrupt)
            {
                throw error.IsCorrupt ? new DataException($"{error.Message.TrimEnd('.')}, or leave such images out " +
                    "with --skip-corrupt.", error) : error;
            }

            _skipped.Add(error.Message);
            return;
        }

        Span<byte> pixels = Pixels(place);
        _pixelFile?.Write(pixels);
        hash.AppendData(pixels);
        _order.Add(index);
        _labels.Add(_batchLabels[place]);
        _checksums.Add(Crc32.Compute(pixels));
        Span<long> sums = stackalloc long[2 * _source.Channels];
        sums.Clear();
        PixelSums.Add(pixels, sums[.._source.Channels], sums[_source.Channels..]);
        _sums.AddRange(sums);
        _held += _source.IsHeld(index) ? 1 : 0;
    }
}
