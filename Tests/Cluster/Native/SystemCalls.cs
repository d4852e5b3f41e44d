using System.Runtime.InteropServices;

namespace Distributed.Cluster.Native;

/// <summary>What the tests ask of Linux.</summary>
internal static partial class SystemCalls
{
    public const int Interrupt = 2;
    public const int Kill = 9;
    public const int Terminate = 15;
    public const int Continue = 18;
    public const int Stop = 19;

    public static void Signal(int processId, int signal)
    {
        if (!TrySignal(processId, signal))
            throw new IOException($"kill({processId}, {signal}) failed with errno {Marshal.GetLastPInvokeError()}.");
    }

    /// <summary>Sends a signal; false where there is no such process.</summary>
    public static bool TrySignal(int processId, int signal) => SendSignal(processId, signal) == 0;

    /// <summary>Mounts a small file system in memory; false where that is not allowed.</summary>
    public static bool MountMemory(string folder, string size) =>
        Mount("tmpfs", folder, "tmpfs", 0, $"size={size}") == 0;

    /// <summary>Gives a file system in memory another size.</summary>
    public static bool ResizeMemory(string folder, string size)
    {
        const ulong Remount = 32;
        return Mount("tmpfs", folder, "tmpfs", Remount, $"size={size}") == 0;
    }

    public static void UnmountMemory(string folder)
    {
        const int Detach = 2;
        _ = Unmount(folder, Detach);
    }

    /// <summary>Makes a pipe with a name: whoever opens it to read waits for a writer.</summary>
    public static void MakePipe(string path)
    {
        if (MakeFifo(path, Convert.ToUInt32("600", 8)) != 0)
            throw new IOException($"mkfifo({path}) failed with errno {Marshal.GetLastPInvokeError()}.");
    }

    [LibraryImport("libc", EntryPoint = "mkfifo", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeFifo(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int processId, int signal);

    [LibraryImport("libc", EntryPoint = "mount", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Mount(string source, string target, string type, ulong flags, string data);

    [LibraryImport("libc", EntryPoint = "umount2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Unmount(string target, int flags);
}
