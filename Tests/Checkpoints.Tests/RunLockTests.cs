using System.Diagnostics;
using Xunit;

namespace Distributed.Checkpoints.Tests;

public sealed class RunLockTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ASecondHolderGetsASentenceWithThePid()
    {
        string run = _folder.File("runs/one");
        using (RunLock.Acquire(run))
        {
            Assert.Equal($"{run}: another process (pid {Environment.ProcessId}) is writing this run; wait for it, stop it, " +
                "or choose another --name.", Assert.Throws<CheckpointException>(() => RunLock.Acquire(run)).Message);
            RunLock.Acquire(_folder.File("runs/two")).Dispose();
        }

        RunLock.Acquire(run).Dispose();
    }

    [Fact]
    public void SaysThatTheFolderCannotBeWritten() => Assert.Contains("folder can't be written",
        Assert.Throws<CheckpointException>(() => RunLock.Acquire(Path.Combine(_folder.Write("file", 1), "run"))).Message,
        StringComparison.Ordinal);

    /// <summary>The system gives the lock back when its holder is killed with SIGKILL.</summary>
    [FlockFact]
    public void TheLockEndsWithItsProcess()
    {
        RunLock.Acquire(_folder.Path).Dispose();
        ProcessStartInfo start = new("flock", ["--no-fork", _folder.File("run.lock"), "sh", "-c", "echo held; read line"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        using Process holder = Process.Start(start)!;
        Assert.Equal("held", holder.StandardOutput.ReadLine());
        File.WriteAllText(_folder.File("run.pid"), $"{holder.Id}\n");
        Assert.Contains($"(pid {holder.Id})", Assert.Throws<CheckpointException>(() => RunLock.Acquire(_folder.Path)).Message,
            StringComparison.Ordinal);
        File.WriteAllText(_folder.File("run.pid"), "");
        Assert.Contains("another process is writing", Assert.Throws<CheckpointException>(
            () => RunLock.Acquire(_folder.Path)).Message, StringComparison.Ordinal);

        holder.Kill();
        holder.WaitForExit();
        RunLock.Acquire(_folder.Path).Dispose();
    }
}

/// <summary>Runs where the flock program is, to hold the lock in another process.</summary>
public sealed class FlockFactAttribute : FactAttribute
{
    public FlockFactAttribute()
    {
        if (!File.Exists("/usr/bin/flock"))
        {
            Skip = "needs /usr/bin/flock";
        }
    }
}
