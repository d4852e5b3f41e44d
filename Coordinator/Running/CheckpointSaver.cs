using System.Diagnostics;
using Distributed.Checkpoints;
using Distributed.Execution;
using Distributed.Protocol;
using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator;

/// <summary>
/// Saves checkpoints in the background: copies the parameters when it is asked, writes the copy on another thread, and
/// tells how that went. The best one, where it could not be saved, is kept in memory and saved before the next.
/// </summary>
internal sealed class CheckpointSaver : ICheckpointSaver, IDisposable
{
    /// <summary>How long the end of a run that broke waits for a checkpoint; the role waits longer for its last one.
    /// </summary>
    private static readonly TimeSpan LastDeadline = TimeSpan.FromSeconds(30);

    private readonly CheckpointStore _checkpoints;
    private readonly ParameterStore _parameters;
    private readonly RunSpecification _specification;
    private readonly SemaphoreSlim _idle = new(1);
    private readonly Lock _missing = new();
    private ParameterSnapshot? _free;
    private Pending? _missedBest;
    private volatile SavedCheckpoint? _last;

    public CheckpointSaver(CheckpointStore checkpoints, ParameterStore parameters, RunSpecification specification)
    {
        _checkpoints = checkpoints;
        _parameters = parameters;
        _specification = specification;
        _free = CreateSnapshot();
    }

    /// <summary>The fence that this coordinator writes under.</summary>
    public required Fence Fence { get; init; }

    /// <summary>The names of the classes, for <c>predict</c>.</summary>
    public required IReadOnlyList<string> ClassNames { get; init; }

    /// <summary>Seconds of training so far.</summary>
    public required Func<double> TrainSeconds { get; init; }

    /// <summary>Told how a save went.</summary>
    public required Action<CoordinatorInput> Post { get; init; }

    /// <summary>Shown what was written.</summary>
    public Action<RunEvent> Show { get; init; } = _ => { };

    /// <summary>Told of a broken invariant.</summary>
    public required Action<Exception> Fault { get; init; }

    /// <summary>The last checkpoint that this process saved; null: none yet.</summary>
    public SavedCheckpoint? Last => _last;

    /// <inheritdoc/>
    public void Save(SaveCheckpoint save)
    {
        long begun = Stopwatch.GetTimestamp();

        // The role has one checkpoint written at a time, and gives up one whose disk hangs.
        bool isIdle = _idle.Wait(0);
        if (!isIdle && save.IsBest) Miss(Take(CreateSnapshot(), save), isNewest: true);
        if (!isIdle)
        {
            Post(new CheckpointFailed(save.Id, $"The checkpoint of step {save.Progress.Step} is not written: the "
                + $"disk of {_checkpoints.Folder} has not taken the one before it yet."));
            return;
        }

        Pending pending = Take(_free ?? CreateSnapshot(), save);
        _free = null;
        Pending? missed = TakeMissed();
        new Thread(() => Write(save.Id, pending, missed, begun)) { IsBackground = true, Name = "checkpoint" }.Start();
    }

    /// <summary>Waits for a save that is under way; not for ever.</summary>
    public void Dispose()
    {
        if (!_idle.Wait(LastDeadline))
        {
            Show(new Notice($"A checkpoint has not reached the disk of {_checkpoints.Folder} within "
                + $"{LastDeadline.TotalSeconds:0} s more; it is left, and the run goes on from an earlier one."));
            return;
        }

        _free?.Dispose();
        TakeMissed()?.Snapshot.Dispose();
    }

    private ParameterSnapshot CreateSnapshot() => new(_parameters.Layout, _specification.StateNames);

    private Pending Take(ParameterSnapshot snapshot, SaveCheckpoint save)
    {
        snapshot.Take(_parameters);
        return new Pending(snapshot, new CheckpointContent
        {
            Step = save.Progress.Step,
            Epoch = save.Progress.Epoch,
            Fence = checked((int)Fence.Value),
            Tensors = snapshot.Tensors,
            Metadata = CheckpointMapping.Metadata(_specification, save.Progress, ClassNames, TrainSeconds()),
            IsBest = save.IsBest,
        });
    }

    private void Write(long id, Pending pending, Pending? missed, long begun)
    {
        CoordinatorInput? outcome = null;
        Pending? unsaved = pending.Content.IsBest ? pending : missed; // the best one that is on no disk
        try
        {
            if (missed is not null && unsaved == missed)
            {
                _last = _checkpoints.Save(missed.Content);
                unsaved = null;
            }

            _last = _checkpoints.Save(pending.Content);
            unsaved = null;
            outcome = new CheckpointSaved(id);
        }
        catch (CheckpointException error)
        {
            outcome = new CheckpointFailed(id, error.Message);
        }
        catch (Exception error)
        {
            Fault(error);
        }
        finally
        {
            if (unsaved is not null) Miss(unsaved, isNewest: false);
            foreach (Pending? done in (Pending?[])[pending, missed])
            {
                if (done is not null && done != unsaved) Free(done.Snapshot);
            }

            _idle.Release();
        }

        if (outcome is null) return;
        double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        Show(new CheckpointWritten(pending.Content.Step, seconds, (outcome as CheckpointFailed)?.Reason));
        Post(outcome);
    }

    /// <summary>Keeps the best one that could not be saved; the newest of several.</summary>
    private void Miss(Pending best, bool isNewest)
    {
        lock (_missing)
        {
            Pending? lesser = isNewest ? _missedBest : best;
            if (_missedBest is null || isNewest) _missedBest = best;
            if (lesser != _missedBest) lesser?.Snapshot.Dispose();
        }
    }

    private Pending? TakeMissed()
    {
        lock (_missing)
        {
            Pending? missed = _missedBest;
            _missedBest = null;
            return missed;
        }
    }

    /// <summary>One snapshot is kept for the next save. For whoever is not idle.</summary>
    private void Free(ParameterSnapshot snapshot)
    {
        if (_free is null) _free = snapshot;
        else snapshot.Dispose();
    }

    /// <summary>What is to be written.</summary>
    private sealed record Pending(ParameterSnapshot Snapshot, CheckpointContent Content);
}
