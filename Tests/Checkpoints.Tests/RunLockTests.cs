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
            Assert.Equal($"{run}: another process (pid {Environment.ProcessId}) is writing this run; wait for it, " +
                "stop it, or choose another --name.", Message(run));
            RunLock.Acquire(_folder.File("runs/two")).Dispose();
        }

        RunLock.Acquire(run).Dispose();
    }

    [Fact]
    public void SaysThatTheFolderCannotBeWritten()
    {
        string path = Path.Combine(_folder.Write("file", 1), "run");
        Assert.Contains("folder can't be written", Message(path), StringComparison.Ordinal);
    }

    /// <summary>The system gives the lock back when its holder is killed with SIGKILL.</summary>
    [FlockFact]
    public void TheLockEndsWithItsProcess()
    {
        RunLock.Acquire(_folder.Path).Dispose();
        string[] arguments = ["--no-fork", _folder.File("run.lock"), "sh", "-c", "echo held; read line"];
        ProcessStartInfo start = new("flock", arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        using Process holder = Process.Start(start)!;
        Assert.Equal("held", holder.StandardOutput.ReadLine());
        File.WriteAllText(_folder.File("run.pid"), $"{holder.Id}\n");
        Assert.Contains($"(pid {holder.Id})", Message(_folder.Path), StringComparison.Ordinal);
        File.WriteAllText(_folder.File("run.pid"), "");
        Assert.Contains("another process is writing", Message(_folder.Path), StringComparison.Ordinal);

        holder.Kill();
        holder.WaitForExit();
        RunLock.Acquire(_folder.Path).Dispose();
    }

    private static string Message(string folder) =>
        Assert.Throws<CheckpointException>(() => RunLock.Acquire(folder)).Message;
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
