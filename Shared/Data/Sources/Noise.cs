using System.Globalization;
using Distributed.Numerics;

namespace Distributed.Data;

/// <summary>
/// Random images of any size, for measuring speed: the data set <c>noise-CxHxW-CLASSES-COUNT</c> has COUNT training
/// samples and one test sample of uniform random bytes. It is in no list of names, since nothing can be learnt from it.
/// </summary>
internal static class Noise
{
    private const string Prefix = "noise-";
    private const long MaximumBytes = 1 << 30;

    /// <summary>Whether a name asks for noise.</summary>
    public static bool Matches(string name) => name.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>Makes the data set that the name describes.</summary>
    /// <exception cref="DataException">The name does not have the form, or asks for more than 1 GiB.</exception>
    public static Dataset Load(string name, DatasetOptions options)
    {
        int[] sizes = [.. name[Prefix.Length..].Split('x', '-').Select(
            text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int size) ? size : 0)];
        if (sizes.Length != 5 || sizes.Any(size => size < 1)
            || sizes.Aggregate(1.0, (product, size) => product * size) / sizes[3] > MaximumBytes)
        {
            throw new DataException(
                $"'{name}' is not of the form noise-CxHxW-CLASSES-COUNT with at most 1 GiB of pixels.");
        }

        ImageSet train = Draw(options.Seed, sizes, sizes[4]);
        ImageSet test = Draw(options.Seed, sizes, 1);
        string[] names = [.. Enumerable.Range(0, sizes[3]).Select(number => $"{number}")];
        return new Dataset(name, train, test, names, Dataset.Hash(train, test, sizes[3]));
    }

    private static ImageSet Draw(ulong seed, int[] sizes, int count)
    {
        int length = sizes[0] * sizes[1] * sizes[2];
        byte[] pixels = GC.AllocateUninitializedArray<byte>(length * count);
        int[] labels = new int[count];
        Parallel.For(0, count, sample =>
        {
            CounterRandom random = new(seed, RandomPurpose.Benchmark, epoch: count, sample: sample);
            labels[sample] = random.Integer(0, sizes[3]);
            Span<byte> target = pixels.AsSpan(sample * length, length);
            for (int i = 0; i < length; i += 4)
            {
                uint draw = random.UInt32((uint)(i / 4) + 1);
                for (int at = i; at < Math.Min(i + 4, length); at++, draw >>= 8)
                {
                    target[at] = (byte)draw;
                }
            }
        });
        return new ImageSet(sizes[0], sizes[1], sizes[2], pixels, labels);
    }
}
