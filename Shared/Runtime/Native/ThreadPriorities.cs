using System.Runtime.InteropServices;

namespace Distributed.Runtime.Native;

/// <summary>Priorities of threads and what happens to a process whose parent dies, where the system has them.</summary>
public static partial class ThreadPriorities
{
    private const int PriorityOfThread = 0;
    private const int ParentDeathSignal = 1;
    private const int Kill = 9;

    /// <summary>
    /// Lowers the calling thread to nice +5, so that links and heartbeats come before compute. .NET's thread priorities
    /// do nothing on Linux; elsewhere they are used.
    /// </summary>
    public static void LowerForCompute() => Lower(5, ThreadPriority.BelowNormal);

    /// <summary>
    /// Lowers the calling thread to nice +19, so that what is done ahead takes the time that compute leaves.
    /// </summary>
    public static void LowerForLoading() => Lower(19, ThreadPriority.Lowest);

    /// <summary>
    /// Asks Linux to kill this process when the thread that started it ends, even if it is stopped then.
    /// </summary>
    public static void DieWithParent()
    {
        if (OperatingSystem.IsLinux()) _ = ProcessControl(ParentDeathSignal, Kill, 0, 0, 0);
    }

    private static void Lower(int nice, ThreadPriority priority)
    {
        if (OperatingSystem.IsLinux()) _ = SetPriority(PriorityOfThread, 0, nice);
        else Thread.CurrentThread.Priority = priority;
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, uint who, int priority);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int ProcessControl(int option, nuint a, nuint b, nuint c, nuint d);
}
