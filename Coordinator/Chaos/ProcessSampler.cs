using System.Diagnostics;
using System.Globalization;

namespace Distributed.Coordinator;

/// <summary>What a process of a cluster is.</summary>
internal enum ProcessRole
{
    /// <summary>The coordinator.</summary>
    Coordinator,

    /// <summary>A worker that the coordinator started.</summary>
    LocalWorker,

    /// <summary>A worker that joined by itself.</summary>
    JoinedWorker,
}

/// <summary>What a process took at a moment.</summary>
/// <param name="At">Since the sampler began.</param>
/// <param name="Role">What it is.</param>
/// <param name="Id">The system's number for it.</param>
/// <param name="Workers">Worker processes that lived at that moment.</param>
/// <param name="Figures">What it took.</param>
internal readonly record struct ProcessSample(
    TimeSpan At, ProcessRole Role, int Id, int Workers, ProcessFigures Figures);

/// <summary>
/// Looks once a second at the processes that this program started, and that they started, and writes what they take
/// into a file; none where the system has no table of processes.
/// </summary>
internal sealed class ProcessSampler : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly List<ProcessSample> _samples = [];
    private readonly StreamWriter _file;
    private readonly CancellationTokenSource _stop = new();
    private readonly long _began = Stopwatch.GetTimestamp();
    private readonly Task _looking;

    /// <summary>Begins.</summary>
    /// <param name="path">The file, a line for each process and second; overwritten.</param>
    public ProcessSampler(string path)
    {
        _file = new StreamWriter(path) { AutoFlush = true };
        _file.WriteLine("seconds,role,process,workers,residentBytes,openFiles,threads");
        _looking = LookAsync();
    }

    /// <summary>Everything that was seen; complete once this is disposed.</summary>
    public IReadOnlyList<ProcessSample> Samples => _samples;

    /// <summary>Stops looking.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _looking;
        await _file.DisposeAsync();
        _stop.Dispose();
    }

    private async Task LookAsync()
    {
        if (!LocalProcesses.AreListed) return;
        using PeriodicTimer timer = new(Interval);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token)) Look();
        }
        catch (OperationCanceledException)
        {
            // It is disposed.
        }
    }

    private void Look()
    {
        (int Id, ProcessRole Role)[] processes = [.. ChildProgram.All().Select(id => (id, RoleOf(id)))];
        int workers = processes.Count(process => process.Role != ProcessRole.Coordinator);
        foreach ((int id, ProcessRole role) in processes)
        {
            if (LocalProcesses.Figures(id) is not { } figures) continue;
            ProcessSample sample = new(Stopwatch.GetElapsedTime(_began), role, id, workers, figures);
            _samples.Add(sample);
            _file.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{sample.At.TotalSeconds:F0},{role},{id},{workers},{figures.ResidentBytes},{figures.OpenFiles},"
                + $"{figures.Threads}"));
        }
    }

    private static ProcessRole RoleOf(int id)
    {
        IReadOnlyList<string> arguments = LocalProcesses.Arguments(id);
        return arguments.Contains("--launch-id") ? ProcessRole.LocalWorker
            : arguments.Contains("--join") ? ProcessRole.JoinedWorker
            : ProcessRole.Coordinator;
    }
}
