using Distributed.Checkpoints;

namespace Distributed.Coordinator;

/// <summary>
/// Small files that are either as they were or as they shall be, whenever the process is killed or the power goes.
/// </summary>
internal static class AtomicFile
{
    private const string TemporaryPrefix = ".temporary-";

    /// <summary>Writes a file or replaces it; when this returns, it is on the disk under its name.</summary>
    /// <param name="path">The file.</param>
    /// <param name="content">All that it holds.</param>
    /// <param name="ownerOnly">Whether nobody but its owner may read it, where the system has such permissions.</param>
    /// <exception cref="UsageException">The disk is full or refuses; what was there stays.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content, bool ownerOnly = false)
    {
        string temporary = Temporary(path);
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0 };
        if (ownerOnly && !OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        try
        {
            // What was left by a process that was killed has permissions of its own.
            File.Delete(temporary);
            using (FileStream stream = new(temporary, options))
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }

            Replace(temporary, path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            TryDelete(temporary);
            throw new UsageException($"{path}: the file can't be written ({error.Message.TrimEnd('.')}).");
        }
    }

    /// <summary>Gives a file that was flushed its final name, and returns when that is on the disk.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    /// <exception cref="UnauthorizedAccessException">The disk refuses.</exception>
    public static void Replace(string temporary, string path)
    {
        File.Move(temporary, path, overwrite: true);
        DurableFolder.Flush(Path.GetDirectoryName(path)!);
    }

    /// <summary>Removes a file; no error where there is none.</summary>
    /// <exception cref="UsageException">The disk refuses.</exception>
    public static void Delete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path}: the file can't be removed ({error.Message.TrimEnd('.')}).");
        }
    }

    /// <summary>The name that a file has until it is whole.</summary>
    public static string Temporary(string path) =>
        Path.Combine(Path.GetDirectoryName(path)!, TemporaryPrefix + Path.GetFileName(path));

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It is replaced by the next write.
        }
    }
}
