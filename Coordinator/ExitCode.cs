namespace Distributed.Coordinator;

/// <summary>What the program's exit code says.</summary>
internal static class ExitCode
{
    /// <summary>All was done.</summary>
    public const int Done = 0;

    /// <summary>A fault of the program.</summary>
    public const int Fault = 1;

    /// <summary>The user's mistake, a broken file, or a loss that is no longer finite.</summary>
    public const int UserError = 2;

    /// <summary>Stopped; the same command goes on.</summary>
    public const int Stopped = 3;
}
