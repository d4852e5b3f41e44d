using Xunit;

namespace Distributed.Cluster;

/// <summary>A run that was killed, and whose checkpoints suffered as well, ends with the same bits.</summary>
[Collection(ReferenceCollection.Name)]
public sealed class BrokenCheckpointTests(ReferenceRun reference)
{
    public enum Damage
    {
        CutOff,
        BitFlipped,
        Empty,
    }

    [Theory]
    [InlineData(Damage.CutOff)]
    [InlineData(Damage.BitFlipped)]
    [InlineData(Damage.Empty)]
    public void TheNewestSoundOneIsTakenAndThatIsSaid(Damage damage)
    {
        using RunDirectory directory = reference.CopyOfKilled();
        string newest = directory.NewestCheckpoint();
        Break(newest, damage);
        ProgramRun run = Finish(directory);
        Assert.Contains(Path.GetFileName(newest), run.Output);
        Assert.InRange(
            directory.Outcome.ResumedFromStep, ReferenceRun.KilledAfterStep - 30, ReferenceRun.KilledAfterStep + 30);
    }

    [Fact]
    public void WithoutASoundOneTheRunStartsAgain()
    {
        using RunDirectory directory = reference.CopyOfKilled();
        foreach (string path in Directory.EnumerateFiles(directory.Checkpoints, "step-*"))
            Break(path, Damage.BitFlipped);
        Finish(directory);
        Assert.Equal(0, directory.Outcome.ResumedFromStep);
    }

    private ProgramRun Finish(RunDirectory directory)
    {
        ProgramRun run = directory.Train();
        Assert.True(run.WaitForExit() == 0, run.Transcript);
        reference.RequireSame(directory);
        return run;
    }

    private static void Break(string path, Damage damage)
    {
        byte[] bytes = File.ReadAllBytes(path);
        if (damage == Damage.BitFlipped) bytes[bytes.Length / 2] ^= 4;
        int length = damage switch { Damage.CutOff => bytes.Length / 2, Damage.Empty => 0, _ => bytes.Length };
        File.WriteAllBytes(path, bytes[..length]);
    }
}
