using System.Globalization;
using Distributed.Checkpoints;
using Distributed.Checkpoints.Tests;

namespace Distributed.Simulation;

/// <summary>
/// The disk that coordinators share: the real store and the real claims of fences in a real folder, and beside it what
/// would be left of it if the power went. Processes die between any two operations, disks fill up, files rot.
/// </summary>
internal sealed class SimulatedDisk : IDisposable
{
    private const string Memory = "/dev/shm";
    private const string Checkpoints = "checkpoints";

    private readonly ClusterSimulation _simulation;
    private readonly List<Snapshot> _snapshots = [];
    private readonly HashSet<CheckpointFileName> _damaged = [];
    private string _root;
    private PowerCutStorage _storage;
    private int? _operationsLeft;

    public SimulatedDisk(ClusterSimulation simulation)
    {
        _simulation = simulation;
        (_root, _storage) = Begin();
        _storage.BeforeOperation = Step;
    }

    /// <summary>The last checkpoint that a process was told to be safe, by fence and number; what is found is never
    /// older.</summary>
    public (int Fence, int Number) Safe { get; private set; } = (0, -1);

    public string Folder => Path.Combine(_root, Checkpoints);

    public IStorage Storage => _storage;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    /// <summary>Remembers what is going to be saved; returns its number.</summary>
    public int Remember(Snapshot snapshot)
    {
        _snapshots.Add(snapshot);
        return _snapshots.Count - 1;
    }

    public void IsSafe(int fence, int number)
    {
        if ((fence, number).CompareTo(Safe) > 0) Safe = (fence, number);
    }

    /// <summary>A checkpoint as it was saved; its bytes on the disk must be the same.</summary>
    public Snapshot SnapshotOf(Checkpoint checkpoint)
    {
        Snapshot snapshot = _snapshots[NumberOf(checkpoint)];
        CheckTensor(checkpoint, "parameters", snapshot.Parameters);
        CheckTensor(checkpoint, "optimizer.momentum.parameters", snapshot.Momentum);
        CheckTensor(checkpoint, "optimizer.average.parameters", snapshot.Average);
        Check.That(checkpoint.Step == snapshot.Progress.Step, $"a checkpoint is of another step than its parameters");
        return snapshot;
    }

    /// <summary><c>latest</c> and <c>best</c> name whole checkpoints, where they name any.</summary>
    public void CheckPointers()
    {
        foreach (string pointer in new[] { CheckpointStore.LatestName, CheckpointStore.BestName })
        {
            if (CheckpointLocator.ReadPointer(Path.Combine(Folder, pointer)) is not { } target) continue;
            if (CheckpointFileName.TryParse(target) is { } name && _damaged.Contains(name)) continue;
            try
            {
                Checkpoint.Open(Path.Combine(Folder, target)).Dispose();
            }
            catch (CheckpointException error)
            {
                throw new SimulationFailure($"{pointer} names {target}: {error.Message}");
            }
        }
    }

    public static int NumberOf(Checkpoint checkpoint) =>
        int.Parse(checkpoint.Metadata["number"], CultureInfo.InvariantCulture);

    /// <summary>A process is killed while it does something: after a few operations it does no more.</summary>
    public void KillWithin(Action work)
    {
        _operationsLeft = _simulation.Chance.Below(24);
        try
        {
            work();
        }
        catch (Exception error) when (error is KilledException or CheckpointException)
        {
            _simulation.Witness("killed while saving");
        }
        finally
        {
            _operationsLeft = null;
        }
    }

    /// <summary>The power goes: of what was not flushed, some survives and some does not.</summary>
    public void CutPower()
    {
        Chance chance = _simulation.Chance;
        Fate? all = chance.Of<Fate?>([Fate.Lost, Fate.Kept, null, null]);
        Fate[] fates = [.. Enumerable.Range(0, _storage.Disk.Pending).Select(_ => all ?? (Fate)chance.Below(3))];
        if (fates.Contains(Fate.Lost) || fates.Contains(Fate.Torn)) _simulation.Witness("writes lost");
        SortedDictionary<string, object?> survived = _storage.Disk.After(fates);
        Dispose();
        (_root, _storage) = Begin();
        foreach ((string name, object? content) in survived) Put(Path.Combine(_root, name), content);
        foreach (string folder in Directory.GetDirectories(_root).Append(_root)) _storage.SyncFolder(folder);
        _storage.BeforeOperation = Step;
    }

    /// <summary>Whether a file of a checkpoint was damaged.</summary>
    public bool HasDamage => _damaged.Count > 0;

    /// <summary>The newest checkpoint's file is damaged, unless one of the last few is already.</summary>
    public void DamageNewest()
    {
        if (!Directory.Exists(Folder) || CheckpointFileName.Find(Folder) is not [{ } newest, _, ..] names) return;
        if (names.Take(4).Any(_damaged.Contains)) return;
        string path = Path.Combine(Folder, newest.ToString());
        byte[] bytes = File.ReadAllBytes(path);
        if (bytes.Length == 0) return;
        if (_simulation.Chance.Happens(0.5)) bytes[_simulation.Chance.Below(bytes.Length)] ^= 0x40;
        else bytes = bytes[.._simulation.Chance.Below(bytes.Length)];
        File.WriteAllBytes(path, bytes);
        _damaged.Add(newest);
        _simulation.Witness("checkpoint damaged");
        _simulation.Trace($"! {newest} is damaged");
        Safe = (0, -1);
        _simulation.StoppedAt = 0;
    }

    private (string Root, PowerCutStorage Storage) Begin()
    {
        string parent = Directory.Exists(Memory) ? Memory : Path.GetTempPath();
        string root = Directory.CreateDirectory(
            Path.Combine(parent, $"distributed-simulation-{Guid.NewGuid():N}")).FullName;
        return (root, new PowerCutStorage(root));
    }

    private void Step()
    {
        if (_operationsLeft-- == 0) throw new KilledException();
        if (_simulation.DiskFails()) throw new IOException(ClusterSimulation.DiskIsFull);
    }

    private void Put(string path, object? content)
    {
        if (content is byte[] bytes)
        {
            using Stream stream = _storage.Create(path);
            stream.Write(bytes);
            _storage.Flush(stream);
        }
        else if (content is string target)
        {
            _storage.CreatePointer(path, target);
        }
        else
        {
            _storage.CreateFolder(path);
        }
    }

    private static void CheckTensor(Checkpoint checkpoint, string name, float[] expected)
    {
        float[] found = new float[expected.Length];
        checkpoint.Read(name, found);
        Check.That(ReferenceRun.SameBits(found, expected), $"{name} on the disk has other bits than were saved");
    }

    private sealed class KilledException : Exception;
}
