using System.Runtime.InteropServices;

namespace Distributed.Runtime.Native;

/// <summary>Signals to other processes, where the system has them.</summary>
public static partial class Signals
{
    private const int TerminateSignal = 15;
    private const int ContinueSignal = 18;
    private const int StopSignal = 19;

    /// <summary>Whether there are any: Linux, whose numbers these are.</summary>
    public static bool AreSupported { get; } = OperatingSystem.IsLinux();

    /// <summary>Stands still until <see cref="Continue"/>; false: there is no such process.</summary>
    public static bool Stop(int processId) => AreSupported && Send(processId, StopSignal) == 0;

    /// <summary>Goes on; false: there is no such process.</summary>
    public static bool Continue(int processId) => AreSupported && Send(processId, ContinueSignal) == 0;

    /// <summary>Is asked to end; false: there is no such process.</summary>
    public static bool Terminate(int processId) => AreSupported && Send(processId, TerminateSignal) == 0;

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Send(int processId, int signal);
}
