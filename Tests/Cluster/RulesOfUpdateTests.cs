using Distributed.Cluster.Native;
using Xunit;

namespace Distributed.Cluster;

/// <summary>
/// A run with a moving average, adaptive moments, clipping, class weights, a frozen layer and a schedule that watches
/// the loss has the same bits whoever does the work, and when it was killed in between.
/// </summary>
public sealed class RulesOfUpdateTests : IDisposable
{
    private static readonly string[] Rules =
    [
        "--optimizer", "lamb", "--decay-exclude", "bias", "--clip-norm", "0.5", "--ema", "0.95", "--class-weights",
        "balanced", "--freeze", "3.*", "--schedule", "plateau:patience=0:threshold=0.9", "--warmup", "0.5",
        "--epochs", "3",
    ];

    private readonly RunDirectory _whole = new();
    private readonly RunDirectory _killed = new();

    public void Dispose()
    {
        _whole.Dispose();
        _killed.Dispose();
    }

    [LinuxFact]
    public void AKilledRunEndsWithTheBitsOfOneThatWasNot()
    {
        Finish(_whole.Train([.. Rules, "--workers", "1"]));
        ProgramRun killed = _killed.Train([.. Rules, "--checkpoint-every", "10"]);
        _killed.WaitForStep(95, killed);
        IReadOnlyList<int> workers = killed.Workers();
        killed.Signal(SystemCalls.Kill);
        killed.WaitForExit(workers);
        Finish(_killed.Train([.. Rules, "--checkpoint-every", "10"]));

        RunOutcome expected = _whole.Outcome, outcome = _killed.Outcome;
        Assert.InRange(outcome.ResumedFromStep, 80, 212);
        Assert.Equal((expected.Weights, expected.BestWeights), (outcome.Weights, outcome.BestWeights));
        Assert.NotEqual(outcome.Weights, outcome.BestWeights);
        Assert.Equal(expected.TestAccuracy, outcome.TestAccuracy);
        Assert.Equal(_whole.Metrics(), _killed.Metrics());

        ProgramRun verified = _killed.Start(Programs.Coordinator, ["verify", _killed.RunPath]);
        Assert.True(verified.WaitForExit() == 0, verified.Transcript);
    }

    private static void Finish(ProgramRun run) => Assert.True(run.WaitForExit() == 0, run.Transcript);
}
