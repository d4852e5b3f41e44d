using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using Distributed.Execution;
using Distributed.Numerics;
using Distributed.Runtime;

namespace Distributed.Coordinator;

/// <summary>The commands, and what a mistake in calling them is called.</summary>
internal static class CommandLine
{
    /// <summary>Parses and runs a command line.</summary>
    /// <exception cref="UsageException">It names no command, an unknown option, or lacks a value.</exception>
    public static async Task<int> RunAsync(string[] arguments, CommandContext context)
    {
        RootCommand root = Create(context);
        ParserConfiguration parser = new() { EnablePosixBundling = false, ResponseFileTokenReplacer = null };
        ParseResult parsed = root.Parse(arguments, parser);
        if (parsed.Action is not HelpAction && parsed.Errors.Count > 0) throw Mistake(parsed);
        InvocationConfiguration invocation = new()
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
            Output = context.Output,
            Error = context.Error,
        };
        return await parsed.InvokeAsync(invocation);
    }

    private static RootCommand Create(CommandContext context)
    {
        RootCommand root = new("Trains image networks on several processes and machines, to the same bits.")
        {
            TrainCommand.Create(context),
            EvaluateCommand.Create(context),
            PredictCommand.Create(context),
            PreviewCommand.Create(context),
            SummaryCommand.Create(context),
            VerifyCommand.Create(context),
            StatusCommand.Create(context),
            FindRateCommand.Create(context),
            BenchCommand.Create(context),
            DevicesCommand.Create(context),
            SimulateCommand.Create(context),
            CertificatesCommand.Create(context),
            ChaosCommand.Create(context),
        };
        root.Options.Remove(root.Options.OfType<VersionOption>().Single());
        Option<bool> version = new("--version") { Description = "Say which version this is." };
        root.Add(version);
        root.SetAction(parsed =>
        {
            if (!parsed.GetValue(version))
                throw new UsageException($"a command is missing; known are {Names(root)} (--help says more).");
            context.Output.WriteLine(Version());
            return ExitCode.Done;
        });
        return root;
    }

    private static string Version()
    {
        string version = typeof(CommandLine).Assembly.GetName().Version!.ToString(3);
        return $"coordinator {version}; engines: {Engines.List}; numerics: {RunSpecification.ThisNumericsClass} on " +
            $"{InstructionSet.Name}";
    }

    private static UsageException Mistake(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        string name = command is RootCommand ? "" : $"{command.Name}: ";
        if (parsed.UnmatchedTokens is not [string unknown, ..])
            return new UsageException(name + Sentence(parsed.Errors[0]));
        IReadOnlyList<string> known = unknown.StartsWith('-')
            ? [.. command.Options.Select(option => option.Name)]
            : [.. command.Subcommands.Select(each => each.Name)];
        string kind = unknown.StartsWith('-') ? "option" : command is RootCommand ? "command" : "argument";
        string nearest = Nearest(unknown, known) is { } near
            ? $"; did you mean {near}?" : "; --help lists what there is.";
        return new UsageException($"{name}unknown {kind} '{unknown}'{nearest}");
    }

    private static string Sentence(ParseError error) => error.SymbolResult switch
    {
        OptionResult { Tokens.Count: 0 } option => $"{option.Option.Name} needs a value.",
        OptionResult { Tokens.Count: > 1 } option => $"{option.Option.Name} is given more than once.",
        ArgumentResult { Tokens.Count: 0 } argument => $"{argument.Argument.Name} is missing; --help says more.",
        CommandResult { Command: var command } when command.Arguments.FirstOrDefault() is { } first =>
            $"{first.Name} is missing; --help says more.",
        _ => error.Message,
    };

    private static string Names(Command root) => string.Join(", ", root.Subcommands.Select(command => command.Name));

    /// <summary>The name that is at most two edits away, or a third of its letters; null: none.</summary>
    private static string? Nearest(string text, IReadOnlyList<string> names)
    {
        string? best = names.MinBy(name => Edits(text, name));
        return best is not null && Edits(text, best) <= Math.Max(2, best.Length / 3) ? best : null;
    }

    /// <summary>Levenshtein's distance.</summary>
    private static int Edits(string left, string right)
    {
        int[] row = [.. Enumerable.Range(0, right.Length + 1)];
        for (int i = 1; i <= left.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int change = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(change, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
