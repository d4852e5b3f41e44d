using System.ComponentModel;
using Xunit;

namespace Distributed.Coordinator.Tests;

public sealed class LocalWorkersTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly ManualTime _time = new();
    private readonly FakeWorkers _fake = new();
    private LocalWorkers? _workers;

    public void Dispose() => _workers?.Dispose();

    [Fact]
    public void StartsEveryPlaceOnceFromOneThreadThatStays()
    {
        Start(3);
        int[] places = [.. Enumerable.Range(0, 3).Select(_ => _fake.NextStarted().LaunchId)];
        Assert.Equal([0, 1, 2], places);
        Assert.Single(_fake.StartingThreads.Distinct());
        Assert.True(_fake.StartingThreads.First().IsAlive);
    }

    [Fact]
    public void OneThatDiesIsStartedAgainAfterAPauseThatDoubles()
    {
        Start(2);
        FakeWorker first = _fake.NextStarted();
        _fake.NextStarted();
        foreach (int milliseconds in (int[])[200, 400, 800, 1600])
        {
            first.End(128 + 9);
            Assert.Equal("worker 1 was killed by signal 9; it is started again.", _fake.NextNotice());
            Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), NextTimer());
            _time.Advance(TimeSpan.FromMilliseconds(milliseconds - 1));
            Assert.Equal(0, _fake.StartedAndUnseen);
            _time.Advance(TimeSpan.FromMilliseconds(1));
            first = _fake.NextStarted();
            Assert.Equal(0, first.LaunchId);
        }

        Assert.Equal(4, _workers!.Restarts);
    }

    [Fact]
    public void OneThatKeepsDyingIsGivenUpAndTheRunToldWhenItWasTheLast()
    {
        Start(1);
        for (int death = 1; death < LocalWorkers.MostDeaths; death++)
        {
            FakeWorker worker = _fake.NextStarted();
            worker.Print("error: A fault of ours.", isError: true);
            worker.End(1);
            Assert.Equal("worker 1 ended with exit code 1 (A fault of ours); it is started again.", _fake.NextNotice());
            _time.Advance(NextTimer());
        }

        _fake.NextStarted().End(1);
        (string reason, bool isUserError) = _fake.NextExhausted();
        Assert.Equal("worker 1 is not started again: it ended with exit code 1, 5 times in a row.", reason);
        Assert.False(isUserError);
    }

    [Fact]
    public void ProgressForgivesEarlierDeaths()
    {
        Start(1);
        for (int death = 0; death < 3 * LocalWorkers.MostDeaths; death++)
        {
            FakeWorker worker = _fake.NextStarted();
            _workers!.ReportProgress(0);
            worker.End(1);
            _fake.NextNotice();
            Assert.Equal(TimeSpan.FromMilliseconds(200), NextTimer());
            _time.Advance(TimeSpan.FromMilliseconds(200));
        }

        _fake.NextStarted();
    }

    [Fact]
    public void TheUsersMistakeIsNotTriedAgain()
    {
        Start(2);
        FakeWorker first = _fake.NextStarted(), second = _fake.NextStarted();
        first.Print("error: train-images-idx3-ubyte: the file is cut off.", isError: true);
        first.End(ExitCode.UserError);
        Assert.Equal(
            "worker 1 is not started again: train-images-idx3-ubyte: the file is cut off.", _fake.NextNotice());
        second.Print("error: train-images-idx3-ubyte: the file is cut off.", isError: true);
        second.End(ExitCode.UserError);
        Assert.Equal(("train-images-idx3-ubyte: the file is cut off.", true), _fake.NextExhausted());
        Assert.Null(_time.UntilNext);
    }

    [Fact]
    public void OneThatWasToldToStopStaysAway()
    {
        Start(2);
        FakeWorker first = _fake.NextStarted();
        _fake.NextStarted();
        first.End(ExitCode.Done);
        Assert.Equal("worker 1 is not started again: it was told to stop.", _fake.NextNotice());
        Assert.Null(_time.UntilNext);
    }

    [Fact]
    public void OneThatCannotBeStartedCountsAsDead()
    {
        _fake.FailNextStart = new Win32Exception("Out of processes");
        Start(1);
        Assert.Equal("worker 1 could not be started (Out of processes); it is started again.", _fake.NextNotice());
        _time.Advance(NextTimer());
        _fake.NextStarted();
    }

    [Fact]
    public void KillEndsThatProcessAlone()
    {
        Start(1);
        FakeWorker worker = _fake.NextStarted();
        _workers!.Kill(0, worker.Id + 1);
        _workers.Kill(7, worker.Id);
        _workers.Kill(0, worker.Id);
        _fake.NextNotice();
        Assert.True(worker.WasKilled);
        _time.Advance(NextTimer());
        Assert.False(_fake.NextStarted().WasKilled);
    }

    [Fact]
    public void LinesComeWithTheWorkersName()
    {
        Start(2);
        _fake.NextStarted();
        _fake.NextStarted().Print("hello");
        Assert.Equal([("worker 2", "hello")], _fake.Lines);
    }

    [Fact]
    public async Task StoppingWaitsForThoseThatLiveAndStartsNoneAgain()
    {
        Start(2);
        FakeWorker first = _fake.NextStarted(), second = _fake.NextStarted();
        first.End(1);
        _fake.NextNotice();
        Task stopped = _workers!.StopAsync(TimeSpan.FromSeconds(5));
        second.End(0);
        await stopped.WaitAsync(Deadline);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(second.WasAskedToEnd);
        Assert.False(second.WasKilled);
        Assert.Equal(0, _fake.StartedAndUnseen);
        Assert.Equal(0, _workers.Restarts);
    }

    [Fact]
    public async Task WhatLivesAtTheDeadlineIsKilledAndNotWaitedForEver()
    {
        Start(2);
        FakeWorker first = _fake.NextStarted(), second = _fake.NextStarted();
        second.IsUnkillable = true;
        Task stopped = _workers!.StopAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(TimeSpan.FromSeconds(5), NextTimer());
        _time.Advance(TimeSpan.FromSeconds(5));
        foreach (FakeWorker late in (FakeWorker[])[first, second])
        {
            Assert.EndsWith(
                $"(process {late.Id}) has not ended within 5 s of being asked to, and is killed.", _fake.NextNotice());
        }

        _time.Advance(NextTimer());
        await stopped.WaitAsync(Deadline);
        Assert.True(first.WasKilled && second.WasKilled);
        Assert.Equal(
            $"worker 2 (process {second.Id}) was killed and has not ended within 5 s; it is left alone.",
            _fake.NextNotice());
    }

    [Fact]
    public async Task DisposingKillsAtOnce()
    {
        Start(1);
        FakeWorker worker = _fake.NextStarted();
        _workers!.Dispose();
        await _workers.StopAsync(TimeSpan.FromHours(1)).WaitAsync(Deadline);
        Assert.True(worker.WasKilled);
    }

    private void Start(int count) => _workers = new LocalWorkers(count, _fake, _fake, _time);

    /// <summary>Timers are set by the workers' own thread: waits until one is.</summary>
    private TimeSpan NextTimer()
    {
        Assert.True(SpinWait.SpinUntil(() => _time.UntilNext is not null, Deadline), "no timer was set");
        return _time.UntilNext!.Value;
    }
}
