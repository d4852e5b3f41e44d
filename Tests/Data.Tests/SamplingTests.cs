using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Xunit;

namespace Distributed.Data.Tests;

public sealed class SamplingTests
{
    private const int Count = 60_000;

    [Fact]
    public void SplitTakesATenthOutInAscendingOrder()
    {
        (int[] training, int[] validation) = ValidationSplit.Split(Count, 0.1, 1);
        Assert.Equal((54_000, 6_000), (training.Length, validation.Length));
        Assert.Equal(training.Order(), training);
        Assert.Equal(validation.Order(), validation);
        Assert.Equal(Enumerable.Range(0, Count), training.Concat(validation).Order());
    }

    [Fact]
    public void SplitIsUniformAndDependsOnTheSeed()
    {
        (_, int[] one) = ValidationSplit.Split(Count, 0.1, 1);
        (_, int[] two) = ValidationSplit.Split(Count, 0.1, 2);

        // Of 6,000 drawn at random, 600 are expected in both and in each tenth of the indices (deviation below 25).
        Assert.InRange(one.Intersect(two).Count(), 450, 750);
        Assert.All(one.CountBy(index => index / (Count / 10)), tenth => Assert.InRange(tenth.Value, 450, 750));
    }

    [Theory]
    [InlineData(10, 0.0, 0)]
    [InlineData(10, 0.25, 3)]
    [InlineData(10, 0.24, 2)]
    [InlineData(0, 0.5, 0)]
    [InlineData(1, 0.4, 0)]
    [InlineData(7, 0.9, 6)]
    public void SplitRoundsHalvesUp(int count, double fraction, int expected)
    {
        (int[] training, int[] validation) = ValidationSplit.Split(count, fraction, 1);
        Assert.Equal((count - expected, expected), (training.Length, validation.Length));
    }

    [Theory]
    [InlineData(1.0, "must be at least 0 and less than 1")]
    [InlineData(-0.1, "must be at least 0 and less than 1")]
    [InlineData(double.NaN, "must be at least 0 and less than 1")]
    [InlineData(0.99, "leaves none of the 10 samples to train on")]
    public void SplitRefusesAShareThatLeavesNothing(double fraction, string expected) =>
        Assert.Contains(expected, Assert.Throws<DataException>(() => ValidationSplit.Split(10, fraction, 1)).Message,
            StringComparison.Ordinal);

    [Fact]
    public void ShuffleIsAPermutationThatDiffersByEpochAndSeed()
    {
        int[] indices = [.. Enumerable.Range(1000, 1000)];
        int[] first = Shuffled(1, 0, indices), second = Shuffled(1, 1, indices), other = Shuffled(2, 0, indices);
        Assert.Equal(indices, first.Order());
        Assert.Equal(first, Shuffled(1, 0, indices));

        // Two random orders of 1,000 agree in one place on average.
        Assert.InRange(first.Zip(second).Count(pair => pair.First == pair.Second), 0, 10);
        Assert.InRange(first.Zip(other).Count(pair => pair.First == pair.Second), 0, 10);
        Assert.InRange(first.Zip(indices).Count(pair => pair.First == pair.Second), 0, 10);
    }

    /// <summary>Each of the 24 orders of 4 is as frequent as the others: chi squared, 23 degrees of freedom.</summary>
    [Fact]
    public void ShuffleIsUniform()
    {
        const int Epochs = 24_000;
        int[] seen = new int[256];
        for (int epoch = 0; epoch < Epochs; epoch++)
        {
            int[] order = Shuffled(7, epoch, [0, 1, 2, 3]);
            seen[(order[0] << 6) | (order[1] << 4) | (order[2] << 2) | order[3]]++;
        }

        int[] counts = [.. seen.Where(count => count > 0)];
        Assert.Equal(24, counts.Length);
        Assert.InRange(counts.Sum(count => (count - 1000.0) * (count - 1000.0) / 1000), 5, 50);
    }

    [Fact]
    public void ShuffleWorksInPlaceAndOnTheSmallest()
    {
        int[] indices = [.. Enumerable.Range(0, 100)];
        int[] expected = Shuffled(1, 3, indices);
        EpochShuffle.Permute(1, 3, indices, indices);
        Assert.Equal(expected, indices);
        Assert.Equal([], Shuffled(1, 0, []));
        Assert.Equal([42], Shuffled(1, 0, [42]));
        Assert.Throws<ArgumentException>(() => EpochShuffle.Permute(1, 0, [1, 2], new int[3]));
    }

    /// <summary>A change here changes the bits of every run. The hashes come from a separate program.</summary>
    [Fact]
    public void GoldenBitsOfSplitAndShuffle()
    {
        (int[] training, int[] validation) = ValidationSplit.Split(Count, 0.1, 1);
        Assert.Equal("94eb10f2bc2722ab1150ff35c51d1229cdec06bb32fd68364c33e7418bccf94c", Hash(validation));
        Assert.Equal("2abe7604bf51a1fd27fe74503fe9b58e277e43e2746ccc257f11fa49c9bc3567",
            Hash(Shuffled(1, 0, training)));
        Assert.Equal("89cdb3e82b830e36f681e70ec1891f6cbf1fd898565695a92f9c375f24d82689",
            Hash(Shuffled(0xFEDCBA9876543210, 12, training)));
    }

    [Fact]
    public void ShuffleAllocatesNothing()
    {
        int[] indices = [.. Enumerable.Range(0, 1000)];
        EpochShuffle.Permute(1, 0, indices, indices);
        Assert.Equal(0, Allocation.Least(() => EpochShuffle.Permute(1, 1, indices, indices)));
    }

    private static int[] Shuffled(ulong seed, int epoch, int[] indices)
    {
        int[] shuffled = new int[indices.Length];
        EpochShuffle.Permute(seed, epoch, indices, shuffled);
        return shuffled;
    }

    private static string Hash(int[] indices) =>
        Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(indices.AsSpan())));
}
