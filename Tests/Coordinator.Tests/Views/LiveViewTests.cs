using Distributed.Roles.Coordinator;
using Spectre.Console;
using Xunit;

namespace Distributed.Coordinator.Tests;

public sealed class LiveViewTests
{
    private const string HideCursor = "\e[?25l";
    private const string ShowCursor = "\e[?25h";

    [Fact]
    public void WhatIsWorthKeepingStaysAndTheCursorComesBack()
    {
        string text = Text(view =>
        {
            view.Show(new Notice("Reading digits."));
            view.Begin(ViewSamples.Header);
            view.Show(ViewSamples.EpochEnd(1));
            view.End(ViewSamples.Summary);
        });

        Assert.Contains("Reading digits.", text);
        Assert.Contains("model    tiny, 7,850 parameters", text);
        Assert.Contains("epoch 1/3  loss 0.2500  accuracy 50.00%  validation 90.00% (best)", text);
        Assert.Contains("epoch 3: 100/100 samples applied exactly once", text);
        Assert.True(text.LastIndexOf(ShowCursor, StringComparison.Ordinal) >=
            text.LastIndexOf(HideCursor, StringComparison.Ordinal));
    }

    [Fact]
    public void ARunThatBreaksOffLeavesTheTerminalAsItWas()
    {
        string text = Text(view =>
        {
            view.Begin(ViewSamples.Header);
            view.Show(new Notice("Something happened."));
            view.Dispose();
            view.Dispose();
        });
        Assert.Contains("Something happened.", text);
        Assert.True(text.LastIndexOf(ShowCursor, StringComparison.Ordinal) >=
            text.LastIndexOf(HideCursor, StringComparison.Ordinal));
    }

    [Fact]
    public void WithoutATerminalOrOnADumbOneLinesArePlain()
    {
        using StringWriter output = new();
        CommandContext context = new() { Output = output, Error = output, Environment = _ => "dumb" };
        using IRunView pipe = RunViews.Create(context);
        using IRunView dumb = RunViews.Create(context with { IsTerminal = true });
        Assert.IsType<PlainView>(pipe);
        Assert.IsType<PlainView>(dumb);
    }

    private static string Text(Action<LiveView> show)
    {
        using StringWriter output = new();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.NoColors,
            Out = new AnsiConsoleOutput(output),
        });
        console.Profile.Width = 80;
        using (LiveView view = new(console, output, output)) show(view);
        return output.ToString();
    }
}
