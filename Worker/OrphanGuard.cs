using Distributed.Runtime.Native;

namespace Distributed.Worker;

/// <summary>
/// Keeps a worker that a coordinator started from outliving it: the coordinator holds the other end of standard input,
/// which ends with its process however that dies; on Linux the kernel kills the worker too, even a stopped one.
/// </summary>
internal static class OrphanGuard
{
    public static void Start()
    {
        ThreadPriorities.DieWithParent();
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
