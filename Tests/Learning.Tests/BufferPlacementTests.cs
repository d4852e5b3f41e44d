using Distributed.Numerics;
using Xunit;

namespace Distributed.Learning.Tests;

public sealed class BufferPlacementTests
{
    [Fact]
    public void LiveBuffersNeverOverlap()
    {
        for (var trial = 0; trial < 300; trial++)
        {
            var lives = RandomLives(trial);
            var placement = BufferPlacement.Place(lives);
            for (var i = 0; i < lives.Length; i++)
            {
                Assert.Equal(0, placement.Offsets[i] % BufferPlacement.Alignment);
                if (!lives[i].IsUsed)
                    continue;
                Assert.True(placement.Offsets[i] + lives[i].Length <= placement.Length, $"trial {trial}: {i} too far");
                for (var j = 0; j < i; j++)
                {
                    var apart = placement.Offsets[i] + lives[i].Length <= placement.Offsets[j]
                        || placement.Offsets[j] + lives[j].Length <= placement.Offsets[i];
                    var together = lives[j].IsUsed && lives[i].Overlaps(lives[j]);
                    Assert.True(apart || !together, $"trial {trial}: {i} on {j}");
                }
            }
        }
    }

    [Fact]
    public void DeadBuffersGiveTheirPlaceAway()
    {
        var placement = BufferPlacement.Place([new(100, 0, 1), new(100, 2, 3), new(50, 1, 2), new(70, 3, 3)]);
        Assert.Equal(placement.Offsets[0], placement.Offsets[1]);
        Assert.Equal(112 + 80, placement.Length); // 100 and 70 floats, each up to a multiple of 16
    }

    [Fact]
    public void TooLongAnArenaIsRefused() =>
        Assert.Throws<OverflowException>(() => BufferPlacement.Place([new(1L << 30, 0, 1), new(1L << 30, 0, 1)]));

    [Theory]
    [InlineData("convnet")]
    [InlineData("lenet5")]
    [InlineData("mlp")]
    public void EvaluatingNeedsASmallerArena(string name)
    {
        var plan = ExecutionPlan.Compile(ModelCatalogue.Find(name), 32);
        Assert.True(plan.EvaluationArenaBytes < plan.ArenaBytes);
    }

    /// <summary>
    /// A step that forgets to name a buffer it touches would corrupt another's content: with every buffer in a place of
    /// its own, and garbage in the arena, the bits must be the same.
    /// </summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void SharingMemoryChangesNoBit(string name)
    {
        const int Samples = 5;
        using var shared = new PlanRun(TestModels.Find(name), Samples);
        var end = 0;
        var offsets = new List<int>();
        foreach (var buffer in shared.Plan.Buffers)
        {
            offsets.Add(end);
            end += (buffer.Length(Samples) + 31) / 16 * 16;
        }
        using var apart = new PlanRun(TestModels.Find(name), Samples, new BufferPlacement([.. offsets], end));
        foreach (var run in new[] { shared, apart })
        {
            ((HostWorkspace)run.Workspace).Arena.Fill(float.NaN);
            run.Gradient.Span.Fill(float.NaN);
            run.Load(first: 0, Samples);
            Assert.Equal(Samples, run.Train(Samples, 0.1f).Samples);
        }
        Assert.Equal(apart.LogitBits(), shared.LogitBits());
        Assert.Equal(apart.GradientBits(), shared.GradientBits());
        Assert.True(Elementwise.AllFinite(shared.Gradient.Span));
    }

    public static TheoryData<string> Models => TestModels.Names;

    private static BufferLife[] RandomLives(int trial)
    {
        var random = new CounterRandom(seed: 3, RandomPurpose.Test, sample: trial);
        var lives = new BufferLife[1 + random.Integer(0, 40)];
        for (var i = 0; i < lives.Length; i++)
        {
            var draw = (uint)(4 * i + 4);
            var first = random.Integer(draw, 30);
            lives[i] = new BufferLife(random.Integer(draw + 1, 1000), first, first + random.Integer(draw + 2, 12) - 1);
        }
        return lives;
    }
}
