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
    public static void LowerForCompute()
    {
        if (OperatingSystem.IsLinux()) _ = SetPriority(PriorityOfThread, 0, 5);
        else Thread.CurrentThread.Priority = ThreadPriority.BelowNormal;
    }

    /// <summary>
    /// Asks Linux to kill this process when the thread that started it ends, even if it is stopped then.
    /// </summary>
    public static void DieWithParent()
    {
        if (OperatingSystem.IsLinux()) _ = ProcessControl(ParentDeathSignal, Kill, 0, 0, 0);
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, uint who, int priority);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int ProcessControl(int option, nuint a, nuint b, nuint c, nuint d);
}
