using Distributed.Cluster.Native;
using Xunit;

namespace Distributed.Cluster;

/// <summary>
/// A network with batch norm, a residual block, a concatenation and dropout ends with the same bits, running statistics
/// and all, whoever does the work and whatever becomes of them.
/// </summary>
public sealed class NetworkSameBitsTests(NetworkReference reference) : IClassFixture<NetworkReference>, IDisposable
{
    private readonly RunDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("2", "1")]
    [InlineData("1", "2")]
    public void AnyNumberOfWorkersAndThreads(string workers, string threads) =>
        Finish(_directory.Train([.. NetworkReference.Settings, "--workers", workers, "--threads", threads]));

    [Fact]
    public void TensorsThatTravelOverSockets() => Finish(_directory.Start(
        Programs.Coordinator, RunDirectory.Command(NetworkReference.Settings), ("DISTRIBUTED_SHARED_MEMORY", "0")));

    [LinuxFact]
    public void AWorkerThatIsKilledInTheMiddleOfAnEpoch()
    {
        ProgramRun run = _directory.Train(NetworkReference.Settings);
        _directory.WaitForStep(10, run);
        SystemCalls.Signal(run.Workers()[0], SystemCalls.Kill);
        Finish(run);
        Assert.Equal(1, _directory.Outcome.Restarts);
    }

    [LinuxFact]
    public void ACoordinatorThatIsKilled()
    {
        _directory.TrainKilledAt(step: 30, NetworkReference.Settings);
        reference.RequireSame(_directory);
    }

    private void Finish(ProgramRun run)
    {
        Assert.True(run.WaitForExit() == 0, run.Transcript);
        reference.RequireSame(_directory);
    }
}

/// <summary>The run by one worker of one thread, undisturbed.</summary>
public sealed class NetworkReference : IDisposable
{
    private readonly RunDirectory _directory = new();

    public NetworkReference()
    {
        ProgramRun run = _directory.Train([.. Settings, "--workers", "1"]);
        Assert.True(run.WaitForExit() == 0, run.Transcript);
    }

    /// <summary>The settings of every run: 142 steps of eleven micro-batches.</summary>
    internal static string[] Settings { get; } = ["--model", MixedModel.File, "--epochs", "2"];

    /// <summary>Requires that a finished run is the same in every bit.</summary>
    internal void RequireSame(RunDirectory other)
    {
        RunOutcome expected = _directory.Outcome, outcome = other.Outcome;
        Assert.Equal(("completed", expected.Weights), (outcome.Status, outcome.Weights));
        Assert.Equal(expected.BestWeights, outcome.BestWeights);
        Assert.Equal(outcome.SamplesExpected, outcome.SamplesApplied);
        Assert.Equal(_directory.Metrics(), other.Metrics());
    }

    public void Dispose() => _directory.Dispose();
}
