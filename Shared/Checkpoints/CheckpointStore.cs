namespace Distributed.Checkpoints;

/// <summary>
/// A run's folder of checkpoints, for its one writer. A save is atomic: a temporary file in the same folder, fsync,
/// rename, fsync of the folder, and only then do <c>latest</c> and <c>best</c> move; whatever instant a crash comes at,
/// the newest sound checkpoint is whole. Kept are the last three, the best, and what any of these names as its best.
/// </summary>
public sealed class CheckpointStore
{
    /// <summary>The pointer to the newest checkpoint.</summary>
    public const string LatestName = "latest";

    /// <summary>The pointer to the checkpoint with the best parameters.</summary>
    public const string BestName = "best";

    private const int Kept = 3;

    private readonly IStorage _storage;
    private readonly CheckpointWriter _writer = new();
    private readonly Dictionary<CheckpointFileName, string?> _bestNamedBy = [];
    private readonly HashSet<string> _rejected = new(StringComparer.Ordinal);

    /// <summary>Opens a folder of checkpoints for writing; creates it and removes what a crashed writer left.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="CheckpointException">It can't be created or written.</exception>
    public CheckpointStore(string folder)
        : this(folder, new DiskStorage())
    {
    }

    internal CheckpointStore(string folder, IStorage storage)
    {
        Folder = folder;
        _storage = storage;
        try
        {
            DurableFolder.Create(folder, storage);
            foreach (string path in Directory.EnumerateFiles(folder, CheckpointFileName.TemporaryPrefix + "*"))
            {
                storage.Delete(path);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{folder}: checkpoints can't be written here " +
                $"({error.Message.TrimEnd('.')}); choose a folder with --runs where you may write.", error);
        }
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The file name of the best checkpoint so far; null: none.</summary>
    public string? Best { get; private set; }

    /// <summary>
    /// Finds the checkpoint to resume from: the newest sound one whose best one is sound too, so that the run ends with
    /// the same best parameters; where there is none such, the newest sound one, without a best.
    /// </summary>
    /// <param name="warnings">One sentence for each file that was rejected.</param>
    /// <returns>The checkpoint, or null where there is no sound one.</returns>
    public Checkpoint? LatestSound(out IReadOnlyList<string> warnings)
    {
        List<string> rejected = [];
        warnings = rejected;
        Checkpoint? latest = null;
        Best = null;
        foreach (CheckpointFileName name in CheckpointFileName.Find(Folder))
        {
            if (TryOpen(name.ToString(), rejected) is not { } found) continue;
            if (found.Best is { } best && !IsSound(best, found, rejected))
            {
                if (latest is null) latest = found;
                else found.Dispose();
                continue;
            }

            latest?.Dispose();
            latest = found;
            Best = found.Best;
            break;
        }

        string? chosen = Path.GetFileName(latest?.Path);
        _rejected.UnionWith(CheckpointFileName.Find(Folder).Select(name => name.ToString())
            .TakeWhile(name => name != chosen));
        return latest;
    }

    private bool IsSound(string best, Checkpoint named, List<string> rejected)
    {
        if (best == Path.GetFileName(named.Path)) return true;
        using Checkpoint? found = TryOpen(best, rejected);
        return found is not null;
    }

    private Checkpoint? TryOpen(string name, List<string> rejected)
    {
        try
        {
            return Checkpoint.OpenFile(Path.Combine(Folder, name));
        }
        catch (CheckpointException error)
        {
            if (!rejected.Contains(error.Message)) rejected.Add(error.Message);
            return null;
        }
    }

    /// <summary>Saves a checkpoint; when this returns it is on the disk and <c>latest</c> names it.</summary>
    /// <param name="content">What it holds.</param>
    /// <exception cref="CheckpointException">
    /// The disk is full or refuses; the checkpoints that were there are untouched and nothing half-written stays.
    /// </exception>
    public SavedCheckpoint Save(CheckpointContent content)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(content.Step);
        ArgumentOutOfRangeException.ThrowIfNegative(content.Epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(content.Fence);
        CheckpointFileName name = new(content.Step, content.Fence);
        string? best = content.IsBest ? name.ToString() : Best;
        string temporary = Path.Combine(Folder, CheckpointFileName.TemporaryPrefix + name);
        string path = Path.Combine(Folder, name.ToString());
        SavedCheckpoint saved;
        try
        {
            saved = Write(content, best ?? "", temporary, path);
            _storage.Move(temporary, path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            TryDelete(temporary);
            throw SaveErrors.NotSaved(path, CheckpointWriter.Measure(content, best ?? ""), error);
        }

        _bestNamedBy[name] = best;
        _rejected.Remove(name.ToString());
        try
        {
            _storage.SyncFolder(Folder);

            // Not before: the next checkpoint may outlive a power cut and must not name one that does not.
            Best = best;
            if (CheckpointFileName.Find(Folder)[0].Fence > name.Fence)
            {
                // A newer coordinator writes here: this one's checkpoint stays but is never chosen, and what else is
                // there is the other's to remove, who may not have moved the pointers from it yet.
                return saved;
            }

            MovePointers(name);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw SaveErrors.NotPointedTo(path, error);
        }

        RemoveOld();
        return saved;
    }

    private SavedCheckpoint Write(CheckpointContent content, string best, string temporary, string path)
    {
        using Stream stream = _storage.Create(temporary);
        (long bytes, string weights) = _writer.Write(stream, content, best);
        _storage.Flush(stream);
        return new SavedCheckpoint(path, bytes, weights);
    }

    private void MovePointers(CheckpointFileName name)
    {
        MovePointer(LatestName, name.ToString());
        if (Best is not null)
        {
            MovePointer(BestName, Best);
        }
        else if (CheckpointLocator.ReadPointer(Path.Combine(Folder, BestName)) is not null)
        {
            // An earlier coordinator's late save, of which this one knows nothing; its file goes too.
            _storage.Delete(Path.Combine(Folder, BestName));
        }

        _storage.SyncFolder(Folder);
    }

    private void MovePointer(string pointer, string target)
    {
        string path = Path.Combine(Folder, pointer);
        if (CheckpointLocator.ReadPointer(path) != target)
        {
            string temporary = Path.Combine(Folder, CheckpointFileName.TemporaryPrefix + pointer);
            _storage.CreatePointer(temporary, target);
            _storage.Move(temporary, path);
        }
    }

    private void RemoveOld()
    {
        List<CheckpointFileName> all = CheckpointFileName.Find(Folder);

        // A broken one takes no sound one's place.
        CheckpointFileName[] last = [.. all.Where(name => !_rejected.Contains(name.ToString())).Take(Kept)];
        HashSet<string> kept = [.. last.Select(name => name.ToString())];
        kept.UnionWith(last.Select(BestNamedBy).OfType<string>());
        if (Best is not null)
        {
            kept.Add(Best);
        }

        foreach (CheckpointFileName name in all.Where(name => !kept.Contains(name.ToString())))
        {
            TryDelete(Path.Combine(Folder, name.ToString()));
            _bestNamedBy.Remove(name);
        }
    }

    private string? BestNamedBy(CheckpointFileName name)
    {
        if (!_bestNamedBy.TryGetValue(name, out string? best))
        {
            try
            {
                using SafeTensorsFile file = SafeTensorsFile.Open(Path.Combine(Folder, name.ToString()));
                best = file.Metadata.GetValueOrDefault(CheckpointMetadata.Best);
            }
            catch (CheckpointException)
            {
                // A broken checkpoint names nothing.
            }

            _bestNamedBy[name] = best;
        }

        return best;
    }

    /// <summary>What can't be deleted now is deleted after another save, or when the folder is opened.</summary>
    private void TryDelete(string path)
    {
        try
        {
            _storage.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
        }
    }
}
