using System.Runtime.InteropServices;
using Distributed.Learning;
using Distributed.Numerics;
using Distributed.Roles;
using Distributed.Tests;
using Xunit;

namespace Distributed.Execution.Tests;

public class ParameterStoreTests
{
    private static readonly RunSpecification Specification = TestRun.Specification("lenet5") with
    {
        Data = new DataSpecification { Name = "digits", Validation = 0.1, TrainingSamples = 50 },
        Schedule = new CosineSchedule(0.4),
    };

    [Fact]
    public void ParametersStartAsTheSeedSays()
    {
        using ParameterStore store = new(Specification, 1);
        float[] expected = Initial();
        Assert.Contains(expected, value => value != 0);
        TestRun.SameBits(expected, store.Parameters);
        TestRun.SameBits(expected, store.Best);
    }

    [Fact]
    public void AStepIsTheOptimizersAtTheRateOfThatStep()
    {
        using ParameterStore store = new(Specification, 1);
        using NativeBuffer momentum = new(store.Layout.Length);
        float[] expected = Initial();
        foreach ((long step, int samples) in ((long, int)[])[(1, 22), (2, 22), (3, 6), (4, 22)])
        {
            float[] gradient = Gradient(store.Layout.Length, (int)step);
            double rate = Specification.Schedule.Rate(new SchedulePoint(step - 1, 9, 3), Specification.LearningRate);
            Specification.Optimizer.Step(
                new OptimizerStep(0, expected.Length, true, step, 1f / samples, rate), expected, gradient,
                new[] { momentum });

            BufferId buffer = store.RentGradient()!.Value; // the only one: a step gives it back
            gradient.CopyTo(store.Gradient(buffer));
            store.Step(step, samples, 0, buffer);
            TestRun.SameBits(expected, store.Parameters);
            TestRun.SameBits(momentum.Span, store.State(0));
        }

        TestRun.SameBits(Initial(), store.Best);
        store.KeepBest();
        TestRun.SameBits(expected, store.Best);
    }

    [Fact]
    public void TheAverageFollowsTheParametersAndIsWhatIsKept()
    {
        using ParameterStore store = new(Specification with { Ema = 0.9 }, 1);
        float[] average = Initial();
        TestRun.SameBits(average, store.Evaluated);
        for (int step = 1; step <= 3; step++)
        {
            BufferId buffer = store.RentGradient()!.Value;
            Gradient(store.Layout.Length, step).CopyTo(store.Gradient(buffer));
            store.Step(step, 22, 0, buffer);

            // The decay is (1 + step) / (10 + step) while that is below 0.9.
            float share = (float)(1 - (1.0 + step) / (10.0 + step));
            for (int i = 0; i < average.Length; i++)
                average[i] = MathF.FusedMultiplyAdd(share, store.Parameters[i] - average[i], average[i]);
        }

        TestRun.SameBits(average, store.Evaluated);
        TestRun.SameBits(average, store.Choose(ParameterChoice.Average));
        TestRun.SameBits(average, store.State(1));
        store.KeepBest();
        TestRun.SameBits(average, store.Choose(ParameterChoice.Best));
        TestRun.SameBits(store.Parameters, store.Choose(ParameterChoice.Current));
        Assert.Equal(0.1f, new WeightAverage(0.9).Share(1000), 1e-7f);
    }

    [Fact]
    public void RunningStatisticsMoveOnceAStepByThoseOfAllSamples()
    {
        using WorkerExecution worker = TestRun.Open("norm", threads: 1);
        using ParameterStore store = new(TestRun.Specification("norm"), 2);
        worker.EnsureEpoch(0);
        BufferId[] sums = new BufferId[2];
        for (int i = 0; i < sums.Length; i++)
        {
            worker.EnsureBuffer(new BufferId(i));
            worker.Compute(0, 0, i * TestRun.MicroBatch, TestRun.MicroBatch, new BufferId(i));
            sums[i] = store.RentGradient()!.Value;
            worker.Gradient(new BufferId(i)).CopyTo(store.Gradient(sums[i]));
        }

        float[][] means = [.. sums.Select(sum => Means(store, sum))];
        store.Add(sums[0], sums[1]);
        store.Step(1, 2 * TestRun.MicroBatch, 0, sums[0]);
        ParameterEntry mean = store.Layout.Find("1.running_mean")!;
        for (int channel = 0; channel < mean.Length; channel++)
        {
            float expected = 0.1f * (means[0][channel] + means[1][channel]) / 2;
            Assert.Equal(expected, store.Parameters[mean.Offset + channel], 1e-6);
        }

        Assert.DoesNotContain(1f, store.Parameters.Slice(store.Layout.Find("1.running_var")!.Offset, 8).ToArray());

        // The first layer's statistics come first: a count, then its eight means.
        static float[] Means(ParameterStore store, BufferId gradient)
        {
            ReadOnlySpan<float> statistics = store.Gradient(gradient)[store.Layout.TrainableLength..];
            return [.. MemoryMarshal.Cast<float, double>(statistics)[1..9].ToArray().Select(value => (float)value)];
        }
    }

    [Fact]
    public void LinksHoldNoMoreGradientsThanAllowed()
    {
        using ParameterStore store = new(Specification, 3);
        BufferId[] rented = [.. Enumerable.Range(0, 3).Select(_ => store.RentGradient()!.Value)];
        Assert.Equal(3, rented.Distinct().Count());
        Assert.Null(store.RentGradient());
        store.ReleaseGradient(rented[1]);
        Assert.Equal(rented[1], store.RentGradient());
        Assert.Null(store.RentGradient());
        store.Add(rented[0], rented[2]); // frees the source, not the destination
        Assert.Equal(rented[2], store.RentGradient());
        Assert.Null(store.RentGradient());
    }

    [Fact]
    public void ABorrowedGradientIsReturnedWhenItHasBeenAdded()
    {
        using ParameterStore store = new(Specification, 1);
        LentBlock left = new(store.Layout.Length), right = new(store.Layout.Length);
        left.Span.Fill(1);
        right.Span.Fill(2);
        BufferId own = store.RentGradient()!.Value; // what is lent doesn't count
        BufferId sum = store.Borrow(left), added = store.Borrow(right);
        Assert.Equal(3, ((BufferId[])[own, sum, added]).Distinct().Count());
        store.Add(sum, added);
        Assert.Equal((0, 1), (left.Returns, right.Returns));
        Assert.Equal(3, store.Gradient(sum)[0]);
        Assert.Equal(added, store.Borrow(right)); // the name is free again
        store.ReleaseGradient(added);
        store.Step(1, 22, 0, sum);
        Assert.Equal((1, 2), (left.Returns, right.Returns));
        Assert.Null(store.RentGradient());
    }

    [Fact]
    public void ASumIsOfItsTwoBuffers()
    {
        using ParameterStore store = new(Specification, 2);
        BufferId left = store.RentGradient()!.Value, right = store.RentGradient()!.Value;
        float[] first = Gradient(store.Layout.Length, 1), second = Gradient(store.Layout.Length, 2);
        first.CopyTo(store.Gradient(left));
        second.CopyTo(store.Gradient(right));
        store.Add(left, right);
        TestRun.SameBits([.. first.Zip(second, (x, y) => x + y)], store.Gradient(left));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void TheFirstLayerWithoutANumberIsNamed(float value)
    {
        using ParameterStore store = new(Specification, 1);
        BufferId gradient = store.RentGradient()!.Value;
        Assert.Equal("the loss itself", store.FirstNotFinite(gradient));
        ParameterEntry first = store.Layout.Find("0.bias")!, later = store.Layout.Find("9.weight")!;
        store.Gradient(gradient)[later.Offset + later.Length - 1] = value;
        Assert.Equal("9.weight", store.FirstNotFinite(gradient));
        store.Gradient(gradient)[first.Offset] = value;
        Assert.Equal("0.bias", store.FirstNotFinite(gradient));
        store.Parameters[later.Offset] = value; // parameters come before any gradient
        Assert.Equal("9.weight", store.FirstNotFinite(gradient));
    }

    [Fact]
    public void StepsAllocateNothing()
    {
        using ParameterStore store = new(Specification, 2);
        Round(1);
        Round(2);
        long next = 3;
        Assert.Equal(0, Allocation.Least(() => Round(next++)));

        void Round(long step)
        {
            BufferId left = store.RentGradient()!.Value, right = store.RentGradient()!.Value;
            store.Add(left, right);
            store.Step(step, 22, 0, left);
        }
    }

    private sealed class LentBlock(int length) : ILentBlock
    {
        private readonly float[] _floats = new float[length];

        public int Returns { get; private set; }

        public Span<float> Span => _floats;

        public void Return() => Returns++;
    }

    private static float[] Initial()
    {
        ParameterLayout layout = ParameterLayout.Of(Specification.Model);
        float[] parameters = new float[layout.Length];
        layout.Initialize(Specification.Seed, parameters);
        return parameters;
    }

    /// <summary>Numbers in every parameter's place and zeros between them.</summary>
    private static float[] Gradient(int length, int seed)
    {
        Random random = new(seed);
        float[] gradient = new float[length];
        foreach (ParameterEntry entry in ParameterLayout.Of(Specification.Model).Entries)
        {
            for (int i = 0; i < entry.Length; i++) gradient[entry.Offset + i] = random.NextSingle() - 0.5f;
        }

        return gradient;
    }
}
