using System.Globalization;
using Distributed.Checkpoints;
using Distributed.Protocol;
using Distributed.Roles.Coordinator;

namespace Distributed.Simulation;

/// <summary>What a checkpoint holds: where the run stands, and the values that belong to it.</summary>
internal sealed record Snapshot(
    TrainingProgress Progress, float[] Parameters, float[] Momentum, float[] Average, float[]? Best);

/// <summary>
/// One coordinator's way to the disk: claims a fence, finds what to go on from, saves. As in the real shell, a best
/// checkpoint that could not be saved is saved before the next one.
/// </summary>
internal sealed class CheckpointFolder
{
    private readonly ClusterSimulation _simulation;
    private readonly SimulatedDisk _disk;
    private readonly CheckpointStore _store;
    private CheckpointContent? _missedBest;

    /// <exception cref="CheckpointException">The disk is full.</exception>
    public CheckpointFolder(ClusterSimulation simulation)
    {
        _simulation = simulation;
        _disk = simulation.Disk;
        Fence = new Fence(FenceClaim.Claim(_disk.Folder, _disk.Storage).Number);
        _store = new CheckpointStore(_disk.Folder, _disk.Storage);
        Start = Load();
    }

    public Fence Fence { get; }

    /// <summary>Where the run goes on.</summary>
    public Snapshot Start { get; }

    /// <summary>Saves; when this returns it is safe.</summary>
    /// <exception cref="CheckpointException">The disk refuses.</exception>
    public void Save(Snapshot snapshot, bool isBest)
    {
        int number = _disk.Remember(snapshot);
        CheckpointContent content = new()
        {
            Step = snapshot.Progress.Step,
            Epoch = snapshot.Progress.Epoch,
            Fence = checked((int)Fence.Value),
            IsBest = isBest,
            Metadata = new Dictionary<string, string> { ["number"] = number.ToString(CultureInfo.InvariantCulture) },
            Tensors =
            [
                new TensorSource("parameters", [snapshot.Parameters.Length], snapshot.Parameters),
                new TensorSource("optimizer.momentum.parameters", [snapshot.Momentum.Length], snapshot.Momentum),
                new TensorSource("optimizer.average.parameters", [snapshot.Average.Length], snapshot.Average),
            ],
        };
        try
        {
            if (_missedBest is { } missed && !isBest) _store.Save(missed);
            _missedBest = null;
            _store.Save(content);
        }
        catch (CheckpointException) when (isBest)
        {
            _missedBest = content;
            throw;
        }

        _disk.IsSafe(content.Fence, number);
    }

    private Snapshot Load()
    {
        using Checkpoint? latest = _store.LatestSound(out IReadOnlyList<string> warnings);
        (int, int) found = latest is null ? (0, -1) : (latest.Fence, SimulatedDisk.NumberOf(latest));
        Check.That(
            found.CompareTo(_disk.Safe) >= 0,
            $"checkpoint {found} is found and {_disk.Safe} was safe ({string.Join(' ', warnings)})");
        Check.That(latest is null || latest.Fence < Fence.Value, $"fence {Fence} was there before it was claimed");
        _disk.CheckPointers();
        if (latest is null) return Initial();
        Snapshot snapshot = _disk.SnapshotOf(latest);
        if (_store.Best is not { } name)
        {
            Check.That(snapshot.Progress.BestEpoch == 0, $"the best parameters are lost");
            return snapshot with { Best = null };
        }

        using Checkpoint file = Checkpoint.Open(Path.Combine(_disk.Folder, name));
        Snapshot best = _disk.SnapshotOf(file);
        Check.That(
            best.Progress.BestEpoch == snapshot.Progress.BestEpoch,
            $"the best of epoch {best.Progress.BestEpoch} is on the disk, and {snapshot.Progress.BestEpoch} is better");
        return snapshot with { Best = _simulation.Problem.EvaluatesAverage ? best.Average : best.Parameters };
    }

    private static Snapshot Initial()
    {
        float[] initial = ToyProblem.InitialParameters();
        return new Snapshot(new TrainingProgress(), initial, new float[initial.Length], initial, null);
    }
}
