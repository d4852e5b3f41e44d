using Distributed.Cluster.Native;
using Xunit;

namespace Distributed.Cluster;

/// <summary>Promise one: whoever does the work, and whatever becomes of them, the weights have the same bits.</summary>
public abstract class SameBitsTests(ReferenceRun reference, string engine) : IDisposable
{
    private readonly RunDirectory _directory = new(engine);

    public void Dispose()
    {
        _directory.Dispose();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(4, 1)]
    [InlineData(1, 2)]
    public void AnyNumberOfWorkersAndThreads(int workers, int threads)
    {
        ProgramRun run = _directory.Train("--workers", $"{workers}", "--threads", $"{threads}");
        Finish(run);
        Assert.Equal(workers, _directory.Outcome.MicroBatchesByWorker.Count(worker => worker.Value > 0));
        Assert.Equal(0, _directory.Outcome.Restarts);
    }

    [Fact]
    public void TensorsThatTravelOverSockets()
    {
        Finish(_directory.Train([], ("DISTRIBUTED_SHARED_MEMORY", "0")));
    }

    [LinuxFact]
    public void AWorkerOverASocketBesideOneThatSharesMemory()
    {
        const string Token = "a token of this test alone";
        int port = FreePort.Find();
        ProgramRun run = _directory.Train(
            ["--workers", "1", "--listen", $"127.0.0.1:{port}", "--min-workers", "2"], ("DISTRIBUTED_TOKEN", Token));
        run.WaitForOutput("worker 1 takes part");
        Assert.Contains("memfd:distributed", ProcessTable.Mappings(Assert.Single(run.Workers())));
        ProgramRun joined = _directory.Join(
            $"127.0.0.1:{port}", [], ("DISTRIBUTED_TOKEN", Token), ("DISTRIBUTED_SHARED_MEMORY", "0"));
        _directory.WaitForStep(5, run);
        Assert.DoesNotContain("memfd:distributed", ProcessTable.Mappings(joined.Id));
        Finish(run);
        Assert.Equal(2, _directory.Outcome.MicroBatchesByWorker.Count(worker => worker.Value > 0));
        Assert.True(joined.WaitForExit() == 0, joined.Transcript);
    }

    [Fact]
    public void AWorkerThatJoinsFromOutsideWithOtherInstructions()
    {
        const string Token = "a token of this test alone";
        int port = FreePort.Find();
        ProgramRun run = _directory.Train(
            ["--workers", "1", "--listen", $"127.0.0.1:{port}", "--min-workers", "2"], ("DISTRIBUTED_TOKEN", Token));
        run.WaitForOutput("worker 1 takes part");
        ProgramRun joined = _directory.Join(
            $"127.0.0.1:{port}", [], ("DISTRIBUTED_TOKEN", Token), ("DOTNET_EnableAVX512", "0"));
        if (OperatingSystem.IsLinux())
            Assert.DoesNotContain(Token, string.Join(' ', LocalProcesses.Arguments(Assert.Single(run.Workers()))));
        Finish(run);
        Assert.Equal(2, _directory.Outcome.MicroBatchesByWorker.Count(worker => worker.Value > 0));
        Assert.True(joined.WaitForExit() == 0, joined.Transcript);
    }

    [LinuxFact]
    public void AWorkerThatFindsItsCoordinatorAgain()
    {
        int port = FreePort.Find();
        string[] settings =
            ["--workers", "1", "--listen", $"127.0.0.1:{port}", "--min-workers", "2", "--checkpoint-every", "10"];
        ProgramRun killed = _directory.Train(settings);
        killed.WaitForOutput("Other workers join with");
        ProgramRun joined = _directory.Join(
            $"127.0.0.1:{port}", ["--rejoin", "5m", "--token-file", Path.Combine(_directory.RunPath, "token")]);
        _directory.WaitForStep(25, killed);
        killed.Signal(SystemCalls.Kill);
        killed.WaitForExit();
        Wait.Until(
            () => joined.Error.Contains("Looking for it again, for 300 s.", StringComparison.Ordinal), joined,
            "the coordinator missed");
        Finish(_directory.Train(settings));
        Assert.InRange(_directory.Outcome.ResumedFromStep, 1, RunDirectory.Steps - 1);
        Assert.Equal(2, _directory.Outcome.MicroBatchesByWorker.Count(worker => worker.Value > 0));
        Assert.True(joined.WaitForExit() == 0, joined.Transcript);
    }

    [LinuxFact]
    public void AWorkerThatIsAskedToLeave()
    {
        const string Token = "a token of this test alone";
        int port = FreePort.Find();
        ProgramRun run = _directory.Train(
            ["--workers", "1", "--listen", $"127.0.0.1:{port}"], ("DISTRIBUTED_TOKEN", Token));
        run.WaitForOutput("worker 1 takes part");
        ProgramRun joined = _directory.Join($"127.0.0.1:{port}", [], ("DISTRIBUTED_TOKEN", Token));
        run.WaitForOutput($"{Environment.MachineName}-{joined.Id} takes part");
        joined.Signal(SystemCalls.Terminate);
        Assert.True(joined.WaitForExit() == 0, joined.Transcript);
        Finish(run);
        Assert.Equal(0, _directory.Outcome.Restarts);
    }

    /// <summary>And its trace has what each micro-batch was spent on, also those of the process that was killed.
    /// </summary>
    [LinuxFact]
    public void ATracedRunWhoseCoordinatorIsKilled()
    {
        _directory.TrainKilledAt(120, "--trace");
        reference.RequireSame(_directory);
        TraceEvents trace = TraceEvents.Read(Path.Combine(_directory.RunPath, "trace.json"));
        int resumed = (int)_directory.Outcome.ResumedFromStep;
        Assert.Equal(
            Enumerable.Range(resumed + 1, RunDirectory.Steps - resumed), trace.Steps("optimizer step", fence: 2));
        Assert.Contains(1, trace.Steps("optimizer step", fence: 1));
        foreach (string lane in (string[])["worker 1 (fence 2): compute 0", "worker 2 (fence 2): compute 0"])
            Assert.Contains(lane, trace.Lanes);
        foreach (string activity in (string[])["compute", "push gradient"])
        {
            for (int step = resumed + 1; step <= RunDirectory.Steps; step++)
                Assert.Equal(RunDirectory.MicroBatches(step), trace.MicroBatches(activity, fence: 2, step));
        }
    }

    [LinuxFact]
    public void AWorkerThatIsKilled()
    {
        ProgramRun run = _directory.Train();
        _directory.WaitForStep(20, run);
        SystemCalls.Signal(run.Workers()[0], SystemCalls.Kill);
        Finish(run);
        Assert.Equal(1, _directory.Outcome.Restarts);
        Assert.Contains("was killed by signal 9", run.Output);
    }

    [LinuxFact]
    public void AllWorkersKilledAtOnce()
    {
        ProgramRun run = _directory.Train();
        _directory.WaitForStep(20, run);
        foreach (int worker in run.Workers()) SystemCalls.Signal(worker, SystemCalls.Kill);
        Finish(run);
        Assert.Equal(2, _directory.Outcome.Restarts);
    }

    [LinuxFact]
    public void AWorkerThatStopsForLong()
    {
        ProgramRun run = _directory.Train();
        _directory.WaitForStep(10, run);
        int worker = run.Workers()[0];
        SystemCalls.Signal(worker, SystemCalls.Stop);
        run.WaitForOutput("its work is dealt again");
        _directory.WaitForStep(_directory.LastStep() + 5, run);
        SystemCalls.Signal(worker, SystemCalls.Continue);
        Finish(run);
    }

    [LinuxFact]
    public void ACoordinatorThatIsKilledTwice()
    {
        foreach (int step in (int[])[25, 90])
        {
            ProgramRun killed = _directory.Train("--checkpoint-every", "10");
            _directory.WaitForStep(step, killed);
            IReadOnlyList<int> workers = killed.Workers();
            Assert.Equal(2, workers.Count);

            // Not even a stopped worker outlives its coordinator.
            SystemCalls.Signal(workers[0], SystemCalls.Stop);
            killed.Signal(SystemCalls.Kill);
            killed.WaitForExit(workers);
        }

        Finish(_directory.Train("--checkpoint-every", "10"));
        Assert.InRange(_directory.Outcome.ResumedFromStep, 80, RunDirectory.Steps - 1);
    }

    [LinuxFact]
    public void ARunThatIsAskedToStop() => Stop((run, _) => run.Signal(SystemCalls.Terminate));

    /// <summary>A terminal sends it to the workers as well.</summary>
    [InterruptFact]
    public void ARunThatIsInterruptedByCtrlC() => Stop((run, workers) =>
    {
        foreach (int worker in workers) SystemCalls.Signal(worker, SystemCalls.Interrupt);
        run.Signal(SystemCalls.Interrupt);
    });

    private void Stop(Action<ProgramRun, IReadOnlyList<int>> ask)
    {
        ProgramRun stopped = _directory.Train();
        _directory.WaitForStep(20, stopped);
        IReadOnlyList<int> workers = stopped.Workers();
        ask(stopped, workers);
        Assert.True(stopped.WaitForExit(workers) == 3, stopped.Transcript);
        Assert.Contains("the same command goes on", stopped.Output);
        RunOutcome outcome = _directory.Outcome;
        Assert.Equal("stopped", outcome.Status);
        Assert.InRange(outcome.Steps, 20, RunDirectory.Steps - 1);
        Assert.Equal(outcome.SamplesExpected, outcome.SamplesApplied);

        Finish(_directory.Train("--workers", "1"));
        Assert.Equal(outcome.Steps, _directory.Outcome.ResumedFromStep);
        Assert.Equal(0, _directory.Outcome.Restarts);
    }

    [LinuxFact]
    public void ARunThatIsToldTwiceEndsAtOnceThoughItsWorkersDoNotAnswer()
    {
        ProgramRun stopped = _directory.Train("--checkpoint-every", "10");
        _directory.WaitForStep(20, stopped);
        IReadOnlyList<int> workers = stopped.Workers();
        foreach (int worker in workers) SystemCalls.Signal(worker, SystemCalls.Stop);

        // A signal that comes before the one before it was taken is lost, so it is sent until it was heard twice.
        Wait.Until(() => !stopped.TrySignal(SystemCalls.Terminate), stopped, "the end");
        Assert.True(stopped.WaitForExit(workers) == 3, stopped.Transcript);
        Finish(_directory.Train());
        Assert.InRange(_directory.Outcome.ResumedFromStep, 10, RunDirectory.Steps - 1);
    }

    private protected RunDirectory Folder => _directory;

    private protected void Finish(ProgramRun run)
    {
        Assert.True(run.WaitForExit() == 0, run.Transcript);
        reference.RequireSame(_directory);
    }
}
