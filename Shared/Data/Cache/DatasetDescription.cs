namespace Distributed.Data;

/// <summary>What a data set is, without its samples: enough to look for it, or to receive it.</summary>
/// <param name="Name">Its name, for people.</param>
/// <param name="Sha256">The hash of its decoded content, see <see cref="Dataset.Sha256"/>: 64 lower-case hexadecimal
/// digits, which name files.</param>
/// <param name="Channels">Channels of an image.</param>
/// <param name="Height">Rows of an image.</param>
/// <param name="Width">Columns of an image.</param>
/// <param name="TrainCount">Images to train with, those held included.</param>
/// <param name="TestCount">Images to test with.</param>
/// <param name="Held">So many training images, the last ones, are a validation part of the data set's own.</param>
/// <param name="ClassNames">A name for each class.</param>
public sealed record DatasetDescription(
    string Name, string Sha256, int Channels, int Height, int Width, int TrainCount, int TestCount, int Held,
    IReadOnlyList<string> ClassNames)
{
    /// <summary>Bytes of an image.</summary>
    public int SampleLength => checked(Channels * Height * Width);

    /// <summary>Images of both parts.</summary>
    public int Count => checked(TrainCount + TestCount);

    /// <summary>Bytes of all pixels.</summary>
    public long PixelBytes => (long)Count * SampleLength;

    /// <summary>Bytes of the data set as a <see cref="SampleStream"/>: pixels and labels.</summary>
    public long Length => PixelBytes + ((long)Count * sizeof(int));

    /// <summary>Describes a data set.</summary>
    public static DatasetDescription Of(Dataset dataset) => new(
        dataset.Name, dataset.Sha256, dataset.Train.Channels, dataset.Train.Height, dataset.Train.Width,
        dataset.Train.Count, dataset.Test.Count, dataset.Held, dataset.ClassNames);
}
