using Xunit;

namespace Distributed.Coordinator.Tests;

/// <summary>Step times that can be worked out by hand, and what must hold whatever things cost.</summary>
public sealed class ScaleSimulationTests
{
    private const int Batch = 128, MicroBatch = 32;

    /// <summary>Only compute and the server's arithmetic cost something; whole multiples of a microsecond.</summary>
    private static readonly CostModel Free = new()
    {
        PassSeconds = [4e-3],
        PrepareSeconds = 200e-6,
        AddSeconds = 30e-6,
        OptimizerSeconds = 70e-6,
        CopySeconds = 20e-6,
        GradientBytes = 1_000_000,
        ParameterBytes = 2_000_000,
        Network = new NetworkCost(double.PositiveInfinity, 0),
    };

    private static readonly CostModel Usual = Free with
    {
        HandOverSeconds = 25e-6,
        MessageSeconds = 4e-6,
        Network = new NetworkCost(1.25e9, 50e-6),
    };

    [Fact]
    public void OneWorkersStepIsComputeAndTheServersTime()
    {
        // Four micro-batches one after the other, three additions at the worker, then the server's step and copy.
        AssertSeconds(200e-6 + 4 * 4e-3 + 3 * 30e-6 + 70e-6 + 20e-6, Run(Free, 1));

        // The same, and one gradient up, the parameters down, a message each way beside them and one for the step.
        double transfers = 1e6 / 1.25e9 + 2e6 / 1.25e9;
        StepFigures step = Run(Usual, 1);
        Assert.Equal(transfers, step.Link, 9);
        AssertSeconds(
            200e-6 + 4 * 4e-3 + 3 * 30e-6 + 70e-6 + 20e-6 + transfers
            + 2 * (25e-6 + 50e-6) + 2 * 4e-6, step);
        Assert.Equal("compute", step.Bound);
    }

    [Fact]
    public void AWorkerForEachMicroBatchWithoutAnyNetworkTakesOneMicroBatch()
    {
        // The four gradients are there at once: three additions on the server's one thread.
        AssertSeconds(200e-6 + 4e-3 + 3 * 30e-6 + 70e-6 + 20e-6, Run(Free, 4));
        AssertSeconds(200e-6 + 4e-3 + 3 * 30e-6 + 70e-6 + 20e-6, Run(Free, 16));
    }

    [Fact]
    public void TheServersLinkCarriesOneTransferAfterTheOther()
    {
        CostModel slow = Free with
        {
            AddSeconds = 0,
            OptimizerSeconds = 0,
            CopySeconds = 0,
            PrepareSeconds = 0,
            Network = new NetworkCost(1e9, 0),
        };

        // Parameters reach the last of four workers after 8 ms; the others' gradients of 1 ms are up by then.
        AssertSeconds(4 * 2e-3 + 4e-3 + 1e-3, Run(slow, 4));
        Assert.Equal(4 * 2e-3 + 4 * 1e-3, Run(slow, 4).Link, 9);
        Assert.Equal("server's link", Run(slow, 64, Batch * 16).Bound);
    }

    [Fact]
    public void WorkersOfOneHostShareItsCores()
    {
        CostModel host = Free with { Network = null, Cores = 2, Slowdown = [1, 1.25], PrepareSeconds = 0 };
        double server = 30e-6 + 70e-6 + 20e-6;
        AssertSeconds(1.25 * 2 * 4e-3 + 30e-6 + server, Run(host, 2));

        // Four jobs on two cores take twice as long; then the server adds three times.
        AssertSeconds(1.25 * 2 * 4e-3 + 2 * 30e-6 + server, Run(host, 4));
    }

    /// <summary>Threads of one worker add what they computed, and a pass takes several micro-batches.</summary>
    [Fact]
    public void ThreadsAndPassesCount()
    {
        double server = 70e-6 + 20e-6;
        AssertSeconds(100e-6 + 2 * 4e-3 + 3 * 30e-6 + server, Run(Free with { Threads = 2, Slowdown = [1, 1] }, 1));
        AssertSeconds(200e-6 + 15e-3 + server, Run(Free with { PassSeconds = [4e-3, 7.5e-3, 15e-3] }, 1));
        Assert.Equal(11.25e-3, (Free with { PassSeconds = [4e-3, 7.5e-3, 15e-3] }).Pass(3), 9);
    }

    [Fact]
    public void NoWorkerOfManyDoesMoreThanOneAlone()
    {
        foreach (Scaling scaling in (Scaling[])[Scaling.Weak, Scaling.Strong])
        {
            double before = double.PositiveInfinity;
            foreach (ScaleRow row in ScaleTable.Predict(
                Usual, Batch, MicroBatch, [1, 2, 4, 8, 32, 128, 512, 4096], scaling, seed: 1))
            {
                Assert.InRange(row.Efficiency, 0, before + 1e-9);
                if (row.Workers == 1) Assert.Equal(1, row.Efficiency, 9);
                before = row.Efficiency;
            }
        }
    }

    /// <summary>The stand-in of many workers' coordinator is nothing but faster to simulate.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(3, 1)]
    [InlineData(4, 4)]
    [InlineData(8, 8)]
    [InlineData(16, 1)]
    [InlineData(32, 32)]
    [InlineData(64, 64)]
    public void TheStandInTakesTheStepsOfTheRole(int workers, int times)
    {
        foreach (CostModel cost in (CostModel[])[Usual, Free, Usual with { Threads = 2, Slowdown = [1, 1] }])
        {
            StepFigures role = ScaleSimulation.Run(cost, Batch * times, MicroBatch, workers, 9, 1, hasStandIn: false);
            Assert.Equal(
                role, ScaleSimulation.Run(cost, Batch * times, MicroBatch, workers, 9, 1, hasStandIn: true));
        }
    }

    [Fact]
    public void TheSeedSaysWhoIsSlowAndTheSameSeedSaysTheSame()
    {
        CostModel quick = Usual with { GradientBytes = 100_000, ParameterBytes = 100_000 };
        CostModel slow = quick with { Stragglers = new StragglerCost(0.1, 5) };
        Assert.Equal(Lines(seed: 1), Lines(seed: 1));
        Assert.NotEqual(Lines(seed: 1), Lines(seed: 2));
        StepFigures steps = ScaleSimulation.Run(slow, Batch * 32, MicroBatch, 32, 20);
        Assert.Equal("stragglers", steps.Bound);
        Assert.InRange(steps.Seconds, Run(quick, 32, Batch * 32).Seconds * 2, Run(quick, 32, Batch * 32).Seconds * 5);

        // All of them always slow is compute that takes five times as long.
        AssertSeconds(
            Run(Free with { PassSeconds = [20e-3] }, 2).Seconds,
            Run(Free with { Stragglers = new StragglerCost(1, 5) }, 2));

        string[] Lines(ulong seed) =>
            [.. ScaleTable.Predict(slow, Batch, MicroBatch, [2, 16], Scaling.Weak, seed).Select(ScaleTable.Line)];
    }

    [Fact]
    public void TheChartShowsEveryRow()
    {
        ScaleRow[] rows = [.. ScaleTable.Predict(Usual, Batch, MicroBatch, [1, 2, 16], Scaling.Weak, seed: 1)];
        byte[] some = ScaleChart.Draw(rows).Pixels;
        Assert.Equal(some, ScaleChart.Draw(rows).Pixels);
        Assert.NotEqual(some, ScaleChart.Draw([rows[0], rows[2]]).Pixels);
    }

    private static StepFigures Run(CostModel cost, int workers, int batch = Batch) =>
        ScaleSimulation.Run(cost, batch, MicroBatch, workers, steps: 6);

    private static void AssertSeconds(double expected, StepFigures step) => Assert.Equal(expected, step.Seconds, 8);
}
