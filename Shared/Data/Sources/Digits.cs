using Distributed.Numerics;

namespace Distributed.Data;

/// <summary>
/// The built-in data set: 28 x 28 grey digits drawn from strokes, each with its own way of writing, bending, rotation,
/// shear, size, place, stroke width, ink and noise. Sample i of a part is a function of (seed, part, i), with our own
/// sine and cosine, so that the bytes are the same on every machine and in any order.
/// </summary>
internal static class Digits
{
    public const int Size = 28;

    private const int Classes = 10;
    private const int MaximumCount = 1_000_000;
    private const int TrainPart = 0;
    private const int TestPart = 1;

    /// <summary>Samples that one task draws; more than one, so that it pays to hand them out.</summary>
    private const int Batch = 256;

    public static Dataset Load(DatasetOptions options)
    {
        ImageSet train = Draw(options.Seed, TrainPart, options.TrainCount);
        ImageSet test = Draw(options.Seed, TestPart, options.TestCount);
        string[] names = [.. Enumerable.Range(0, Classes).Select(digit => $"{digit}")];
        return new Dataset("digits", train, test, names, Dataset.Hash(train, test, Classes));
    }

    private static ImageSet Draw(ulong seed, int part, int count)
    {
        if (count is < 1 or > MaximumCount)
        {
            throw new DataException(
                $"The data set digits can have 1 to {MaximumCount} samples in a part, not {count}.");
        }

        byte[] pixels = GC.AllocateUninitializedArray<byte>(count * Size * Size);
        int[] labels = new int[count];
        Parallel.For(0, (count + Batch - 1) / Batch, batch =>
        {
            DigitCanvas canvas = new();
            for (int sample = batch * Batch; sample < Math.Min(count, (batch + 1) * Batch); sample++)
            {
                CounterRandom random = new(seed, RandomPurpose.Digits, epoch: part, sample: sample);
                labels[sample] = random.Integer(0, Classes);
                canvas.Draw(labels[sample], random, pixels.AsSpan(sample * Size * Size, Size * Size));
            }
        });
        return new ImageSet(1, Size, Size, pixels, labels);
    }
}
