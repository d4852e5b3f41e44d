using Xunit;

namespace Distributed.Cluster;

/// <summary>
/// A run with a moving average, adaptive moments, clipping, class weights, a frozen layer or augmentation, and a
/// schedule that watches the loss has the same bits whoever does the work, and when it was killed in between.
/// </summary>
public sealed class RulesOfUpdateTests : IDisposable
{
    private const string Common =
        "--epochs 3 --class-weights balanced --schedule plateau:patience=0:threshold=0.9 --ema 0.95 ";

    private readonly RunDirectory _whole = new();
    private readonly RunDirectory _killed = new();

    public void Dispose()
    {
        _whole.Dispose();
        _killed.Dispose();
    }

    /// <summary>The second one is killed after the rate was reduced.</summary>
    [LinuxTheory]
    [InlineData(95, "--optimizer lamb --decay-exclude bias --clip-norm 0.5 --freeze 3.* --warmup 0.5")]
    [InlineData(
        160, $"--model {MixedModel.File} --optimizer adamw --clip-value 0.01 --augment rotate:8,cutout:6")]
    public void AKilledRunEndsWithTheBitsOfOneThatWasNot(int step, string rules)
    {
        string[] settings = (Common + rules).Split(' ');
        ProgramRun whole = _whole.Train([.. settings, "--workers", "1"]);
        Assert.True(whole.WaitForExit() == 0, whole.Transcript);
        _killed.TrainKilledAt(step, settings);

        RunOutcome expected = _whole.Outcome, outcome = _killed.Outcome;
        Assert.Equal((expected.Weights, expected.BestWeights), (outcome.Weights, outcome.BestWeights));
        Assert.NotEqual(outcome.Weights, outcome.BestWeights);
        Assert.Equal(expected.TestAccuracy, outcome.TestAccuracy);
        Assert.Equal(_whole.Metrics(), _killed.Metrics());

        ProgramRun verified = _killed.Start(Programs.Coordinator, ["verify", _killed.RunPath]);
        Assert.True(verified.WaitForExit() == 0, verified.Transcript);
    }
}
