using System.Runtime.InteropServices;

namespace Distributed.Checkpoints.Native;

/// <summary>fsync of a folder: a rename survives a power cut only once its folder is on the disk (POSIX).</summary>
internal static partial class FolderSync
{
    private const int ReadOnly = 0;
    private const int InvalidArgument = 22;
    private const int AccessDenied = 13;

    /// <summary>
    /// Returns when the folder's names are on the disk. Windows has no such call and needs none; a file system that
    /// knows no fsync of folders says EINVAL, and then there is nothing more to do.
    /// </summary>
    /// <exception cref="UnauthorizedAccessException">This user may not read the folder.</exception>
    /// <exception cref="IOException">The system refused.</exception>
    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        int descriptor = Open(folder, ReadOnly);
        if (descriptor < 0)
        {
            throw Failed(folder);
        }

        try
        {
            if (Sync(descriptor) != 0 && Marshal.GetLastPInvokeError() != InvalidArgument)
            {
                throw Failed(folder);
            }
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    private static Exception Failed(string folder)
    {
        int error = Marshal.GetLastPInvokeError();
        return error == AccessDenied ? new UnauthorizedAccessException($"{folder}: no permission to read this folder")
            : new IOException($"{folder}: {Marshal.GetPInvokeErrorMessage(error)}", error);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
