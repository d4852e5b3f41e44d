using System.Collections.Concurrent;
using Xunit;

namespace Distributed.Coordinator.Tests;

/// <summary>A launcher whose processes do what the test says, and an observer that keeps what it was told.</summary>
internal sealed class FakeWorkers : IWorkerLauncher, ILocalWorkersObserver
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly BlockingCollection<FakeWorker> _started = [];
    private readonly BlockingCollection<string> _noticed = [];
    private readonly BlockingCollection<(string Reason, bool IsUserError)> _exhausted = [];
    private int _processes;

    public ConcurrentQueue<(string Worker, string Line)> Lines { get; } = [];

    public ConcurrentQueue<Thread> StartingThreads { get; } = [];

    /// <summary>Thrown by the next start, once.</summary>
    public Exception? FailNextStart { get; set; }

    public int StartedAndUnseen => _started.Count;

    public FakeWorker NextStarted() => Next(_started, "start of a worker");

    public string NextNotice() => Next(_noticed, "notice");

    public (string Reason, bool IsUserError) NextExhausted() => Next(_exhausted, "word that all is over");

    public IWorkerProcess Start(int launchId, Action<string, bool> printed, Action<int> ended)
    {
        StartingThreads.Enqueue(Thread.CurrentThread);
        if (FailNextStart is { } failure)
        {
            FailNextStart = null;
            throw failure;
        }

        FakeWorker worker = new(launchId, ++_processes, printed, ended);
        _started.Add(worker);
        return worker;
    }

    public void Printed(string worker, string line) => Lines.Enqueue((worker, line));

    public void Noticed(string sentence) => _noticed.Add(sentence);

    public void Exhausted(string reason, bool isUserError) => _exhausted.Add((reason, isUserError));

    private static T Next<T>(BlockingCollection<T> collection, string what)
    {
        Assert.True(collection.TryTake(out T? item, Deadline), $"no {what} within {Deadline}");
        return item;
    }
}

/// <summary>A process that ends when it is told to, or killed.</summary>
internal sealed class FakeWorker(int launchId, int id, Action<string, bool> printed, Action<int> ended) : IWorkerProcess
{
    private int _ended;

    public int LaunchId => launchId;

    public int Id => id;

    public bool WasKilled { get; private set; }

    /// <summary>A process that not even a kill ends.</summary>
    public bool IsUnkillable { get; set; }

    public void Print(string line, bool isError = false) => printed(line, isError);

    public void End(int exitCode)
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0) ended(exitCode);
    }

    /// <summary>Whether it was let see the end of its standard input.</summary>
    public bool WasAskedToEnd { get; private set; }

    public void CloseInput() => WasAskedToEnd = true;

    public void Kill()
    {
        WasKilled = true;
        if (!IsUnkillable) End(128 + 9);
    }

    public void Dispose()
    {
    }
}
