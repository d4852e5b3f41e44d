namespace Distributed.Worker;

/// <summary>The worker's exit codes.</summary>
internal static class ExitCodes
{
    public const int Done = 0;
    public const int Fault = 1;
    public const int UserError = 2;
    public const int CoordinatorLost = 3;
}
