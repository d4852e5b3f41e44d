using System.CommandLine;

namespace Distributed.Coordinator;

/// <summary><c>verify</c>: every hash and the ledger of a checkpoint, or of all of a run.</summary>
internal static class VerifyCommand
{
    private static readonly Argument<string> Path = new("CHECKPOINT|RUN")
    {
        Description = "A checkpoint, or a run's folder.",
    };

    /// <summary>The command.</summary>
    public static Command Create(CommandContext context)
    {
        Command command = new("verify", "Check every hash and the ledger of a checkpoint or a run.") { Path };
        command.SetAction(parsed =>
        {
            Verification verification = new(parsed.GetRequiredValue(Path));
            foreach (string line in verification.Sound) context.Output.WriteLine($"OK  {line}");
            foreach (string sentence in verification.Broken) context.Error.WriteLine($"error: {sentence}");
            return verification.Broken.Count == 0 ? ExitCode.Done : ExitCode.UserError;
        });
        return command;
    }
}
