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

    /// <summary>A save that begins now; when what this returns has been called it is safe.</summary>
    /// <exception cref="CheckpointException">The disk refuses, when it is called.</exception>
    public Action Begin(Snapshot snapshot, bool isBest)
    {
        (int number, CheckpointContent content) = Remember(snapshot, isBest);
        CheckpointContent? missed = isBest ? null : _missedBest;
        _missedBest = null;
        return () =>
        {
            try
            {
                if (missed is not null) _store.Save(missed);
                missed = null;
                _store.Save(content);
            }
            catch (CheckpointException)
            {
                _missedBest ??= isBest ? content : missed;
                throw;
            }

            _disk.IsSafe(content.Fence, number);
        };
    }

    /// <summary>A best one that can't be saved yet.</summary>
    public void Miss(Snapshot snapshot) => _missedBest = Remember(snapshot, isBest: true).Content;

    private (int Number, CheckpointContent Content) Remember(Snapshot snapshot, bool isBest)
    {
        int number = _disk.Remember(snapshot);
        return (number, new CheckpointContent
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
        });
    }

    private Snapshot Load()
    {
        using Checkpoint? latest = _store.LatestSound(out IReadOnlyList<string> warnings);
        (int, int) found = latest is null ? (0, -1) : (latest.Fence, SimulatedDisk.NumberOf(latest));
        // One that names a damaged best gives way to an older one.
        Check.That(
            found.CompareTo(_disk.Safe) >= 0 || (_disk.HasDamage && warnings.Count > 0),
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
