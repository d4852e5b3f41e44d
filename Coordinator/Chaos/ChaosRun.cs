using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Distributed.Runtime.Native;

namespace Distributed.Coordinator;

/// <summary>What a chaos run is made of.</summary>
/// <param name="Train">Options of <c>train</c> for both runs: model, data, epochs, seed, folder of runs.</param>
/// <param name="Runs">The folder of runs.</param>
/// <param name="Name">Names of both runs begin with it.</param>
/// <param name="Workers">Local workers.</param>
/// <param name="Faults">How many are injected.</param>
/// <param name="Seed">What they are drawn from.</param>
internal sealed record ChaosOptions(
    IReadOnlyList<string> Train, string Runs, string Name, int Workers, int Faults, ulong Seed)
{
    /// <summary>The folder of the run that is left alone.</summary>
    public string Undisturbed => $"{Name}-undisturbed";

    /// <summary>The folder of the run that is disturbed.</summary>
    public string Disturbed => $"{Name}-disturbed";
}

/// <summary>The disturbed run of a chaos run: trains while faults are injected, and starts what they ended.</summary>
internal sealed class ChaosRun : IDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

    private readonly ChaosOptions _options;
    private readonly Action<string> _say;
    private readonly string _folder;
    private readonly IPEndPoint _listen = new(IPAddress.Loopback, FreePort());
    private readonly BreakingProxy _proxy;
    private readonly List<ChildProgram> _joined = [];
    private readonly List<Task> _stopped = [];
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

    /// <summary>Trains to the end under a plan.</summary>
    /// <exception cref="ChaosException">A process ended as none must.</exception>
    public async Task RunAsync(IReadOnlyList<Fault> plan, CancellationToken stop)
    {
        Start(isFirst: true);
        int next = 0;
        long last = 0, lastAt = Stopwatch.GetTimestamp();
        while (!_coordinator!.HasEnded || _coordinator.ExitCode != ExitCode.Done)
        {
            if (_coordinator.HasEnded)
            {
                throw new ChaosException(
                    $"the disturbed run ended with exit code {_coordinator.ExitCode}: {_coordinator.LastLine}");
            }

            await Task.Delay(Look, stop);
            long step = LastStep();
            if (step != last)
            {
                TimeSpan pause = Stopwatch.GetElapsedTime(lastAt);
                if (last > 0 && pause > LongestPause) LongestPause = pause;
                (last, lastAt) = (step, Stopwatch.GetTimestamp());
            }

            if (next < plan.Count && step >= plan[next].Step) await InjectAsync(plan[next++], step, stop);
        }

        await Task.WhenAll(_stopped);
    }

    /// <summary>Ends every process that is left.</summary>
    public void Dispose()
    {
        _coordinator?.Dispose();
        foreach (ChildProgram worker in _joined) worker.Dispose();
        _proxy.Dispose();
    }

    private void Start(bool isFirst)
    {
        _coordinator?.Dispose();
        string[] fresh = isFirst ? ["--fresh"] : [];
        _coordinator = ChildProgram.Start("coordinator",
        [
            "train", .. _options.Train, "--name", _options.Disturbed,
            "--workers", _options.Workers.ToString(CultureInfo.InvariantCulture), "--threads", "1",
            "--checkpoint-every", "20", "--listen", _listen.ToString(), .. fresh,
        ]);
    }

    private async Task InjectAsync(Fault fault, long step, CancellationToken stop)
    {
        string? what = fault.Kind switch
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
        _injected[fault.Kind] = _injected.GetValueOrDefault(fault.Kind) + 1;
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
        _stopped.Add(Task.Delay(milliseconds).ContinueWith(_ => Signals.Continue(worker), TaskScheduler.Default));
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

    private string? RemoveWorker()
    {
        ChildProgram? worker = _joined.Find(each => !each.HasEnded);
        if (worker is null || !Signals.Terminate(worker.Id)) return null;
        _joined.Remove(worker);
        _stopped.Add(LeaveAsync(worker));
        return $"asked worker process {worker.Id} to leave";
    }

    private static async Task LeaveAsync(ChildProgram worker)
    {
        using ChildProgram leaving = worker;
        await worker.WaitAsync(CancellationToken.None);
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
