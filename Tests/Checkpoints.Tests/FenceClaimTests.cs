using Xunit;

namespace Distributed.Checkpoints.Tests;

/// <summary>Two coordinators must never write under one number.</summary>
public sealed class FenceClaimTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void EachIsAboveAllClaimsAndAllCheckpoints()
    {
        Assert.Equal(1, FenceClaim.Claim(_folder.Path).Number);
        FenceClaim second = FenceClaim.Claim(_folder.Path);
        Assert.Equal(2, second.Number);
        _folder.Write(Samples.Name(5, fence: 7), 1);
        Assert.False(second.IsHighest);
        Assert.Equal(8, FenceClaim.Claim(_folder.Path).Number);
    }

    [Fact]
    public void AnEarlierOneIsNotTheHighestAnyMore()
    {
        FenceClaim paused = FenceClaim.Claim(_folder.Path);
        Assert.True(paused.IsHighest);
        FenceClaim successor = FenceClaim.Claim(_folder.Path);
        Assert.False(paused.IsHighest);
        Assert.True(successor.IsHighest);
    }

    [Fact]
    public void ThoseThatClaimAtOnceGetDifferentNumbers()
    {
        int[] numbers = new int[32];
        Parallel.For(0, numbers.Length, i => numbers[i] = FenceClaim.Claim(_folder.Path).Number);
        Assert.Equal(numbers.Length, numbers.Distinct().Count());
    }

    [Fact]
    public void SaysThatTheFolderCannotBeWritten()
    {
        string path = Path.Combine(_folder.Write("file", 1), "in");
        Assert.Contains("checkpoints can't be written here",
            Assert.Throws<CheckpointException>(() => FenceClaim.Claim(path)).Message, StringComparison.Ordinal);
    }
}
