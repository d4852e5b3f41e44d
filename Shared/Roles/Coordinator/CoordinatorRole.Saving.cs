namespace Distributed.Roles.Coordinator;

// Checkpoints: one is being written at a time; the next one that is due waits for it, and training with it.
public sealed partial class CoordinatorRole
{
    private TimeSpan _lastSave;
    private TrainingProgress _saved;
    private bool _saving;
    private bool _saveRequested;
    private bool _saveIsBest;
    private long _saveId;
    private string? _saveFailure;

    private bool IsSaved => _saved.Step == Progress.Step && _saved.Epoch == Progress.Epoch;

    private bool SaveIsWaiting => _saveRequested && _saving;

    private void SaveIfDue(TimeSpan now, List<CoordinatorEffect> effects)
    {
        if (!IsSaved)
        {
            int every = _settings.CheckpointEverySteps;
            if (every > 0 && Progress.Step % every == 0 && Progress.StepInEpoch > 0) _saveRequested = true;
            if (now - _lastSave >= _settings.CheckpointEvery) _saveRequested = true;
        }

        if (!_saveRequested || _saving) return;
        _saveRequested = false;
        if (IsSaved && _saveFailure is null) return;
        _saving = true;
        _lastSave = now;
        _saved = Progress;
        effects.Add(new SaveCheckpoint(++_saveId, Progress, _saveIsBest));
        _saveIsBest = false;
    }

    private void EndSave(long id, string? failure, List<CoordinatorEffect> effects)
    {
        if (id != _saveId) return;
        _saving = false;
        _saveFailure = failure;
        if (failure is not null) effects.Add(new Report(new Notice(failure)));
    }
}
