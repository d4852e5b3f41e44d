using System.Runtime.CompilerServices;
using Spectre.Console;

namespace Distributed.Coordinator;

/// <summary>Chooses how a run is shown.</summary>
internal static class RunViews
{
    /// <summary>A live view on a terminal that can draw one, plain lines elsewhere.</summary>
    public static IRunView Create(CommandContext context) =>
        context.IsTerminal && context.Environment("TERM") != "dumb" && CreateLive(context) is { } live ? live
            : new PlainView(context.Output, context.Error, context.Time);

    /// <summary>Apart, so that plain output does not load what draws.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static LiveView? CreateLive(CommandContext context)
    {
        IAnsiConsole console = AnsiConsole.Create(
            new AnsiConsoleSettings { Out = new AnsiConsoleOutput(context.Output) });
        return console.Profile.Capabilities.Ansi ? new LiveView(console, context.Output, context.Error) : null;
    }
}
