using Xunit;

namespace Distributed.Learning.Tests;

public sealed class DropoutTests
{
    private static readonly Model Net = TestModels.Of(
        "m", 2, 5, 5, new Conv2d(4, 3), new Dropout(), new Flatten(), new Linear(20), new Dropout(0.25),
        new Linear(10));

    /// <summary>A sample's mask is the same wherever the sample stands, and another one in another epoch.</summary>
    [Fact]
    public void MasksDependOnSeedEpochAndSampleAlone()
    {
        using var together = new PlanRun(Net, 3);
        using var alone = new PlanRun(Net, 1);
        together.Load(first: 0, 3);
        alone.Load(first: 1, 1);
        var loss = together.Train(3, keys: new SampleKeys(7, 2, [0, 1, 2])).LossSum;
        var logits = together.LogitBits()[10..20];
        alone.Train(1, keys: new SampleKeys(7, 2, [1]));
        Assert.Equal(logits, alone.LogitBits());
        foreach (var (seed, epoch, sample) in new[] { (8ul, 2, 1), (7ul, 3, 1), (7ul, 2, 5) })
        {
            alone.Train(1, keys: new SampleKeys(seed, epoch, [sample]));
            Assert.NotEqual(logits, alone.LogitBits());
        }
        Assert.Equal(loss, together.Train(3, keys: new SampleKeys(7, 2, [0, 1, 2])).LossSum);
        Assert.ThrowsAny<ArgumentException>(() => together.Train(3, keys: new SampleKeys(7, 2, [0, 1])));
    }

    [Fact]
    public void EvaluationDropsNothing()
    {
        using var run = new PlanRun(Net, 2);
        run.Load(first: 0, 2);
        run.Train(2);
        var plain = run.LogitBits();
        run.Train(2, keys: new SampleKeys(1, 0, [0, 1]));
        Assert.NotEqual(plain, run.LogitBits());
        run.Evaluate(2);
        Assert.Equal(plain, run.LogitBits());
    }

    /// <summary>With the masks fixed by the keys the loss is a function of the parameters as any other.</summary>
    [Fact]
    public void TheGradientIsThatOfTheMaskedNetwork()
    {
        using var run = new PlanRun(Net, 4);
        run.Load(first: 0, 4);
        int[] samples = [3, 1, 4, 5];
        run.Train(4, keys: new SampleKeys(1, 0, samples));
        var gradient = run.Gradient.Span.ToArray();
        for (var i = 0; i < run.Plan.Parameters.TrainableLength; i += 7)
        {
            var middle = run.Parameters.Span[i];
            double LossAt(float value)
            {
                run.Parameters.Span[i] = value;
                run.Prepare();
                return run.Train(4, keys: new SampleKeys(1, 0, samples)).LossSum;
            }
            if (Array.TrueForAll([.. run.Plan.Parameters.Trainable], e => i < e.Offset || i >= e.Offset + e.Length))
                continue;
            var slope = (LossAt(middle + 1f / 256) - LossAt(middle - 1f / 256)) * 128;
            run.Parameters.Span[i] = middle;
            Assert.Equal(slope, gradient[i], 3e-3 * (1 + Math.Abs(slope)));
        }
    }
}
