using Distributed.Roles.Coordinator;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Distributed.Coordinator;

/// <summary>
/// What the live view draws at one moment: bars of the epoch and of the run, loss, accuracy, speed, and a line for each
/// worker. Its height changes only with the number of workers.
/// </summary>
internal static class LiveFrame
{
    private const int LeastBar = 8;
    private const int LongestName = 20;
    private const int MostWorkers = 12;

    /// <summary>Draws the state.</summary>
    /// <param name="state">What is known.</param>
    /// <param name="width">Columns that may be used.</param>
    /// <param name="unicode">Whether bars may be drawn with lines.</param>
    public static IRenderable Draw(RunState state, int width, bool unicode)
    {
        RunHeader header = state.Header;
        double epoch = (double)state.StepInEpoch / Math.Max(1, header.StepsPerEpoch);
        double run = (double)state.Progress.Step / Math.Max(1, header.TotalSteps);
        List<string> lines =
        [
            $"[bold]{Markup.Escape(header.Model)}[/] on [bold]{Markup.Escape(header.Data)}[/]  step " +
                $"{Wording.Count(state.Progress.Step)}/{Wording.Count(header.TotalSteps)}  batch {header.Batch}",
            Bar($"epoch {state.Epoch}/{header.Epochs}", epoch, "", width, unicode),
            Bar("run", run, $"ETA {Wording.Duration(state.TimeLeft)}", width, unicode),
            $"loss [bold]{Wording.Loss(state.Loss)}[/]  accuracy [bold]{Wording.Percent(state.Accuracy)}[/]  " +
                $"{Wording.Speed(state.SamplesPerSecond)}",
            Evaluation(state, width, unicode),
        ];
        lines.AddRange(Workers(state, width, unicode));
        return new Rows(lines.Select(line => new CutLine(line, width)));
    }

    private static string Evaluation(RunState state, int width, bool unicode)
    {
        if (state.Evaluation is { } evaluation)
        {
            return Bar(RunText.Split(evaluation.Split), (double)evaluation.Done / Math.Max(1, evaluation.Count),
                $"{Wording.Count(evaluation.Done)}/{Wording.Count(evaluation.Count)}", width, unicode);
        }

        if (state.LastEpoch is null || double.IsNaN(state.LastEpoch.ValidationAccuracy))
            return "[grey]not validated yet[/]";
        return $"validation accuracy [bold]{Wording.Percent(state.LastEpoch.ValidationAccuracy)}[/]  best " +
            $"{Wording.Percent(state.Progress.BestAccuracy)} [grey](epoch {state.Progress.BestEpoch})[/]";
    }

    private static IEnumerable<string> Workers(RunState state, int width, bool unicode)
    {
        WorkerLine[] workers = [.. state.Workers];
        if (workers.Length == 0) yield return "[grey]waiting for workers[/]";
        long all = Math.Max(1, workers.Sum(worker => worker.MicroBatches));
        int names = workers.Select(worker => Math.Min(LongestName, worker.Name.Length)).DefaultIfEmpty().Max();
        foreach (WorkerLine worker in workers.Take(MostWorkers))
        {
            string name = Cut(worker.Name, LongestName).PadRight(names);
            double share = (double)worker.MicroBatches / all;
            int bar = Math.Clamp(width / 6, LeastBar, 20);
            string reason = worker.Reason.Length == 0 ? "" : $": {worker.Reason}";
            string late = worker.DealtTwice == 0 ? ""
                : $", {Wording.Count(worker.DealtTwice)} late ({Wording.Seconds(worker.WaitedSeconds)})";
            string count = $"{Wording.Count(worker.MicroBatches)} micro-batches{late}";
            int room = width - names - bar - count.Length - 12;
            string standing = Cut($"{worker.Standing}".ToLowerInvariant() + reason, Math.Max(7, room));
            yield return $"{Markup.Escape(name)}  {Blocks(share, bar, unicode)} {Share(share)}  {count}  " +
                $"[{Colour(worker.Standing)}]{Markup.Escape(standing)}[/]";
        }

        if (workers.Length > MostWorkers) yield return $"[grey]and {workers.Length - MostWorkers} more[/]";
    }

    /// <summary>A label, a bar as wide as there is room, a percentage, and what follows it.</summary>
    private static string Bar(string label, double share, string after, int width, bool unicode)
    {
        const int LabelWidth = 12, AfterWidth = 14, PercentWidth = 6;
        int room = Math.Max(LeastBar, width - LabelWidth - AfterWidth - PercentWidth - 1);
        return $"{label,-LabelWidth}{Blocks(share, room, unicode)} {Share(share)}  {Markup.Escape(after)}";
    }

    private static string Blocks(double share, int width, bool unicode)
    {
        int filled = (int)Math.Round(Math.Clamp(share, 0, 1) * width);
        (char full, char empty) = unicode ? ('━', '─') : ('#', '-');
        return $"[green]{new string(full, filled)}[/][grey]{new string(empty, width - filled)}[/]";
    }

    private static string Share(double share) => $"{Math.Floor(Math.Clamp(share, 0, 1) * 100),3}%";

    private static string Colour(WorkerStanding standing) => standing switch
    {
        WorkerStanding.Active => "green",
        WorkerStanding.Gone => "red",
        WorkerStanding.Leaving => "grey",
        _ => "yellow",
    };

    private static string Cut(string text, int length) => text.Length <= length ? text : text[..(length - 1)] + ".";

    /// <summary>A line that is cut off where there is no more room; a wrapped one would change the height.</summary>
    private sealed class CutLine(string markup, int width) : Renderable
    {
        private const int Unbroken = 10_000;

        private readonly IRenderable _whole = new Markup(markup);

        protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth) =>
            Segment.Truncate(_whole.Render(options, Unbroken), Math.Min(width, maxWidth));
    }
}
