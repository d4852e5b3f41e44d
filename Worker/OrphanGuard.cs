using System.Runtime.InteropServices;
using Distributed.Runtime.Native;

namespace Distributed.Worker;

/// <summary>
/// Keeps a worker that a coordinator started from outliving it: the coordinator holds the other end of standard input,
/// which ends with its process however that dies; on Linux the kernel kills the worker too, even a stopped one.
/// Ctrl-C reaches the whole terminal group, and is the coordinator's to handle.
/// </summary>
internal static class OrphanGuard
{
    private static PosixSignalRegistration? _interrupt;

    public static void Start()
    {
        ThreadPriorities.DieWithParent();
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);
        new Thread(WatchParent) { IsBackground = true, Name = "parent watch" }.Start();
    }

    private static void WatchParent()
    {
        Stream input = Console.OpenStandardInput();
        byte[] buffer = new byte[16];
        while (input.Read(buffer) > 0)
        {
        }

        Environment.Exit(ExitCodes.CoordinatorLost);
    }
}
