using System.Runtime.InteropServices;

namespace Distributed.Numerics.Native;

/// <summary>
/// Has large blocks mapped one by one, so that their memory goes back to the system when they are freed. Left alone,
/// glibc takes all that is no larger than the largest block ever freed from heaps in which aligned blocks leave holes:
/// a worker that joins again and again would grow with every stay.
/// </summary>
internal static partial class LargeBlocks
{
    /// <summary>M_MMAP_THRESHOLD of glibc's malloc.h.</summary>
    private const int MapThreshold = -3;

    /// <summary>From this many bytes on, in the whole process. Other C libraries have no such setting, nor need
    /// it.</summary>
    public static void MapFrom(int bytes)
    {
        if (!OperatingSystem.IsLinux())
            return;
        try
        {
            _ = SetOption(MapThreshold, bytes);
        }
        catch (EntryPointNotFoundException)
        {
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int SetOption(int option, int value);
}
