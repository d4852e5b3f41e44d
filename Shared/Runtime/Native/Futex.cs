using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Distributed.Runtime.Native;

/// <summary>Linux's futex on a word of shared memory: the cheapest way for one process to wake another.</summary>
internal static unsafe partial class Futex
{
    private const int WaitOperation = 0;
    private const int WakeOperation = 1;

    // The number of the system call is the architecture's.
    private static readonly int SystemCallNumber = RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 202,
        Architecture.Arm64 => 98,
        _ => 0,
    };

    /// <summary>Whether this system has it.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux() && SystemCallNumber != 0;

    /// <summary>Sleeps while the word holds <paramref name="expected"/>, until woken or for so long; may return early.
    /// </summary>
    public static void Wait(ref int word, int expected, int milliseconds)
    {
        Timeout timeout = new(milliseconds / 1000, milliseconds % 1000 * 1_000_000L);
        _ = SystemCall(SystemCallNumber, (int*)Unsafe.AsPointer(ref word), WaitOperation, expected, &timeout);
    }

    /// <summary>Wakes whoever waits on the word, in any process.</summary>
    public static void Wake(ref int word) =>
        _ = SystemCall(SystemCallNumber, (int*)Unsafe.AsPointer(ref word), WakeOperation, int.MaxValue, null);

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint SystemCall(nint number, int* word, nint operation, nint value, Timeout* timeout);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Timeout(long Seconds, long Nanoseconds);
}
