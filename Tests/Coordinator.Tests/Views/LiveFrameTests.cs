using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Spectre.Console;
using Xunit;

namespace Distributed.Coordinator.Tests;

public sealed class LiveFrameTests
{
    [Fact]
    public void AFrameReadsLikeThis()
    {
        RunState state = new(ViewSamples.Header);
        state.Add(ViewSamples.Worker(1, "worker 1"));
        state.Add(ViewSamples.Worker(2, "worker 2", WorkerStanding.Silent, "not heard of for 2 s"));
        for (int step = 1; step <= 4; step++) state.Add(ViewSamples.Step(1, step));
        state.Add(ViewSamples.EpochEnd(1));
        state.Add(ViewSamples.Step(2, 1));
        state.Add([new WorkerShare("worker 1", 13), new WorkerShare("worker 2", 4)]);

        Assert.Equal(
        [
            "tiny on digits  step 5/12  batch 32",
            "epoch 2/3   ############-----------------------------------  25%",
            "run         ####################---------------------------  41%  ETA 0:03",
            "loss 0.2500  accuracy 50.00%  43 samples/s",
            "validation accuracy 90.00%  best 90.00% (epoch 1)",
            "worker 1  ##########---  76%  13 micro-batches  active",
            "worker 2  ###----------  23%  4 micro-batches  silent: not heard of for 2 s",
        ], Draw(state, 80));
    }

    [Fact]
    public void AnEvaluationHasABar()
    {
        RunState state = new(ViewSamples.Header);
        state.Add(new EvaluationAdvanced(DataSplit.Validation, 5, 10));
        string[] lines = Draw(state, 80);
        Assert.Equal("validation  ########################-----------------------  50%  5/10", lines[4]);
        Assert.Equal("waiting for workers", lines[5]);
    }

    [Theory]
    [InlineData(40)]
    [InlineData(80)]
    [InlineData(200)]
    public void NoLineIsWiderThanTheTerminalAndTheHeightStays(int width)
    {
        RunState state = new(ViewSamples.Header);
        for (int worker = 1; worker <= 3; worker++) state.Add(ViewSamples.Worker(worker, $"worker {worker}"));
        int height = Draw(state, width).Length;
        state.Add(new EvaluationAdvanced(DataSplit.Validation, 5, 10));
        Assert.Equal(height, Draw(state, width).Length);
        state.Add(ViewSamples.EpochEnd(1));
        string longReason = string.Join(' ', Enumerable.Repeat("on and on", 50));
        state.Add(ViewSamples.Worker(2, "worker 2", WorkerStanding.Gone, longReason));

        string[] lines = Draw(state, width);

        Assert.Equal(height, lines.Length);
        Assert.All(lines, line => Assert.InRange(line.Length, 0, width));
    }

    [Fact]
    public void ABracketInANameIsNoMarkup()
    {
        RunState state = new(ViewSamples.Header with { Model = "[red]" });
        state.Add(ViewSamples.Worker(1, "[bold]", WorkerStanding.Gone, "[/]"));
        string[] lines = Draw(state, 80);
        Assert.StartsWith("[red] on digits", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("[bold]  ", lines[5], StringComparison.Ordinal);
    }

    private static string[] Draw(RunState state, int width)
    {
        using StringWriter output = new();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Out = new AnsiConsoleOutput(output),
        });
        console.Profile.Width = width;
        console.Write(LiveFrame.Draw(state, width, unicode: false));
        return [.. output.ToString().TrimEnd().Split('\n').Select(line => line.TrimEnd())];
    }
}
