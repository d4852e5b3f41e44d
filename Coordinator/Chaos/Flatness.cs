namespace Distributed.Coordinator;

/// <summary>
/// Whether the processes of one role stay as they are while they live: what the longest-lived of them took in the
/// second quarter of its life beside the last quarter, both as medians over the samples with one number of workers
/// alive, because a coordinator holds connections to each.
/// </summary>
/// <param name="Role">The role.</param>
/// <param name="Lived">How long the longest-lived process was seen.</param>
/// <param name="Early">What it took in the second quarter of that time.</param>
/// <param name="Late">What it took in the last quarter.</param>
/// <param name="Most">The most of each that any process of the role took.</param>
/// <param name="IsFlat">
/// Whether open files and threads did not grow beyond a tenth and two; null: it lived too short for a judgement.
/// </param>
internal sealed record Flatness(
    ProcessRole Role, TimeSpan Lived, ProcessFigures Early, ProcessFigures Late, ProcessFigures Most, bool? IsFlat)
{
    /// <summary>Samples that each of the two quarters must have for a judgement.</summary>
    public const int LeastSamples = 20;

    /// <summary>Judges every role that was seen, in their order.</summary>
    /// <param name="samples">In order of time.</param>
    public static IReadOnlyList<Flatness> Of(IReadOnlyList<ProcessSample> samples) =>
        [.. samples.GroupBy(sample => sample.Role).OrderBy(role => role.Key).Select(role => Of(role.Key, [.. role]))];

    private static Flatness Of(ProcessRole role, ProcessSample[] samples)
    {
        ProcessSample[] longest = [.. samples
            .GroupBy(sample => (sample.Id, sample.Figures.StartTime))
            .MaxBy(process => process.Last().At - process.First().At)!];
        TimeSpan born = longest[0].At, lived = longest[^1].At - born;
        ProcessSample[] early = [.. longest.Where(sample =>
            sample.At - born >= lived / 4 && sample.At - born < lived / 2)];
        ProcessSample[] late = [.. longest.Where(sample => sample.At - born >= lived * 0.75)];

        // With as many workers alive as were in most samples of both quarters.
        int workers = longest.Select(sample => sample.Workers).Distinct()
            .MaxBy(count => Math.Min(With(early, count).Length, With(late, count).Length));
        (early, late) = (With(early, workers), With(late, workers));
        ProcessFigures then = Median(early.Length > 0 ? early : longest);
        ProcessFigures now = Median(late.Length > 0 ? late : longest);
        bool? isFlat = early.Length < LeastSamples || late.Length < LeastSamples ? null
            : !HasGrown(then.OpenFiles, now.OpenFiles) && !HasGrown(then.Threads, now.Threads);
        ProcessFigures most = new(
            samples.Max(sample => sample.Figures.ResidentBytes), samples.Max(sample => sample.Figures.OpenFiles),
            samples.Max(sample => sample.Figures.Threads));
        return new Flatness(role, lived, then, now, most, isFlat);
    }

    private static ProcessSample[] With(ProcessSample[] samples, int workers) =>
        [.. samples.Where(sample => sample.Workers == workers)];

    private static bool HasGrown(int early, int late) => late > early + (early / 10) + 2;

    private static ProcessFigures Median(ProcessSample[] samples)
    {
        return new ProcessFigures(
            Middle(figures => figures.ResidentBytes), (int)Middle(figures => figures.OpenFiles),
            (int)Middle(figures => figures.Threads));

        long Middle(Func<ProcessFigures, long> figure) =>
            samples.Select(sample => figure(sample.Figures)).Order().ElementAt(samples.Length / 2);
    }
}
