namespace Distributed.Checkpoints.Tests;

/// <summary>What becomes of one change that was not synced when the power goes.</summary>
internal enum Fate
{
    Lost,
    Torn,
    Kept,
}

/// <summary>
/// What a disk promises and no more: data are safe after the file's flush, names (new, changed, removed) after their
/// folder's. Of the changes since then any may be there after a power cut and any not, and half of a write may be: so
/// they also come in any order.
/// </summary>
internal sealed class DurableDisk
{
    private readonly Dictionary<string, Entry> _safe = new(StringComparer.Ordinal);
    private readonly List<Change> _pending = [];

    /// <summary>Changes that were not synced.</summary>
    public int Pending => _pending.Count;

    /// <summary>Names a file, link or folder, or removes the name (null).</summary>
    public void Name(string path, Entry? entry) => _pending.Add(new NameChange(path, entry));

    public void Write(FileEntry file, long position, byte[] data) =>
        _pending.Add(new DataChange(file, position, data));

    public void Flush(FileEntry file)
    {
        foreach (DataChange change in _pending.OfType<DataChange>().Where(change => change.File == file))
            Put(file.Safe, change, change.Data.Length);
        _pending.RemoveAll(change => change is DataChange data && data.File == file);
    }

    public void SyncFolder(string folder)
    {
        foreach (NameChange change in _pending.OfType<NameChange>().Where(IsIn)) Apply(_safe, change);
        _pending.RemoveAll(change => change is NameChange name && IsIn(name));

        bool IsIn(NameChange change) => Path.GetDirectoryName(change.Path) == folder;
    }

    /// <summary>Which changes may have survived: none, all, all but one, only one, one torn, and some at random.
    /// </summary>
    public IEnumerable<Fate[]> Fates(Random random, int chosenAtRandom)
    {
        yield return All(Fate.Lost);
        if (Pending == 0) yield break;
        yield return All(Fate.Kept);
        for (int one = 0; one < Pending; one++)
        {
            yield return With(All(Fate.Kept), one, Fate.Lost);
            yield return With(All(Fate.Lost), one, Fate.Kept);
            if (_pending[one] is DataChange) yield return With(All(Fate.Kept), one, Fate.Torn);
        }

        for (int i = 0; i < chosenAtRandom; i++)
            yield return [.. Enumerable.Range(0, Pending).Select(_ => (Fate)random.Next(3))];

        Fate[] All(Fate fate) => [.. Enumerable.Repeat(fate, Pending)];
        static Fate[] With(Fate[] fates, int index, Fate fate)
        {
            fates[index] = fate;
            return fates;
        }
    }

    /// <summary>What is on the disk after a power cut: by path, a file's bytes, a link's target, or null for a folder.
    /// </summary>
    public SortedDictionary<string, object?> After(Fate[] fates)
    {
        Dictionary<string, Entry> names = new(_safe, StringComparer.Ordinal);
        Dictionary<FileEntry, MemoryStream> contents = [];
        for (int i = 0; i < Pending; i++)
        {
            if (fates[i] == Fate.Lost) continue;
            if (_pending[i] is DataChange data)
                Put(ContentOf(data.File), data, fates[i] == Fate.Kept ? data.Data.Length : data.Data.Length / 2);
            else Apply(names, (NameChange)_pending[i]);
        }

        SortedDictionary<string, object?> found = new(StringComparer.Ordinal);
        foreach ((string path, Entry entry) in names)
        {
            if (!IsReachable(names, path)) continue;
            found[path] = entry switch
            {
                FileEntry file => (contents.GetValueOrDefault(file) ?? file.Safe).ToArray(),
                LinkEntry link => link.Target,
                _ => null,
            };
        }

        return found;

        MemoryStream ContentOf(FileEntry file)
        {
            if (contents.TryGetValue(file, out MemoryStream? content)) return content;
            content = new MemoryStream();
            content.Write(file.Safe.ToArray());
            return contents[file] = content;
        }
    }

    /// <summary>Where an earlier write is missing, a hole of zeros stays.</summary>
    private static void Put(MemoryStream content, DataChange change, int length)
    {
        content.Position = change.Position;
        content.Write(change.Data.AsSpan(0, length));
    }

    private static bool IsReachable(Dictionary<string, Entry> names, string path) =>
        Path.GetDirectoryName(path) is not { Length: > 0 } parent
        || (names.GetValueOrDefault(parent) is FolderEntry && IsReachable(names, parent));

    private static void Apply(Dictionary<string, Entry> names, NameChange change)
    {
        if (change.Entry is null) names.Remove(change.Path);
        else names[change.Path] = change.Entry;
    }

    private abstract class Change;

    private sealed class NameChange(string path, Entry? entry) : Change
    {
        public string Path => path;

        public Entry? Entry => entry;
    }

    private sealed class DataChange(FileEntry file, long position, byte[] data) : Change
    {
        public FileEntry File => file;

        public long Position => position;

        public byte[] Data => data;
    }

    /// <summary>What a name stands for.</summary>
    internal abstract class Entry;

    internal sealed class FolderEntry : Entry;

    internal sealed class LinkEntry(string target) : Entry
    {
        public string Target => target;
    }

    internal sealed class FileEntry : Entry
    {
        /// <summary>What was flushed.</summary>
        public MemoryStream Safe { get; } = new();
    }
}
