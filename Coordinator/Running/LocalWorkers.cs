using System.Collections.Concurrent;
using System.ComponentModel;

namespace Distributed.Coordinator;

/// <summary>Whom the local workers tell what happens; every call comes on a thread that must not be held up.</summary>
internal interface ILocalWorkersObserver
{
    /// <summary>A worker printed a line.</summary>
    void Printed(string worker, string line);

    /// <summary>A worker died, is started again, or is given up: a sentence for a person.</summary>
    void Noticed(string sentence);

    /// <summary>A process did not end in time: a sentence for a person, also while the run ends.</summary>
    void Warned(string sentence) => Noticed(sentence);

    /// <summary>A worker's process is started again.</summary>
    void Restarted(string worker)
    {
    }

    /// <summary>Every worker has been given up.</summary>
    /// <param name="reason">A sentence for a person.</param>
    /// <param name="isUserError">Whether it is the user's mistake, as the workers' exit codes say.</param>
    void Exhausted(string reason, bool isUserError);

    /// <summary>Every worker left because somebody asked it to.</summary>
    void AllLeft() => Exhausted("every worker was asked to stop.", isUserError: false);
}

/// <summary>
/// The worker processes that the coordinator starts on its own machine. One that dies is started again after a pause
/// that doubles with every death; one that keeps dying without contributing anything is given up, and so is, at once,
/// one that was told to stop or ends with the exit code of a user's mistake. All processes are started by one thread
/// that lives as long as they do, because Linux kills a worker when the thread that started it ends.
/// </summary>
internal sealed class LocalWorkers : IDisposable
{
    /// <summary>Deaths in a row, without progress between them, after which a worker is given up.</summary>
    public const int MostDeaths = 5;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <summary>A killed process ends at once, unless its disk or driver hangs; nobody waits for that.</summary>
    private static readonly TimeSpan KillDeadline = TimeSpan.FromSeconds(5);

    private readonly IWorkerLauncher _launcher;
    private readonly ILocalWorkersObserver _observer;
    private readonly TimeProvider _time;
    private readonly Slot[] _slots;
    private readonly BlockingCollection<Action> _work = [];
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ITimer? _deadline;
    private int _restarts;
    private bool _stopping;

    /// <summary>Starts the processes.</summary>
    /// <param name="count">How many.</param>
    /// <param name="launcher">Starts one.</param>
    /// <param name="observer">Is told what happens.</param>
    /// <param name="time">The clock of pauses and deadlines.</param>
    public LocalWorkers(int count, IWorkerLauncher launcher, ILocalWorkersObserver observer, TimeProvider time)
    {
        _launcher = launcher;
        _observer = observer;
        _time = time;
        _slots = [.. Enumerable.Range(0, count).Select(launchId => new Slot(launchId))];
        foreach (Slot slot in _slots) Post(() => Start(slot));
        new Thread(Work) { IsBackground = true, Name = "local workers" }.Start();
    }

    /// <summary>How often a worker was started again.</summary>
    public int Restarts => Volatile.Read(ref _restarts);

    /// <summary>The name of the worker in a place, the same wherever it is spoken of.</summary>
    public static string NameOf(int launchId) => $"worker {launchId + 1}";

    /// <summary>A worker contributed to the run: its earlier deaths are forgotten. Costs next to nothing.</summary>
    public void ReportProgress(int launchId)
    {
        if ((uint)launchId < (uint)_slots.Length) Volatile.Write(ref _slots[launchId].HasProgressed, true);
    }

    /// <summary>Kills a worker that hangs; it counts as a death. Nothing happens if that process is gone.</summary>
    public void Kill(int launchId, int processId)
    {
        if ((uint)launchId >= (uint)_slots.Length) return;
        Post(() =>
        {
            if (_slots[launchId].Process is { } process && process.Id == processId) process.Kill();
        });
    }

    /// <summary>
    /// Starts no worker any more, and lets those that live end by themselves, whether they have joined the run or are
    /// still on the way; what still lives at the deadline is killed.
    /// </summary>
    public Task StopAsync(TimeSpan deadline)
    {
        Post(() =>
        {
            if (_stopping) return;
            _stopping = true;
            foreach (Slot slot in _slots) slot.Process?.CloseInput();
            _deadline = After(deadline, () =>
            {
                foreach (Slot slot in _slots)
                    Warn(slot, $"has not ended within {deadline.TotalSeconds:0} s of being asked to, and is killed");
                KillAll();
            });
            EndIfNoneLives();
        });
        return _stopped.Task;
    }

    /// <summary>Kills what lives, at once.</summary>
    public void Dispose() => Post(() =>
    {
        _stopping = true;
        KillAll();
        EndIfNoneLives();
    });

    private void Post(Action action)
    {
        try
        {
            _work.Add(action);
        }
        catch (InvalidOperationException)
        {
            // The thread has ended: nothing lives that this could be about.
        }
    }

    private void Work()
    {
        foreach (Action action in _work.GetConsumingEnumerable()) action();
        _deadline?.Dispose();
        foreach (Slot slot in _slots) slot.Restart?.Dispose();
        _stopped.TrySetResult();
    }

    private void Start(Slot slot)
    {
        if (_stopping) return;
        slot.LastError = null;
        Volatile.Write(ref slot.HasProgressed, false);
        try
        {
            slot.Process = _launcher.Start(
                slot.LaunchId, (line, isError) => Print(slot, line, isError), code => Post(() => Ended(slot, code)));
        }
        catch (Exception error) when (error is IOException or Win32Exception or InvalidOperationException)
        {
            Died(slot, $"could not be started ({error.Message.TrimEnd('.')})");
        }
    }

    private void Print(Slot slot, string line, bool isError)
    {
        if (isError && line.Length > 0) slot.LastError = line;
        _observer.Printed(slot.Name, line);
    }

    private void Ended(Slot slot, int exitCode)
    {
        slot.Process?.Dispose();
        slot.Process = null;
        if (_stopping)
        {
            EndIfNoneLives();
            return;
        }

        slot.HasLeft = exitCode == ExitCode.Done;
        if (slot.HasLeft) GiveUp(slot, "it was told to stop", isUserError: false);
        else if (exitCode == ExitCode.UserError) GiveUp(slot, slot.Explanation ?? "it says not why", isUserError: true);
        else Died(slot, Describe(exitCode) + (slot.Explanation is { } reason ? $" ({reason.TrimEnd('.')})" : ""));
    }

    private void Died(Slot slot, string how)
    {
        if (Volatile.Read(ref slot.HasProgressed)) slot.Deaths = 0;
        if (++slot.Deaths >= MostDeaths)
        {
            GiveUp(slot, $"it {how}, {slot.Deaths} times in a row", isUserError: false);
            return;
        }

        TimeSpan pause = FirstPause * Math.Pow(2, slot.Deaths - 1);
        if (pause > LongestPause) pause = LongestPause;
        _observer.Noticed($"{slot.Name} {how}; it is started again.");
        slot.Restart?.Dispose();
        slot.Restart = After(pause, () =>
        {
            if (_stopping) return;
            Interlocked.Increment(ref _restarts);
            _observer.Restarted(slot.Name);
            Start(slot);
        });
    }

    private void GiveUp(Slot slot, string reason, bool isUserError)
    {
        slot.GivenUp = true;
        slot.IsUserError = isUserError;
        string sentence = $"{slot.Name} is not started again: {reason.TrimEnd('.')}.";
        if (!_slots.All(other => other.GivenUp)) _observer.Noticed(sentence);
        else if (_slots.All(other => other.HasLeft)) _observer.AllLeft();
        else if (!_slots.All(other => other.IsUserError)) _observer.Exhausted(sentence, isUserError: false);
        else _observer.Exhausted($"{reason.TrimEnd('.')}.", isUserError: true);
    }

    private void KillAll()
    {
        foreach (Slot slot in _slots) slot.Process?.Kill();
        _deadline?.Dispose();
        _deadline = After(KillDeadline, () =>
        {
            foreach (Slot slot in _slots)
                Warn(slot, $"was killed and has not ended within {KillDeadline.TotalSeconds:0} s; it is left alone");
            _work.CompleteAdding();
        });
    }

    private void Warn(Slot slot, string what)
    {
        if (slot.Process is { } process) _observer.Warned($"{slot.Name} (process {process.Id}) {what}.");
    }

    private void EndIfNoneLives()
    {
        if (_slots.All(slot => slot.Process is null)) _work.CompleteAdding();
    }

    private ITimer After(TimeSpan pause, Action action) =>
        _time.CreateTimer(_ => Post(action), null, pause, Timeout.InfiniteTimeSpan);

    /// <summary>.NET gives a process that a signal killed the exit code 128 + signal, as shells do.</summary>
    private static string Describe(int exitCode) => exitCode > 128 && !OperatingSystem.IsWindows()
        ? $"was killed by signal {exitCode - 128}" : $"ended with exit code {exitCode}";

    private sealed class Slot(int launchId)
    {
        private const string ErrorPrefix = "error: ";

        public int LaunchId => launchId;

        public string Name { get; } = NameOf(launchId);

        public IWorkerProcess? Process { get; set; }

        public ITimer? Restart { get; set; }

        public int Deaths { get; set; }

        public bool GivenUp { get; set; }

        public bool IsUserError { get; set; }

        public bool HasLeft { get; set; }

        /// <summary>The last line of its standard error.</summary>
        public volatile string? LastError;

        public bool HasProgressed;

        public string? Explanation => LastError is { } line && line.StartsWith(ErrorPrefix, StringComparison.Ordinal)
            ? line[ErrorPrefix.Length..] : LastError;
    }
}
