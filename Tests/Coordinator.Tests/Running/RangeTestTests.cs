using Distributed.Data;
using Distributed.Execution;
using Distributed.Learning;
using Xunit;

namespace Distributed.Coordinator.Tests;

public sealed class RangeTestTests
{
    private static readonly Lazy<RunData> Digits = new(() => RunData.Load(Specification, null));

    private static RunSpecification Specification => RunSamples.Specification() with
    {
        Model = new Model("small", 1, 28, 28, 10, new Sequential(
            new Conv2d(4, 5) { Stride = 3 }, new Relu(), new Flatten(), new Linear(10))),
        Data = new DataSpecification { Name = "digits", Validation = 0.1 },
        Batch = 50,
        MicroBatch = 8,
    };

    [Fact]
    public void ThreadsChangeNoBitAndTheRateIsOneWhereTheLossFalls()
    {
        IReadOnlyList<RangePoint> points = Run(threads: 1), again = Run(threads: 3);
        Assert.Equal(points, again);
        Assert.Equal(1e-4, points[0].Rate, 1e-12);
        double least = points.Min(point => point.Smoothed);
        Assert.True(least < points[0].Smoothed);
        double suggested = RangeTest.Suggest(points)!.Value;
        Assert.InRange(suggested, 1e-5, points.First(point => point.Smoothed == least).Rate);
        Assert.Equal((960, 600, 3), Size(RangeChart.Draw(points, suggested)));
    }

    [Fact]
    public void AThirdOfTheRateOfTheLeastLossIsSuggested()
    {
        double[] losses = [2, 2, 1.9, 1.5, 1.3, 1.2, 1.25, 5];
        RangePoint[] points = [.. losses.Select((loss, i) => new RangePoint(i + 1, loss, loss))];
        Assert.Equal(2, RangeTest.Suggest(points));
        Assert.Null(RangeTest.Suggest([.. points.Reverse().Take(3).Reverse()]));
    }

    [Fact]
    public async Task TheCommandWritesItsCurveAndARate()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["small.json"], Specification.Model.ToJson());
        CommandRun run = await CommandRun.Of(
            "find-lr", "--model", folder["small.json"], "--batch", "64", "--from", "1e-4", "--steps", "40",
            "--output", folder["curve.png"]);
        Assert.Equal("", run.Error);
        Assert.Contains("small on digits, sgd, batch 64:", run.Output);
        Assert.Contains("suggested: --learning-rate ", run.Output);
        DecodedImage picture = Assert.Single(ImageFiles.ReadAll(folder["curve.png"]));
        Assert.Equal((960, 600, 3), Size(picture));
        Assert.Contains(picture.Pixels, value => value == 20); // the curve's own colour
    }

    [Theory]
    [InlineData("--from 0", "--from: expected a number above 0, got '0'.")]
    [InlineData("--from 1 --to 0.5", "--to: 0.5 is not above --from 1.")]
    [InlineData("--steps 3", "--steps: expected a whole number from 10 to 100000, got '3'.")]
    [InlineData("--batch 0", "--batch: expected a whole number from 1 to")]
    [InlineData("--epochs 3", "find-lr: unknown option '--epochs'")]
    public async Task AMistakeIsOneSentence(string options, string sentence)
    {
        CommandRun run = await CommandRun.Of(["find-lr", .. options.Split(' ')]);
        Assert.StartsWith($"error: {sentence}", run.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.UserError, run.ExitCode);
    }

    private static IReadOnlyList<RangePoint> Run(int threads)
    {
        RunSpecification specification = Digits.Value.Complete(Specification);
        using RangeTest test = new(specification, Digits.Value, threads, (layout, block) =>
            layout.Initialize(specification.Seed, block.Span));
        return test.Run(1e-4, 100, 60);
    }

    private static (int Width, int Height, int Channels) Size(DecodedImage image) =>
        (image.Width, image.Height, image.Channels);
}
