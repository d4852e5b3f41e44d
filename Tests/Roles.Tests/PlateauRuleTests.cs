using Distributed.Roles.Coordinator;
using Xunit;

namespace Distributed.Roles.Tests;

public sealed class PlateauRuleTests
{
    /// <summary>The losses and rates stand in Tests/Learning.Tests/Fixtures/optimizers.json, from PyTorch.</summary>
    [Fact]
    public void Reductions_are_those_of_pytorch()
    {
        double[] losses = [1.0, 0.5, 0.5, 0.49999, 0.6, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.3];
        Assert.Equal([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3], Count(new PlateauRule(2, 1e-4), losses));
        losses = [1.0, 0.95, 0.91, 0.9, 0.85, 0.5, 0.5, 0.5, 0.4];
        Assert.Equal([0, 1, 2, 3, 3, 3, 4, 5, 5], Count(new PlateauRule(0, 0.1), losses));
    }

    [Fact]
    public void Without_validation_the_training_loss_counts_and_a_loss_that_is_no_number_is_no_better()
    {
        PlateauRule rule = new(0, 0);
        EpochRecord[] training = [Record(1, 2, double.NaN), Record(2, 1, double.NaN), Record(3, 1, double.NaN)];
        Assert.Equal(1, rule.Reductions(training));
        EpochRecord[] broken = [Record(1, double.NaN, double.NaN), Record(2, double.NaN, double.NaN)];
        Assert.Equal(2, rule.Reductions(broken));
        Assert.Equal(0, rule.Reductions([]));
    }

    private static int[] Count(PlateauRule rule, double[] losses)
    {
        EpochRecord[] history = [.. losses.Select((loss, i) => Record(i + 1, 9, loss))];
        return [.. Enumerable.Range(1, losses.Length).Select(epochs => rule.Reductions(history[..epochs]))];
    }

    private static EpochRecord Record(int epoch, double train, double validation) =>
        new(epoch, epoch, train, 0.5, validation, 0.5, 10);
}
