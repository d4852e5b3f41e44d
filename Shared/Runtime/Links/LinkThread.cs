namespace Distributed.Runtime;

/// <summary>Threads of links: named, and no reason for a process to stay.</summary>
internal static class LinkThread
{
    private const int StackBytes = 1 << 20;

    public static Thread Start(string name, ThreadStart run)
    {
        Thread thread = new(run, StackBytes) { Name = name, IsBackground = true };
        thread.Start();
        return thread;
    }
}
