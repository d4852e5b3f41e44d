using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Xunit;

namespace Distributed.Roles.Tests;

public sealed class EvaluationRoundTests
{
    private const int MicroBatch = 3;

    [Theory]
    [InlineData(1)]
    [InlineData(24)]
    [InlineData(25)]
    [InlineData(100)]
    public void The_score_is_the_same_bits_in_any_order(int samples)
    {
        double? expected = null;
        for (int seed = 0; seed < 10; seed++)
        {
            EvaluationRound round = new(1, DataSplit.Validation, new ParameterVersion(1), samples, MicroBatch);
            List<EvaluationPart> parts = [];
            while (round.TryNext(out EvaluationPart part)) parts.Add(part);
            EvaluationPart[] order = [.. parts];
            new Random(seed).Shuffle(order);
            foreach (EvaluationPart part in order) Assert.True(round.Accept(Result(part), 1));
            Assert.True(round.IsComplete);
            EvaluationScore score = round.Score();
            expected ??= score.Loss;
            Assert.Equal(expected, score.Loss);
            Assert.Equal(parts.Count, score.Correct);
            Assert.Equal(Enumerable.Range(0, samples), score.Predictions);
        }
    }

    [Fact]
    public void Losses_are_added_along_the_canonical_tree()
    {
        EvaluationRound round = new(1, DataSplit.Test, new ParameterVersion(1), 5, 1);
        Assert.True(round.TryNext(out EvaluationPart part));
        double[] losses = [1e16, 1, -1e16, 3, 0.1];
        round.Accept(new EvaluationResult(new Fence(1), 1, part.First, part.Count, losses, new int[5], 0), 0);
        Assert.Equal((losses[0] + losses[1] + (losses[2] + losses[3]) + losses[4]) / 5, round.Score().Loss);
    }

    [Fact]
    public void Duplicates_and_parts_that_do_not_fit_are_not_counted()
    {
        EvaluationRound round = new(1, DataSplit.Test, new ParameterVersion(1), 30, MicroBatch);
        Assert.True(round.TryNext(out EvaluationPart part));
        EvaluationResult good = Result(part);
        Assert.False(round.Accept(good with { First = 1 }, 1));
        Assert.False(round.Accept(good with { First = -24 }, 1));
        Assert.False(round.Accept(good with { First = 48 }, 1));
        Assert.False(round.Accept(good with { Count = part.Count - 1 }, 1));
        Assert.False(round.Accept(good with { Losses = [1] }, 1));
        Assert.False(round.Accept(good with { Predictions = [1] }, 1));
        Assert.Equal(0, round.Scored);
        Assert.True(round.Accept(good, 1));
        Assert.False(round.Accept(good, 1));
        Assert.Equal(part.Count, round.Scored);
    }

    [Fact]
    public void A_returned_part_is_handed_out_again_unless_it_was_scored()
    {
        EvaluationRound round = new(1, DataSplit.Test, new ParameterVersion(1), 30, MicroBatch);
        Assert.True(round.TryNext(out EvaluationPart first));
        Assert.True(round.TryNext(out EvaluationPart second));
        Assert.False(round.TryNext(out _));
        round.Return(first);
        round.Return(second);
        round.Accept(Result(first), 0);
        Assert.True(round.TryNext(out EvaluationPart again));
        Assert.Equal(second, again);
        Assert.False(round.TryNext(out _));
    }

    private static EvaluationResult Result(EvaluationPart part)
    {
        int leaves = (part.Count + MicroBatch - 1) / MicroBatch;
        double[] losses = [.. Enumerable.Range(0, leaves).Select(i => 0.1 * (part.First + i) + 1e-9 * i)];
        return new EvaluationResult(
            new Fence(1), 1, part.First, part.Count, losses, [.. Enumerable.Range(part.First, part.Count)],
            part.Count);
    }
}
