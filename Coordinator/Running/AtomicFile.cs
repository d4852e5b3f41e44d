namespace Distributed.Coordinator;

/// <summary>Small files that are either as they were or as they shall be, whenever the process is killed.</summary>
internal static class AtomicFile
{
    private const string TemporaryPrefix = ".temporary-";

    /// <summary>Writes a file or replaces it.</summary>
    /// <exception cref="UsageException">The disk is full or refuses; what was there stays.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        string temporary = Temporary(path);
        try
        {
            using (FileStream stream = new(temporary, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            TryDelete(temporary);
            throw new UsageException($"{path}: the file can't be written ({error.Message.TrimEnd('.')}).");
        }
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
