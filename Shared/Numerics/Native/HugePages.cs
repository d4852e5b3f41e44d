using System.Runtime.InteropServices;

namespace Distributed.Numerics.Native;

/// <summary>Asks for large pages behind large blocks, where the system has them.</summary>
internal static unsafe partial class HugePages
{
    /// <summary>Bytes of a large page.</summary>
    public const uint Size = 2 * 1024 * 1024;

    private const int AdviseHugePage = 14;

    /// <summary>
    /// Asks Linux for large pages behind a block that starts at a multiple of <see cref="Size"/>. What it answers
    /// changes only speed, so it isn't looked at.
    /// </summary>
    public static void Advise(void* block, nuint bytes)
    {
        if (OperatingSystem.IsLinux())
            _ = Advise(block, bytes, AdviseHugePage);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* start, nuint length, int advice);
}
