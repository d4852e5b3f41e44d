using Xunit;

namespace Distributed.Data.Tests;

public sealed class NormalizationTests
{
    [Fact]
    public void MeasuresEachChannelOfThePartAlone()
    {
        // Two images of 1 x 2 with 3 channels, and a third that takes no part.
        ImageSet images = new(3, 1, 2,
            [0, 10, 255, 2, 10, 255, 4, 30, 255, 6, 30, 255, 99, 99, 99, 99, 99, 99], [0, 1, 2]);
        Normalization normalization = Normalization.Of(images, [1, 0]);
        Assert.Equal([3 / 255f, 20 / 255f, 1f], normalization.Mean);
        Assert.Equal([(float)(Math.Sqrt(5) / 255), 10 / 255f, 1f], normalization.Deviation);
    }

    /// <summary>Vectors, their tail and images smaller than a vector must give the plain sums.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(5, 7)]
    [InlineData(28, 28)]
    [InlineData(1, 32 * 20_000)]
    public void SumsAreExact(int height, int width)
    {
        byte[] pixels = [.. Enumerable.Range(0, height * width).Select(i => width > 1000 ? (byte)255 : (byte)(i * 97))];
        long[] sums = [5], squares = [7];
        PixelSums.Add(pixels, sums, squares);
        Assert.Equal(5 + pixels.Sum(pixel => (long)pixel), sums[0]);
        Assert.Equal(7 + pixels.Sum(pixel => (long)pixel * pixel), squares[0]);
    }

    [Fact]
    public void AnEmptyPartChangesNothing()
    {
        Normalization normalization = Normalization.Of(new ImageSet(1, 1, 1, [9], [0]), []);
        Assert.Equal([0f], normalization.Mean);
        Assert.Equal([1f], normalization.Deviation);
    }

    [Fact]
    public void LoaderNormalizesIntoTheGivenMemoryAndAllocatesNothing()
    {
        ImageSet images = new(1, 2, 2, [0, 51, 102, 255, 1, 2, 3, 4], [3, 4]);
        SampleLoader loader = new(images, new Normalization([0.2f], [0.5f]));
        float[] input = new float[9];
        int[] labels = new int[3];
        loader.Load([1, 0], input, labels);
        Assert.Equal(0, Allocation.Least(() => loader.Load([1, 0], input, labels)));

        Assert.Equal([4, 3, 0], labels);
        int[] pixels = [1, 2, 3, 4, 0, 51, 102, 255];
        float[] expected = [.. pixels.Select(pixel => (float)(((pixel / 255.0) - 0.2) / 0.5)), 0f];
        Assert.All(input.Zip(expected), pair => Assert.Equal(pair.Second, pair.First, 1e-6f));
    }

    [Fact]
    public void LoaderRefusesOtherChannels() => Assert.Throws<ArgumentException>(
        () => new SampleLoader(new ImageSet(1, 1, 1, [9], [0]), new Normalization([0, 0], [1, 1])));
}
