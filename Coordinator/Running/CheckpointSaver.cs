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
    private readonly CheckpointStore _checkpoints;
    private readonly ParameterStore _parameters;
    private readonly RunSpecification _specification;
    private readonly SemaphoreSlim _idle = new(1);
    private ParameterSnapshot? _free;
    private (ParameterSnapshot Snapshot, CheckpointContent Content)? _missedBest;
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

        // The role has one checkpoint written at a time, so this waits for nothing.
        _idle.Wait();
        ParameterSnapshot snapshot = _free ?? CreateSnapshot();
        _free = null;
        snapshot.Take(_parameters);
        CheckpointContent content = new()
        {
            Step = save.Progress.Step,
            Epoch = save.Progress.Epoch,
            Fence = checked((int)Fence.Value),
            Tensors = snapshot.Tensors,
            Metadata = CheckpointMapping.Metadata(_specification, save.Progress, ClassNames, TrainSeconds()),
            IsBest = save.IsBest,
        };
        new Thread(() => Write(save.Id, snapshot, content, begun)) { IsBackground = true, Name = "checkpoint" }.Start();
    }

    /// <summary>Waits for a save that is under way.</summary>
    public void Dispose()
    {
        _idle.Wait();
        _free?.Dispose();
        _missedBest?.Snapshot.Dispose();
    }

    private ParameterSnapshot CreateSnapshot() => new(_parameters.Layout, _specification.StateNames);

    private void Write(long id, ParameterSnapshot snapshot, CheckpointContent content, long begun)
    {
        CoordinatorInput? outcome = null;
        try
        {
            if (_missedBest is { } missed && !content.IsBest) _last = _checkpoints.Save(missed.Content);
            ForgetMissed();
            _last = _checkpoints.Save(content);
            outcome = new CheckpointSaved(id);
        }
        catch (CheckpointException error)
        {
            outcome = new CheckpointFailed(id, error.Message);
            if (content.IsBest)
            {
                ForgetMissed();
                _missedBest = (snapshot, content);
            }
        }
        catch (Exception error)
        {
            Fault(error);
        }
        finally
        {
            if (_missedBest?.Snapshot != snapshot) Free(snapshot);
            _idle.Release();
        }

        if (outcome is null) return;
        double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        Show(new CheckpointWritten(content.Step, seconds, (outcome as CheckpointFailed)?.Reason));
        Post(outcome);
    }

    private void ForgetMissed()
    {
        if (_missedBest is { } missed) Free(missed.Snapshot);
        _missedBest = null;
    }

    /// <summary>One snapshot is kept for the next save.</summary>
    private void Free(ParameterSnapshot snapshot)
    {
        if (_free is null) _free = snapshot;
        else snapshot.Dispose();
    }
}
