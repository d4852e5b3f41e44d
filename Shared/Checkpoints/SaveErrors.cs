namespace Distributed.Checkpoints;

/// <summary>From the system's error while saving to a sentence for the user.</summary>
internal static class SaveErrors
{
    private const int NoSpaceLinux = 28;
    private const int QuotaLinux = 122;
    private const int QuotaMac = 69;
    private const int DiskFullWindows = unchecked((int)0x80070070);
    private const int HandleDiskFullWindows = unchecked((int)0x80070027);

    /// <summary>Nothing was saved.</summary>
    public static CheckpointException NotSaved(string path, long bytes, Exception error)
    {
        string size = $"{(bytes + 1023) / 1024:N0} KB";
        if (IsDiskFull(error))
        {
            return new($"{path}: the disk is full; this checkpoint needs {size} and was not saved, the previous one " +
                "stays; free some space.", error);
        }

        return error is UnauthorizedAccessException
            ? new($"{path}: no permission to write this checkpoint; the previous one stays.", error)
            : new($"{path}: the checkpoint can't be written ({error.Message.TrimEnd('.')}); it needs {size}, the " +
                "previous one stays.", error);
    }

    /// <summary>The checkpoint is there and readers find it, but the folder could not be brought up to date.</summary>
    public static CheckpointException NotPointedTo(string path, Exception error) =>
        new($"{path}: the checkpoint is there, but {CheckpointStore.LatestName} and {CheckpointStore.BestName} can't " +
            "be moved or the folder not be flushed " +
            $"({(IsDiskFull(error) ? "the disk is full" : error.Message.TrimEnd('.'))}); free some space or check " +
            "the disk.", error);

    /// <summary>On Unix .NET keeps the raw errno in HResult.</summary>
    public static bool IsDiskFull(Exception error) => error is IOException && (OperatingSystem.IsWindows()
        ? error.HResult is DiskFullWindows or HandleDiskFullWindows
        : error.HResult == NoSpaceLinux || error.HResult == (OperatingSystem.IsMacOS() ? QuotaMac : QuotaLinux));
}
