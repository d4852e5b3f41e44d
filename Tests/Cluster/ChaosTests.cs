using Xunit;

namespace Distributed.Cluster;

/// <summary>The product's own proof: everything breaks and the weights are the same.</summary>
public sealed class ChaosTests : IDisposable
{
    private readonly RunDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [LinuxFact]
    public void AShortRunSurvivesEveryKindOfFault()
    {
        ProgramRun run = _directory.Start(
            Programs.Coordinator, ["chaos", "--faults", "8", "--epochs", "6", "--seed", "3"]);
        Assert.True(run.WaitForExit() == 0, run.Transcript);
        Assert.Contains("the weights are equal, bit by bit", run.Output);
        Assert.Contains("coordinator killed and checkpoint corrupted 1", run.Output);
        foreach (string name in (string[])["chaos-undisturbed", "chaos-disturbed"])
        {
            ProgramRun verified = _directory.Start(
                Programs.Coordinator, ["verify", Path.Combine("runs", name)]);
            Assert.True(verified.WaitForExit() == 0, verified.Transcript);
        }
    }
}
