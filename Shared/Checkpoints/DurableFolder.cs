namespace Distributed.Checkpoints;

/// <summary>Names that are still there after a power cut.</summary>
public static class DurableFolder
{
    /// <summary>
    /// Creates a folder and those above it that are missing; when this returns, the names of the new ones are on the
    /// disk, so that what is flushed into them later is not lost with them.
    /// </summary>
    /// <param name="path">The folder.</param>
    /// <exception cref="IOException">The system refused.</exception>
    /// <exception cref="UnauthorizedAccessException">The system refused.</exception>
    public static void Create(string path) => Create(path, new DiskStorage());

    /// <summary>Returns when the folder's names, renamed and removed ones too, are on the disk.</summary>
    /// <param name="path">The folder.</param>
    /// <exception cref="IOException">The system refused.</exception>
    public static void Flush(string path) => new DiskStorage().SyncFolder(path);

    internal static void Create(string path, IStorage storage)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is not { } parent) return;
        if (!Directory.Exists(parent)) Create(parent, storage);
        storage.CreateFolder(path);

        // Also where it was there: whoever created it may have died, or been refused, before this.
        try
        {
            storage.SyncFolder(parent);
        }
        catch (UnauthorizedAccessException)
        {
            // One that may be passed through and not read: whoever owns it has made the folder and seen to it.
        }
    }
}
