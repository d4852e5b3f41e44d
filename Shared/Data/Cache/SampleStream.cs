using System.Runtime.InteropServices;

namespace Distributed.Data;

/// <summary>
/// Reads a data set as one stream of bytes: the pixels of each training image, then of each test image, then in the
/// same order their labels as 32-bit little-endian integers. Images that are not kept are decoded on the way, one at a
/// time. For one thread.
/// </summary>
/// <param name="dataset">The data set.</param>
public sealed class SampleStream(Dataset dataset)
{
    private readonly byte[] _decoded = new byte[dataset.Train.IsStreamed ? dataset.Train.SampleLength : 0];
    private int _decodedIndex = -1;

    /// <summary>What it reads.</summary>
    public DatasetDescription Description { get; } = DatasetDescription.Of(dataset);

    /// <summary>The next byte's place, from 0 to the description's length.</summary>
    public long Position { get; set; }

    /// <summary>Fills the destination with the next bytes, or with as many as are left. Returns how many.</summary>
    /// <exception cref="DataException">A file has changed since the data set was loaded.</exception>
    public int Read(Span<byte> destination)
    {
        int read = 0;
        while (read < destination.Length && Position < Description.Length)
        {
            ReadOnlySpan<byte> next = Position < Description.PixelBytes ? RestOfImage() : RestOfLabels();
            next = next[..Math.Min(next.Length, destination.Length - read)];
            next.CopyTo(destination[read..]);
            read += next.Length;
            Position += next.Length;
        }

        return read;
    }

    private ReadOnlySpan<byte> RestOfImage()
    {
        (long index, long skip) = Math.DivRem(Position, Description.SampleLength);
        return Image((int)index)[(int)skip..];
    }

    private ReadOnlySpan<byte> RestOfLabels()
    {
        long at = Position - Description.PixelBytes;
        long ofTrain = (long)Description.TrainCount * sizeof(int);
        return at < ofTrain ? MemoryMarshal.AsBytes(dataset.Train.AllLabels)[(int)at..]
            : MemoryMarshal.AsBytes(dataset.Test.AllLabels)[(int)(at - ofTrain)..];
    }

    /// <summary>An image that was decoded for the piece before is not decoded again.</summary>
    private ReadOnlySpan<byte> Image(int index)
    {
        ImageSet set = index < Description.TrainCount ? dataset.Train : dataset.Test;
        int within = index < Description.TrainCount ? index : index - Description.TrainCount;
        if (!set.IsStreamed)
        {
            return set.Pixels(within);
        }

        if (_decodedIndex != index)
        {
            _decodedIndex = -1;
            set.Pixels(within).CopyTo(_decoded);
            _decodedIndex = index;
        }

        return _decoded;
    }
}
