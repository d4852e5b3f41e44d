using System.Diagnostics;
using System.Reflection;
using Xunit;

namespace Distributed.Data.Tests;

public sealed class DigitsTests
{
    /// <summary>The bits of the built-in data set: a change here changes every run on it.</summary>
    private const string Golden = "2dfded0e8c5d213d0c8477d56d3e9a9111d15ac08e9843f34033f91bd0ce5639";

    [Fact]
    public void GoldenBits()
    {
        Dataset digits = Load(new DatasetOptions());
        Assert.Equal((10_000, 2_000), (digits.Train.Count, digits.Test.Count));
        Assert.Equal((1, 28, 28), (digits.Train.Channels, digits.Train.Height, digits.Train.Width));
        Assert.Equal(10, digits.ClassNames.Count);
        Assert.Equal(Golden, digits.Sha256);
    }

    [Fact]
    public void AnotherSeedGivesOtherDigits() =>
        Assert.NotEqual(Golden, Load(new DatasetOptions { Seed = 2 }).Sha256);

    /// <summary>A sample is a function of seed, part and index, whatever else is generated.</summary>
    [Fact]
    public void SamplesDoNotDependOnTheirNumber()
    {
        Dataset large = Load(new DatasetOptions { TrainCount = 600, TestCount = 300 });
        Dataset small = Load(new DatasetOptions { TrainCount = 300, TestCount = 1 });
        for (int index = 0; index < 300; index++)
        {
            Assert.Equal(large.Train.Label(index), small.Train.Label(index));
            Assert.Equal(large.Train.Pixels(index), small.Train.Pixels(index));
        }

        Assert.Equal(large.Test.Pixels(0), small.Test.Pixels(0));
        Assert.NotEqual(large.Train.Pixels(0).ToArray(), large.Test.Pixels(0).ToArray());
    }

    [Fact]
    public void EveryDigitIsThereInkedAndAllAreDifferent()
    {
        ImageSet train = Load(new DatasetOptions()).Train;
        HashSet<string> different = [];
        int[] counts = new int[10];
        for (int index = 0; index < train.Count; index++)
        {
            counts[train.Label(index)]++;
            different.Add(Convert.ToBase64String(train.Pixels(index)));
            int inked = 0;
            foreach (byte pixel in train.Pixels(index))
            {
                inked += pixel > 100 ? 1 : 0;
            }

            Assert.InRange(inked, 15, 350);
        }

        Assert.Equal(train.Count, different.Count);
        Assert.All(counts, count => Assert.InRange(count, 850, 1150));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1_000_001)]
    public void RefusesAnImpossibleNumber(int count) => Assert.Contains(
        "can have 1 to 1000000 samples in a part",
        Assert.Throws<DataException>(() => Load(new DatasetOptions { TrainCount = count })).Message,
        StringComparison.Ordinal);

    /// <summary>The golden tests again in processes without AVX2 and without any SIMD.</summary>
    [Theory]
    [InlineData("DOTNET_EnableAVX2")]
    [InlineData("DOTNET_EnableHWIntrinsic")]
    public void SameBitsOnOtherMachines(string disabled)
    {
        ProcessStartInfo start = new("dotnet")
        {
            RedirectStandardOutput = true,
            Environment = { [disabled] = "0" },
        };
        start.ArgumentList.Add("vstest");
        start.ArgumentList.Add(Assembly.GetExecutingAssembly().Location);
        start.ArgumentList.Add("--TestCaseFilter:FullyQualifiedName~GoldenBits");
        using Process child = Process.Start(start)!;
        string output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        Assert.True(child.ExitCode == 0, output);
        Assert.Contains("Passed", output, StringComparison.Ordinal);
    }

    private static Dataset Load(DatasetOptions options) => DatasetCatalogue.Load("digits", options);
}
