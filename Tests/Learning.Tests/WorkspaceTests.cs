using Distributed.Numerics;
using Distributed.Tests;
using Xunit;

namespace Distributed.Learning.Tests;

public sealed class WorkspaceTests
{
    public static TheoryData<string> Models => ["convnet", "lenet5", "mlp", "resnet20"];

    [Theory]
    [MemberData(nameof(Models))]
    public void StepsAllocateNothing(string name)
    {
        using var run = new PlanRun(ModelCatalogue.Find(name), 8);
        var update = new ParameterUpdate(new Sgd(), run.Plan.Parameters);
        NativeBuffer[] states = [new NativeBuffer(run.Parameters.Length)];
        run.Load(first: 0, 8);
        Step();
        Assert.Equal(0, Allocation.Least(Step));

        void Step()
        {
            run.Prepare();
            run.Train(8, 0.1f);
            update.Step(1, 1f / 8, 0.01, run.Parameters.Span, run.Gradient.Span, states);
            run.Evaluate(8);
        }
    }

    /// <summary>
    /// A sample's outputs are the same bits alone, anywhere in a micro-batch, and in a plan for another size.
    /// </summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void PlaceInTheMicroBatchChangesNoBit(string name)
    {
        var model = ModelCatalogue.Find(name);
        using var alone = new PlanRun(model, 1);
        var expected = new List<int>();
        for (var sample = 0; sample < 37; sample++)
        {
            alone.Load(sample, 1);
            alone.Evaluate(1);
            expected.AddRange(alone.LogitBits());
        }
        foreach (var (microBatch, training) in new[] { (37, true), (32, false), (7, true) })
        {
            using var run = new PlanRun(model, microBatch, training);
            var actual = new List<int>();
            for (var first = 0; first < 37; first += microBatch)
            {
                var samples = Math.Min(microBatch, 37 - first);
                run.Load(first, samples);
                run.Evaluate(samples);
                actual.AddRange(run.LogitBits());
            }
            Assert.Equal(expected, actual);
        }
    }

    /// <summary>
    /// A short micro-batch is what a plan for that size computes, whatever the rest of the arena holds.
    /// </summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void ShortMicroBatchesGiveTheSameBits(string name)
    {
        var model = ModelCatalogue.Find(name);
        using var full = new PlanRun(model, 32);
        full.Load(first: 100, 32);
        full.Train(32);
        foreach (var samples in new[] { 1, 13, 31 })
        {
            using var exact = new PlanRun(model, samples);
            exact.Load(first: 0, samples);
            full.Load(first: 0, samples);
            Assert.Equal(exact.Train(samples, 0.1f), full.Train(samples, 0.1f));
            Assert.Equal(exact.GradientBits(), full.GradientBits());
        }
    }

    /// <summary>
    /// Several micro-batches in one call give the bits of a call each and additions along the canonical tree, the last
    /// one short or not.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void APassGivesTheBitsOfItsMicroBatches(int leaves)
    {
        const int MicroBatch = 32;
        using var run = new PlanRun(ModelCatalogue.Find("mlp"), MicroBatch);
        Assert.Equal(4, run.Plan.LeavesPerPass);
        foreach (var last in new[] { 5, MicroBatch })
        {
            var samples = (leaves - 1) * MicroBatch + last;
            var (expected, loss, correct) = Sum(0, leaves);
            run.Load(first: 0, samples);
            Assert.Equal(new MicroBatchResult(loss, correct, samples), run.Train(samples, 0.1f));
            Assert.Equal(Array.ConvertAll(expected, BitConverter.SingleToInt32Bits), run.GradientBits());

            (float[] Gradient, double Loss, int Correct) Sum(int start, int end)
            {
                if (end - start == 1)
                {
                    var count = start == leaves - 1 ? last : MicroBatch;
                    run.Load(start * MicroBatch, count);
                    var result = run.Train(count, 0.1f);
                    return (run.Gradient.Span.ToArray(), result.LossSum, result.Correct);
                }
                var middle = start + (1 << int.Log2(end - start - 1));
                var (left, right) = (Sum(start, middle), Sum(middle, end));
                Elementwise.Add(left.Gradient, right.Gradient, left.Gradient);
                return (left.Gradient, left.Loss + right.Loss, left.Correct + right.Correct);
            }
        }
    }

    /// <summary>Passes are for models that weigh more than their activations, and never mix micro-batches.</summary>
    [Theory]
    [InlineData("mlp", 32, 4)]
    [InlineData("mlp", 8, 8)]
    [InlineData("mlp", 512, 1)]
    [InlineData("lenet5", 32, 1)]
    [InlineData("convnet", 32, 1)]
    public void LeavesPerPass(string name, int microBatch, int expected) =>
        Assert.Equal(expected, ExecutionPlan.Compile(ModelCatalogue.Find(name), microBatch).LeavesPerPass);

    [Fact]
    public void TheSameCallTwiceGivesTheSameBits()
    {
        using var run = new PlanRun(ModelCatalogue.Find("convnet"), 8);
        run.Load(first: 0, 8);
        run.WarmUp();
        run.Train(8);
        var first = run.GradientBits();
        run.Train(8);
        Assert.Equal(first, run.GradientBits());
    }

    [Fact]
    public void TheGradientIsASum()
    {
        using var run = new PlanRun(ModelCatalogue.Find("lenet5"), 4);
        var sum = new double[run.Gradient.Length];
        var loss = 0.0;
        for (var sample = 0; sample < 4; sample++)
        {
            run.Load(sample, 1);
            loss += run.Train(1).LossSum;
            for (var i = 0; i < sum.Length; i++)
                sum[i] += run.Gradient.Span[i];
        }
        run.Load(first: 0, 4);
        Assert.Equal(loss, run.Train(4).LossSum, 1e-9);
        for (var i = 0; i < sum.Length; i++)
            Assert.Equal(sum[i], run.Gradient.Span[i], 1e-5);
    }

    [Fact]
    public void TheWholeGradientBlockIsWritten()
    {
        using var run = new PlanRun(ModelCatalogue.Find("convnet"), 4);
        run.Load(first: 0, 4);
        run.Gradient.Span.Fill(float.NaN);
        run.Train(4);
        Assert.True(Elementwise.AllFinite(run.Gradient.Span));
        var entries = run.Plan.Parameters.Entries;
        for (var i = 0; i < entries.Count; i++)
        {
            var next = i + 1 < entries.Count ? entries[i + 1].Offset : run.Gradient.Length;
            Assert.All(
                run.Gradient.Span[(entries[i].Offset + entries[i].Length)..next].ToArray(), x => Assert.Equal(0, x));
        }
    }

    /// <summary>
    /// A batch norm of one sample with one pixel has nothing to normalise by: its output is the bias, which passes no
    /// gradient on.
    /// </summary>
    [Fact]
    public void ANormOfASingleValueIsItsBias()
    {
        using var run = new PlanRun(
            TestModels.Of(
                "m", 2, 3, 3, new Conv2d(9, 3), new BatchNorm2d(), new GlobalAvgPool(), new Flatten(), new Linear(10)),
            4);
        run.Load(first: 0, 1);
        run.Train(1);
        Assert.All(run.Workspace.Logits.ToArray(), logit => Assert.Equal(0, logit, 1e-3));
        var gradient = run.Gradient.Span[..run.Plan.Parameters.TrainableLength].ToArray();
        Assert.All(gradient, value => Assert.True(float.IsFinite(value)));
        var weight = run.Plan.Parameters.Find("0.weight")!;
        Assert.All(gradient[..weight.Length], value => Assert.Equal(0, value, 1e-2));
    }

    [Fact]
    public void PredictionsAreTheLargestLogits()
    {
        using var run = new PlanRun(ModelCatalogue.Find("mlp"), 16, training: false);
        run.Load(first: 0, 16);
        var predictions = new int[16];
        var result = run.Evaluate(16, predictions);
        var correct = 0;
        for (var s = 0; s < 16; s++)
        {
            var logits = run.Workspace.Logits.Slice(10 * s, 10).ToArray();
            Assert.Equal(Array.IndexOf(logits, logits.Max()), predictions[s]);
            correct += predictions[s] == run.Workspace.Labels[s] ? 1 : 0;
        }
        Assert.Equal(correct, result.Correct);
    }

    [Fact]
    public void WrongCallsAreRefused()
    {
        using var run = new PlanRun(ModelCatalogue.Find("lenet5"), 4, training: false);
        Assert.Throws<InvalidOperationException>(() => run.Train(4));
        Assert.Throws<ArgumentOutOfRangeException>(() => run.Evaluate(5));
        Assert.Throws<ArgumentOutOfRangeException>(() => run.Evaluate(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => run.Plan.Prepare(0, new float[3], new float[3]));
    }

    [Theory]
    [InlineData(669_706, 1, 1)]
    [InlineData(669_706, 2, 1)]
    [InlineData(669_706, 3, 1)]
    [InlineData(669_706, 10, 5)]
    [InlineData(669_706, 16, 8)]
    [InlineData(669_706, 63, 8)]
    [InlineData(669_706, 64, 16)]
    [InlineData(669_706, 100, 16)]
    [InlineData(669_706, 127, 16)]
    [InlineData(669_706, 128, 32)]
    [InlineData(669_706, 1_000_000, 32)]
    [InlineData(669_706, int.MaxValue, 32)]
    [InlineData(20_000_000, 128, 32)]
    [InlineData(20_000_001, 128, 64)]
    [InlineData(20_000_001, 1000, 64)]
    [InlineData(20_000_001, 100, 50)]
    [InlineData(20_000_001, 1, 1)]
    public void DefaultMicroBatches(long parameters, int batch, int expected) =>
        Assert.Equal(expected, ExecutionPlan.DefaultMicroBatch(parameters, activations: 100_000, batch));

    [Theory]
    [InlineData(2_097_152, 128, 32)]
    [InlineData(2_097_153, 128, 16)]
    [InlineData(4_194_305, 128, 8)]
    [InlineData(1_000_000_000, 128, 8)]
    [InlineData(1_000_000_000, 64, 8)]
    [InlineData(1_000_000_000, 10, 5)]
    public void LargeActivationsMakeMicroBatchesSmaller(long activations, int batch, int expected) =>
        Assert.Equal(expected, ExecutionPlan.DefaultMicroBatch(669_706, activations, batch));

    [Theory]
    [InlineData("mlp", 32)]
    [InlineData("lenet5", 32)]
    [InlineData("convnet", 32)]
    [InlineData("resnet20", 32)]
    [InlineData("vgg11-cifar", 32)]
    [InlineData("densenet40", 8)]
    [InlineData("resnet18", 8)]
    [InlineData("alexnet", 64)]
    public void DefaultMicroBatchesOfNetworks(string name, int expected) =>
        Assert.Equal(expected, ExecutionPlan.DefaultMicroBatch(ModelCatalogue.Find(name), 128));
}
