using Distributed.Data;
using Distributed.Learning;
using Distributed.Protocol;
using Xunit;

namespace Distributed.Execution.Tests;

public class RunDataTests
{
    private static RunData Data => TestRun.Data;

    [Fact]
    public void PartsHaveTheSizesThatTheShareSays()
    {
        Assert.Equal(9000, Data.Count(DataSplit.Training));
        Assert.Equal(1000, Data.Count(DataSplit.Validation));
        Assert.Equal(2000, Data.Count(DataSplit.Test));
        int[] all = [.. Data.Part(DataSplit.Training), .. Data.Part(DataSplit.Validation)];
        Array.Sort(all);
        Assert.Equal(Enumerable.Range(0, 10_000), all);
        Assert.Equal(Enumerable.Range(0, 2000), Data.Part(DataSplit.Test).ToArray());
    }

    [Fact]
    public void LabelsAndSamplesAreThoseOfTheirPart()
    {
        float[] input = new float[28 * 28];
        int[] label = new int[1];
        foreach (DataSplit split in (DataSplit[])[DataSplit.Training, DataSplit.Validation, DataSplit.Test])
        {
            ImageSet images = split == DataSplit.Test ? Data.Dataset.Test : Data.Dataset.Train;
            foreach (int position in (int[])[0, 500, 999])
            {
                int index = Data.Part(split)[position];
                Data.Load(split, [index], input, label);
                Assert.Equal(images.Label(index), Data.Label(split, position));
                Assert.Equal(images.Label(index), label[0]);
                double mean = Data.Normalization.Mean[0], deviation = Data.Normalization.Deviation[0];
                ReadOnlySpan<byte> pixels = images.Pixels(index);
                for (int i = 0; i < input.Length; i++)
                    Assert.Equal((pixels[i] / 255.0 - mean) / deviation, input[i], 1e-4);
            }
        }
    }

    [Fact]
    public void WhatWasFoundIsFilledIn()
    {
        RunSpecification asked = TestRun.Specification("linear");
        RunSpecification complete = Data.Complete(asked);
        Dataset dataset = Data.Dataset;
        Normalization normalization = Normalization.Of(dataset.Train, Data.Training);
        Assert.NotEqual(normalization.Mean, Normalization.Of(dataset.Train, Data.Part(DataSplit.Validation)).Mean);
        Assert.Equal(
            new DataSpecification
            {
                Name = "digits",
                Validation = 0.1,
                Sha256 = Dataset.Hash(dataset.Train, dataset.Test, 10),
                TrainingSamples = 9000,
                ValidationSamples = 1000,
                TestSamples = 2000,
                Mean = normalization.Mean,
                Deviation = normalization.Deviation,
            },
            complete.Data);
        Assert.Equal(asked, complete with { Data = asked.Data });
        Assert.Equal((410, 1230L), (complete.StepsPerEpoch, complete.TotalSteps));
    }

    [Theory]
    [InlineData(1, 28, 32)]
    [InlineData(1, 32, 28)]
    [InlineData(3, 28, 28)]
    public void AModelOfOtherImagesIsOneSentence(int channels, int height, int width)
    {
        RunSpecification specification = TestRun.Specification("linear");
        Model model = specification.Model with { Channels = channels, Height = height, Width = width };
        Assert.Equal(
            $"Model linear takes {channels}x{height}x{width} images, and those of digits are 1x28x28: "
            + "choose a model or data that fit.",
            Assert.Throws<SpecificationException>(() => Data.Complete(specification with { Model = model })).Message);
    }

    [Fact]
    public void AModelOfOtherClassesIsOneSentence()
    {
        RunSpecification specification = TestRun.Specification("linear");
        Model model = specification.Model with { Classes = 7 };
        Assert.Equal(
            "Model linear has 7 classes, and digits has 10: choose a model or data that fit.",
            Assert.Throws<SpecificationException>(() => Data.Complete(specification with { Model = model })).Message);
    }

    [Fact]
    public void UnknownDataIsOneSentence()
    {
        RunSpecification specification = TestRun.Specification("linear");
        specification = specification with { Data = specification.Data with { Name = "letters" } };
        string message = Assert.Throws<DataException>(() => RunData.Load(specification, null)).Message;
        Assert.StartsWith("There is no data set 'letters'; known are digits", message, StringComparison.Ordinal);
    }
}
