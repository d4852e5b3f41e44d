using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Distributed.Runtime.Native;

namespace Distributed.Coordinator;

/// <summary>The disturbed run of a chaos run: trains while faults are injected, and starts what they ended.</summary>
internal sealed class ChaosRun : IDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

    /// <summary>Far beyond what any step, validation or start of this size takes.</summary>
    private static readonly TimeSpan ProgressDeadline = TimeSpan.FromMinutes(5);

    /// <summary>Beyond the time that a worker waits for its coordinator to let it go.</summary>
    private static readonly TimeSpan LeaveDeadline = TimeSpan.FromSeconds(30);

    private readonly ChaosOptions _options;
    private readonly Action<string> _say;
    private readonly string _folder;
    private readonly IPEndPoint _listen = new(IPAddress.Loopback, FreePort());
    private readonly BreakingProxy _proxy;
    private readonly List<ChildProgram> _joined = [];
    private readonly List<Task> _pending = [];
    private readonly SortedDictionary<FaultKind, int> _injected = [];
    private ChildProgram? _coordinator;

    public ChaosRun(ChaosOptions options, Action<string> say)
    {
        _options = options;
        _say = say;
        _folder = Path.Combine(options.Runs, options.Disturbed);
        _proxy = new BreakingProxy(_listen);
    }

    /// <summary>The kinds of fault that this system can inject.</summary>
    public static IReadOnlyList<FaultKind> Kinds { get; } = Signals.AreSupported
        ? Enum.GetValues<FaultKind>()
        : [FaultKind.AddWorker, FaultKind.BreakConnections, FaultKind.KillCoordinator, FaultKind.CorruptCheckpoint];

    /// <summary>What was injected, and how often.</summary>
    public IReadOnlyDictionary<FaultKind, int> Injected => _injected;

    /// <summary>The longest time between two steps.</summary>
    public TimeSpan LongestPause { get; private set; }

    /// <summary>Trains to the end under a plan, which counts steps, or milliseconds where the options say minutes.
    /// </summary>
    /// <exception cref="ChaosException">A process ended as none must, or the run stands still.</exception>
    public async Task RunAsync(IReadOnlyList<Fault> plan, CancellationToken stop)
    {
        Start(isFirst: true);
        int next = 0;
        long last = 0, began = Stopwatch.GetTimestamp(), lastAt = began;
        while (!HasFinished())
        {
            await Task.Delay(Look, stop);
            ForgetEnded();
            long step = LastStep();
            TimeSpan pause = Stopwatch.GetElapsedTime(lastAt);
            if (step != last)
            {
                if (last > 0 && pause > LongestPause) LongestPause = pause;
                (last, lastAt) = (step, Stopwatch.GetTimestamp());
            }
            else if (pause > ProgressDeadline)
            {
                throw new ChaosException(
                    $"the disturbed run stands at step {step} for {pause.TotalMinutes:F0} minutes: "
                    + _coordinator!.LastLine);
            }

            long now = _options.Minutes is null ? step : (long)Stopwatch.GetElapsedTime(began).TotalMilliseconds;
            if (next < plan.Count && now >= plan[next].At) await InjectAsync(plan[next++], step, stop);
        }

        await Task.WhenAll(_pending);
    }

    /// <summary>
    /// Once the run has ended: asks the workers that joined and are still there to leave, and waits until no process is
    /// left that it started, or that they started; returns how many are left at the deadline.
    /// </summary>
    public async Task<int> CountLeftAsync(CancellationToken stop)
    {
        foreach (ChildProgram worker in _joined) Signals.Terminate(worker.Id);
        long began = Stopwatch.GetTimestamp();
        int left;
        while ((left = ChildProgram.All().Count) > 0 && Stopwatch.GetElapsedTime(began) < LeaveDeadline)
            await Task.Delay(Look, stop);
        return left;
    }

    /// <summary>Ends every process that is left.</summary>
    public void Dispose()
    {
        _coordinator?.Dispose();
        foreach (ChildProgram worker in _joined) worker.Dispose();
        _proxy.Dispose();
    }

    private bool HasFinished()
    {
        if (!_coordinator!.HasEnded) return false;
        return _coordinator.ExitCode == ExitCode.Done ? true : throw new ChaosException(
            $"the disturbed run ended with exit code {_coordinator.ExitCode}: {_coordinator.LastLine}");
    }

    // One whose first connection is cut gives up, as it should; a fault of ours or a crash is another thing.
    private void ForgetEnded()
    {
        foreach (ChildProgram worker in _joined.Where(worker => worker.HasEnded).ToArray())
        {
            string how = $"worker process {worker.Id} ended with exit code {worker.ExitCode}: {worker.LastLine}";
            if (worker.ExitCode is not (ExitCode.Done or ExitCode.UserError or ExitCode.Stopped))
                throw new ChaosException(how);
            if (worker.ExitCode != ExitCode.Done) _say($"               {how}");
            _joined.Remove(worker);
            worker.Dispose();
        }
    }

    private void Start(bool isFirst)
    {
        _coordinator?.Dispose();
        string[] fresh = isFirst ? ["--fresh"] : [];
        string every = _options.Minutes is null ? "20" : "100"; // a long run need not write several a second
        _coordinator = ChildProgram.Start("coordinator",
        [
            .. _options.Train(_options.Disturbed), "--checkpoint-every", every, "--listen", _listen.ToString(),
            .. fresh,
        ]);
    }

    private async Task InjectAsync(Fault fault, long step, CancellationToken stop)
    {
        // As many may join as there are local workers, and one must have joined for another to leave.
        FaultKind kind = fault.Kind switch
        {
            FaultKind.AddWorker when _joined.Count >= _options.Workers => FaultKind.RemoveWorker,
            FaultKind.RemoveWorker when _joined.Count == 0 => FaultKind.AddWorker,
            _ => fault.Kind,
        };
        string? what = kind switch
        {
            FaultKind.KillWorker => KillWorker(fault.Choice),
            FaultKind.StopWorker => StopWorker(fault),
            FaultKind.AddWorker => AddWorker(),
            FaultKind.RemoveWorker => RemoveWorker(),
            FaultKind.BreakConnections => BreakConnections(),
            FaultKind.KillCoordinator => await KillCoordinatorAsync(corrupt: null, stop),
            FaultKind.CorruptCheckpoint => await KillCoordinatorAsync(fault.Choice, stop),
            _ => throw new InvalidOperationException($"Unknown fault {fault.Kind}."),
        };
        if (what is null) return; // there is nothing of the kind at the moment
        _injected[kind] = _injected.GetValueOrDefault(kind) + 1;
        _say(string.Create(CultureInfo.InvariantCulture, $"  step {step,6}  {what}"));
    }

    private string? KillWorker(uint choice)
    {
        if (LocalWorker(choice) is not { } worker) return null;
        try
        {
            using Process process = Process.GetProcessById(worker);
            process.Kill();
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException)
        {
            return null; // it has just ended
        }

        return $"killed worker process {worker}";
    }

    private string? StopWorker(in Fault fault)
    {
        if (LocalWorker(fault.Choice) is not { } worker || !Signals.Stop(worker)) return null;
        int milliseconds = fault.StopMilliseconds;
        _pending.Add(Task.Delay(milliseconds).ContinueWith(_ => Signals.Continue(worker), TaskScheduler.Default));
        return string.Create(
            CultureInfo.InvariantCulture, $"stopped worker process {worker} for {milliseconds / 1000.0:F1} s");
    }

    private string? AddWorker()
    {
        string token = Path.Combine(_folder, "token");
        if (!File.Exists(token)) return null;
        ChildProgram worker = ChildProgram.Start(
            "worker",
            ["--join", _proxy.EndPoint.ToString(), "--threads", "1", "--token-file", token],
            ("DISTRIBUTED_SHARED_MEMORY", "0")); // so that tensors go through the proxy
        _joined.Add(worker);
        return $"added worker process {worker.Id}";
    }

    // The youngest, so that the oldest sees everything.
    private string? RemoveWorker()
    {
        if (_joined.LastOrDefault() is not { } worker || !Signals.Terminate(worker.Id)) return null;
        _joined.Remove(worker);
        _pending.Add(LeaveAsync(worker));
        return $"asked worker process {worker.Id} to leave";
    }

    private static async Task LeaveAsync(ChildProgram worker)
    {
        using ChildProgram leaving = worker;
        using CancellationTokenSource deadline = new(LeaveDeadline);
        try
        {
            await worker.WaitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            throw new ChaosException($"worker process {worker.Id} was asked to leave and is still there after "
                + $"{LeaveDeadline.TotalSeconds:F0} s: {worker.LastLine}");
        }
    }

    private string? BreakConnections() =>
        _proxy.Cut() is > 0 and int cut ? $"cut {Wording.Number(cut, "connection")} in the middle of a frame" : null;

    private async Task<string?> KillCoordinatorAsync(uint? corrupt, CancellationToken stop)
    {
        _coordinator!.Kill();
        await _coordinator.WaitAsync(stop);
        string what = $"killed the coordinator, process {_coordinator.Id}";
        if (corrupt is { } choice && NewestCheckpoint() is { } checkpoint)
        {
            byte[] bytes = await File.ReadAllBytesAsync(checkpoint, stop);
            bytes[choice % bytes.Length] ^= 1;
            await File.WriteAllBytesAsync(checkpoint, bytes, stop);
            what += $" and flipped a bit of {Path.GetFileName(checkpoint)}";
        }

        Start(isFirst: false);
        return what;
    }

    private int? LocalWorker(uint choice)
    {
        IReadOnlyList<int> workers = LocalProcesses.ChildrenOf(_coordinator!.Id);
        return workers.Count == 0 ? null : workers[(int)(choice % (uint)workers.Count)];
    }

    private string? NewestCheckpoint()
    {
        string folder = Path.Combine(_folder, "checkpoints");
        return Directory.Exists(folder)
            ? Directory.EnumerateFiles(folder, "step-*.safetensors").Max(StringComparer.Ordinal) : null;
    }

    private long LastStep() => MetricsTail.LastStep(Path.Combine(_folder, "metrics.jsonl"));

    // Another process may take it in between; then the run says so and ends.
    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>A chaos run went wrong: a sentence for a person.</summary>
internal sealed class ChaosException(string message) : Exception(message);
