using Distributed.Checkpoints;
using Distributed.Execution;
using Distributed.Protocol;
using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator;

/// <summary>
/// Saves checkpoints in the background: copies the parameters when it is asked, writes the copy on another thread, and
/// tells how that went.
/// </summary>
internal sealed class CheckpointSaver : ICheckpointSaver, IDisposable
{
    private readonly CheckpointStore _checkpoints;
    private readonly ParameterStore _parameters;
    private readonly ParameterSnapshot _snapshot;
    private readonly RunSpecification _specification;
    private readonly SemaphoreSlim _idle = new(1);
    private volatile SavedCheckpoint? _last;

    public CheckpointSaver(CheckpointStore checkpoints, ParameterStore parameters, RunSpecification specification)
    {
        _checkpoints = checkpoints;
        _parameters = parameters;
        _specification = specification;
        _snapshot = new ParameterSnapshot(parameters.Layout, specification.Optimizer.StateNames);
    }

    /// <summary>The fence that this coordinator writes under.</summary>
    public required Fence Fence { get; init; }

    /// <summary>The names of the classes, for <c>predict</c>.</summary>
    public required IReadOnlyList<string> ClassNames { get; init; }

    /// <summary>Seconds of training so far.</summary>
    public required Func<double> TrainSeconds { get; init; }

    /// <summary>Told how a save went.</summary>
    public required Action<CoordinatorInput> Post { get; init; }

    /// <summary>Told of a broken invariant.</summary>
    public required Action<Exception> Fault { get; init; }

    /// <summary>The last checkpoint that this process saved; null: none yet.</summary>
    public SavedCheckpoint? Last => _last;

    /// <inheritdoc/>
    public void Save(SaveCheckpoint save)
    {
        // The role has one checkpoint written at a time, so this waits for nothing.
        _idle.Wait();
        _snapshot.Take(_parameters);
        CheckpointContent content = new()
        {
            Step = save.Progress.Step,
            Epoch = save.Progress.Epoch,
            Fence = checked((int)Fence.Value),
            Tensors = _snapshot.Tensors,
            Metadata = CheckpointMapping.Metadata(_specification, save.Progress, ClassNames, TrainSeconds()),
            IsBest = save.IsBest,
        };
        new Thread(() => Write(save.Id, content)) { IsBackground = true, Name = "checkpoint" }.Start();
    }

    /// <summary>Waits for a save that is under way.</summary>
    public void Dispose()
    {
        _idle.Wait();
        _snapshot.Dispose();
    }

    private void Write(long id, CheckpointContent content)
    {
        CoordinatorInput? outcome = null;
        try
        {
            _last = _checkpoints.Save(content);
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
            _idle.Release();
        }

        if (outcome is not null) Post(outcome);
    }
}
