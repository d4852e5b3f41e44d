namespace Distributed.Runtime;

/// <summary>
/// Keeps a process from outliving the one that started it: that one holds the other end of standard input, which ends
/// with its process however that dies.
/// </summary>
public static class OrphanGuard
{
    /// <summary>
    /// The environment variable by which a program asks those that it starts, and those that they start, to end with
    /// their standard input; any value does.
    /// </summary>
    public const string Variable = "DISTRIBUTED_END_WITH_INPUT";

    /// <summary>Whether whoever started this process asked for it.</summary>
    public static bool IsAsked => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 };

    /// <summary>Watches from now on, on a thread of its own.</summary>
    /// <param name="exitCode">What this process ends with when its standard input does.</param>
    public static void Start(int exitCode) =>
        new Thread(() => WatchParent(exitCode)) { IsBackground = true, Name = "parent watch" }.Start();

    private static void WatchParent(int exitCode)
    {
        Stream input = Console.OpenStandardInput();
        byte[] buffer = new byte[16];
        while (input.Read(buffer) > 0)
        {
        }

        Environment.Exit(exitCode);
    }
}
