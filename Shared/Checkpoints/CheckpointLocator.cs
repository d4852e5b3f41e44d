namespace Distributed.Checkpoints;

/// <summary>From what a user names to a file: folders, runs, and the pointers <c>latest</c> and <c>best</c>.</summary>
internal static class CheckpointLocator
{
    /// <summary>A run keeps its checkpoints in this folder.</summary>
    public const string RunSubfolder = "checkpoints";

    private const int PointerLength = 255;

    /// <summary>The folder of checkpoints that a path means; null where it does not name a folder.</summary>
    public static string? FolderOf(string path)
    {
        if (!Directory.Exists(path))
        {
            return null;
        }

        string inner = Path.Combine(path, RunSubfolder);
        return Directory.Exists(inner) ? inner : path;
    }

    /// <summary>Follows a one-line pointer file; links are followed by the system.</summary>
    public static string Resolve(string path) =>
        ReadPointer(path) is { } target ? Path.Combine(Path.GetDirectoryName(path) ?? "", target) : path;

    /// <summary>The file name that a pointer names, a link or a one-line file; null where it is neither.</summary>
    public static string? ReadPointer(string path)
    {
        try
        {
            FileInfo file = new(path);
            if (file.LinkTarget is { } link)
            {
                return CheckpointFileName.TryParse(link) is null ? null : link;
            }

            if (!file.Exists || file.Length > PointerLength)
            {
                return null;
            }

            string line = File.ReadAllText(path).Trim();
            return CheckpointFileName.TryParse(line) is null ? null : line;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>
    /// Opens the newest sound checkpoint, or the one that it names as the best. The pointers are not asked: a stale
    /// coordinator may have moved them, whereas the highest fence always tells the truth.
    /// </summary>
    public static Checkpoint OpenFolder(string folder, CheckpointChoice choice)
    {
        Checkpoint latest = Checkpoint.LatestSound(folder, out IReadOnlyList<string> warnings)
            ?? throw NoneIn(folder, warnings);
        if (choice == CheckpointChoice.Latest || latest.Best is null || latest.Best == Path.GetFileName(latest.Path))
        {
            return latest;
        }

        using (latest)
        {
            return Checkpoint.OpenFile(Path.Combine(folder, latest.Best));
        }
    }

    private static CheckpointException NoneIn(string folder, IReadOnlyList<string> warnings) => new(warnings.Count == 0
        ? $"{folder}: there is no checkpoint in this folder; train first, or name another folder."
        : $"{folder}: none of the {warnings.Count} checkpoints is sound; the newest: {warnings[0]}");
}
