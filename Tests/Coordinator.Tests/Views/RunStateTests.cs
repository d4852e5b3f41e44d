using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Xunit;

namespace Distributed.Coordinator.Tests;

public sealed class RunStateTests
{
    [Fact]
    public void PausesForEvaluationsDoNotCountInTheSpeed()
    {
        RunState state = new(ViewSamples.Header);
        state.Add(ViewSamples.Step(1, 1) with { Seconds = 100 });
        Assert.Equal(0, state.SamplesPerSecond);
        state.Add(ViewSamples.Step(1, 2));
        Assert.Equal(64, state.SamplesPerSecond, 6);
        state.Add(new EvaluationAdvanced(DataSplit.Validation, 1, 10));
        state.Add(ViewSamples.Step(1, 3) with { Seconds = 100 });
        Assert.Equal(64, state.SamplesPerSecond, 6);
    }

    [Fact]
    public void TheTimeLeftIsThatOfTheSamplesLeft()
    {
        RunState state = new(ViewSamples.Header);
        Assert.Null(state.TimeLeft);
        state.Add(ViewSamples.Step(1, 1));
        state.Add(ViewSamples.Step(1, 2));

        // 300 samples in all, 64 done, at 64 a second.
        Assert.Equal(236 / 64.0, state.TimeLeft!.Value.TotalSeconds, 6);
    }

    [Theory]
    [InlineData(0, 1, 0)]
    [InlineData(3, 1, 3)]
    [InlineData(4, 2, 0)]
    [InlineData(12, 3, 4)]
    public void TheEpochFollowsFromTheStep(long step, int epoch, long stepInEpoch)
    {
        RunState state = new(ViewSamples.Header with { ResumedFromStep = step });
        Assert.Equal((epoch, stepInEpoch), (state.Epoch, state.StepInEpoch));
    }

    [Fact]
    public void AWorkerThatComesBackTakesItsLineAgain()
    {
        RunState state = new(ViewSamples.Header);
        state.Add(ViewSamples.Worker(1, "worker 1"));
        state.Add(ViewSamples.Worker(2, "worker 2"));
        state.Add([new WorkerShare("worker 1", 5), new WorkerShare("worker 2", 7)]);
        state.Add(ViewSamples.Worker(1, "worker 1", WorkerStanding.Gone, "killed"));
        state.Add(ViewSamples.Worker(3, "worker 1"));

        Assert.Equal(
        [
            new WorkerLine("worker 2", WorkerStanding.Active, "", 7),
            new WorkerLine("worker 1", WorkerStanding.Active, "", 5),
        ], state.Workers);

        state.Add([new WorkerShare("worker 1", 9)]);
        Assert.Equal(9, state.Workers.Last().MicroBatches);
    }
}
