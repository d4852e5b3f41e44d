namespace Distributed.Roles.Coordinator;

// Checkpoints: one is being written at a time; the next one that is due waits for it, and training with it.
public sealed partial class CoordinatorRole
{
    private TimeSpan _lastSave;
    private TimeSpan _saveNotice;
    private TrainingProgress _saved;
    private bool _saving;
    private bool _saveRequested;
    private bool _saveIsBest;
    private long _saveId;
    private string? _saveFailure;

    private bool IsSaved => _saved.Step == Progress.Step && _saved.Epoch == Progress.Epoch;

    /// <summary>When something is to be said or done about a checkpoint that is being written.</summary>
    private TimeSpan? SaveOverdue => _saving ? _saveNotice : null;

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
        _saveNotice = now + _settings.SaveNotice;
        _saved = Progress;
        effects.Add(new SaveCheckpoint(++_saveId, Progress, _saveIsBest));
        _saveIsBest = false;
    }

    /// <summary>A disk that hangs must hold nobody up for ever.</summary>
    private void CheckSave(TimeSpan now, List<CoordinatorEffect> effects)
    {
        if (!_saving || now < _saveNotice) return;
        TimeSpan deadline = _lastSave + _settings.SaveDeadline;
        string waited = $"has not reached the disk for {(now - _lastSave).TotalSeconds:0} s";
        if (now < deadline)
        {
            _saveNotice = now + _settings.SaveNotice < deadline ? now + _settings.SaveNotice : deadline;
            string doing = SaveIsWaiting || _stopping || IsTested ? "the run waits for it" : "training goes on";
            effects.Add(new Report(new Notice(
                $"The checkpoint of step {_saved.Step} {waited}; {doing}, and gives it up after "
                + $"{_settings.SaveDeadline.TotalSeconds:0} s.")));
            return;
        }

        EndSave(_saveId, $"The checkpoint of step {_saved.Step} {waited} and is given up; the run goes on from an "
            + "earlier one if it ends now. Does the disk answer?", effects);
        _saveId++; // its late answer is nobody's
    }

    private void EndSave(long id, string? failure, List<CoordinatorEffect> effects)
    {
        if (id != _saveId) return;
        _saving = false;
        _saveFailure = failure;
        if (failure is not null) effects.Add(new Report(new Notice(failure)));
    }
}
