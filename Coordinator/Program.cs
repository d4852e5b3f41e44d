using Distributed.Checkpoints;
using Distributed.Data;
using Distributed.Execution;
using Distributed.Learning;
using Distributed.Numerics;
using Distributed.Runtime;

namespace Distributed.Coordinator;

/// <summary>The coordinator's program: the front door.</summary>
internal static class Program
{
    private static Task<int> Main(string[] arguments)
    {
        if (OrphanGuard.IsAsked) OrphanGuard.Start(ExitCode.Stopped);
        return RunAsync(arguments, new CommandContext { IsTerminal = !Console.IsOutputRedirected });
    }

    /// <summary>
    /// Runs one command and returns the exit code. The user's mistakes become one line here, and only here.
    /// </summary>
    public static async Task<int> RunAsync(string[] arguments, CommandContext context)
    {
        try
        {
            return await CommandLine.RunAsync(arguments, context);
        }
        catch (Exception error) when (IsUserError(error))
        {
            context.Error.WriteLine($"error: {error.Message}");
            return ExitCode.UserError;
        }
        catch (Exception error)
        {
            context.Error.WriteLine($"error: a fault of this program, please report it: {error}");
            return ExitCode.Fault;
        }
    }

    private static bool IsUserError(Exception error) => error is UsageException or ModelException or DataException
        or CheckpointException or SpecificationException or LinkException or DeviceException;
}
