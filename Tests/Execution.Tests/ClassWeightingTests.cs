using Distributed.Data;
using Distributed.Numerics;
using Distributed.Roles;
using Xunit;

namespace Distributed.Execution.Tests;

public class ClassWeightingTests
{
    private const string List = "0.5,1,2,0,3,1,1,1,1,1.25";

    private static readonly RunSpecification Weighted = TestRun.Data.Complete(TestRun.Specification("linear")) with
    {
        ClassWeights = List,
    };

    [Fact]
    public void BalancedClassesCountTheSameInAll()
    {
        float[] weights = ClassWeighting.Of(Weighted with { ClassWeights = "balanced" }, TestRun.Data)!;
        double[] sums = new double[10];
        foreach (int sample in TestRun.Data.Training)
            sums[TestRun.Data.Dataset.Train.Label(sample)] += weights[TestRun.Data.Dataset.Train.Label(sample)];
        Assert.All(sums, sum => Assert.Equal(TestRun.Data.Training.Length / 10.0, sum, 1e-2));
        Assert.Null(ClassWeighting.Of(Weighted with { ClassWeights = "" }, TestRun.Data));
    }

    [Fact]
    public void AListHasAWeightAClass()
    {
        Assert.Equal([0.5f, 1, 2, 0, 3, 1, 1, 1, 1, 1.25f], ClassWeighting.Of(Weighted, TestRun.Data)!);
        SpecificationException error = Assert.Throws<SpecificationException>(
            () => TestRun.Data.Complete(Weighted with { ClassWeights = "1,2" }));
        Assert.Equal("There are 2 class weights and digits has 10 classes: give one a class.", error.Message);
        Assert.All(["", "1,", "1,-1", "1,x", "0,0", "NaN"], text => Assert.Null(ClassWeighting.Numbers(text)));
    }

    [Fact]
    public void AStepWeighsWhatItsSamplesWeigh()
    {
        StepWeights weights = StepWeights.For(Weighted, TestRun.Data)!;
        float[] classes = ClassWeighting.Of(Weighted, TestRun.Data)!;
        int[] order = new int[TestRun.Data.Training.Length];
        int steps = Weighted.StepsPerEpoch;

        // The last step of an epoch is short; asked for out of order, as after a resume, it is the same.
        foreach (int step in (int[])[1, steps, steps + 2, 3])
        {
            (int epoch, int inEpoch) = Math.DivRem(step - 1, steps);
            EpochShuffle.Permute(Weighted.Seed, epoch, TestRun.Data.Training, order);
            IEnumerable<int> samples = order.Skip(inEpoch * Weighted.Batch).Take(Weighted.Batch);
            double expected = samples.Sum(sample => (double)classes[TestRun.Data.Dataset.Train.Label(sample)]);
            Assert.Equal(expected, weights.Of(step), 1e-9);
        }
    }

    [Fact]
    public void TheGradientIsDividedByTheWeights()
    {
        using ParameterStore store = new(Weighted, 1) { Weights = StepWeights.For(Weighted, TestRun.Data) };
        using NativeBuffer momentum = new(store.Layout.Length);
        float[] expected = store.Parameters.ToArray(), gradient = new float[store.Layout.GradientLength];
        foreach (Learning.ParameterEntry entry in store.Layout.Trainable)
            gradient.AsSpan(entry.Offset, entry.Length).Fill(0.25f);
        BufferId buffer = store.RentGradient()!.Value;
        gradient.CopyTo(store.Gradient(buffer));
        store.Step(1, TestRun.Batch, 0, buffer);

        float scale = (float)(1 / StepWeights.For(Weighted, TestRun.Data)!.Of(1));
        new Learning.ParameterUpdate(Weighted.Optimizer, store.Layout).Step(
            1, scale, Weighted.Rate(1, 0), expected, gradient, new[] { momentum });
        TestRun.SameBits(expected, store.Parameters);
    }

    [Fact]
    public void AWorkerWeighsItsSamples()
    {
        using WorkerExecution plain = TestRun.Open("linear", threads: 1);
        using WorkerExecution doubled = TestRun.Open(
            Weighted with { ClassWeights = "2,2,2,2,2,2,2,2,2,2" }, threads: 1);
        BufferId buffer = new(0);
        double[] losses = [.. new[] { plain, doubled }.Select(execution =>
        {
            execution.EnsureBuffer(buffer);
            execution.EnsureEpoch(0);
            return execution.Compute(0, 0, 0, 4, buffer).LossSum;
        })];
        Assert.Equal(2 * losses[0], losses[1], 1e-9);
        for (int i = 0; i < plain.GradientLength; i++)
            Assert.Equal(2 * plain.Gradient(buffer)[i], doubled.Gradient(buffer)[i], 1e-5f);
    }
}
