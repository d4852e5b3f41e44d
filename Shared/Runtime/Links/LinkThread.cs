namespace Distributed.Runtime;

/// <summary>Threads of links: named, and no reason for a process to stay.</summary>
internal static class LinkThread
{
    private const int StackBytes = 1 << 20;

    /// <summary>Runs it on this thread, which is one already.</summary>
    public static Thread Run(string name, ThreadStart run)
    {
        run();
        return Thread.CurrentThread;
    }

    public static Thread Start(string name, ThreadStart run)
    {
        Thread thread = new(run, StackBytes) { Name = name, IsBackground = true };
        thread.Start();
        return thread;
    }
}
