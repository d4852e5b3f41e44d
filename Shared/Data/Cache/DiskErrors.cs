namespace Distributed.Data;

/// <summary>What the system's errors mean.</summary>
internal static class DiskErrors
{
    // ENOSPC everywhere but on Windows, EDQUOT of Linux and of macOS, ERROR_DISK_FULL and ERROR_HANDLE_DISK_FULL.
    private static readonly int[] Full = [28, 122, 69, unchecked((int)0x80070070), unchecked((int)0x80070027)];

    // EWOULDBLOCK of Linux and of macOS, ERROR_SHARING_VIOLATION.
    private static readonly int[] InUse = [11, 35, unchecked((int)0x80070020)];

    /// <summary>Whether the disk is full, or what the user may have of it.</summary>
    public static bool IsFull(Exception error) => error is IOException && Full.Contains(error.HResult);

    /// <summary>Whether another process has locked the file.</summary>
    public static bool IsInUse(Exception error) => error is IOException && InUse.Contains(error.HResult);
}
