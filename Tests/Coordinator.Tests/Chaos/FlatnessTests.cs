using Xunit;

namespace Distributed.Coordinator.Tests;

/// <summary>Whether processes grow is judged by the longest-lived, with as many workers alive early and late.</summary>
public sealed class FlatnessTests
{
    private const int Life = 200;

    [Fact]
    public void FiguresThatStayAreFlatAndAreTheMedians()
    {
        Flatness seen = Judge(second => (second % 10 == 0 ? 500 : 100, 50, 20));
        Assert.Equal(new ProcessFigures(100, 50, 20), seen.Early);
        Assert.Equal(new ProcessFigures(100, 50, 20), seen.Late);
        Assert.Equal(500, seen.Most.ResidentBytes);
        Assert.Equal(TimeSpan.FromSeconds(Life - 1), seen.Lived);
        Assert.True(seen.IsFlat);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(0, 1)]
    public void AFileOrThreadThatStaysOpenEveryTenSecondsIsSeen(int files, int threads) => Assert.False(
        Judge(second => (100, 50 + (files * second / 10), 20 + (threads * second / 10))).IsFlat);

    [Fact]
    public void AThreadMoreOrLessIsNoLeak() => Assert.True(Judge(second => (100, 50, 20 + (second / 150))).IsFlat);

    [Fact]
    public void ACoordinatorThatHasMoreWorkersLateIsComparedWithItselfUnderAsMany()
    {
        // In the last quarter it has mostly four workers, with five files for each, and now and then two as before.
        int Workers(int second) => second < Life * 3 / 4 || second % 2 == 0 ? 2 : 4;
        Flatness seen = Assert.Single(Flatness.Of([.. Enumerable.Range(0, Life).Select(second =>
            Sample(second, 1, Workers(second), new ProcessFigures(100, 30 + (5 * Workers(second)), 20)))]));
        Assert.Equal((40, 40), (seen.Early.OpenFiles, seen.Late.OpenFiles));
        Assert.True(seen.IsFlat);
    }

    [Fact]
    public void OfSeveralProcessesTheLongestLivedCountsAlsoUnderANumberUsedTwice()
    {
        ProcessFigures small = new(100, 50, 20), large = new(900, 90, 90);
        Flatness seen = Assert.Single(Flatness.Of(
        [
            .. Enumerable.Range(0, 30).Select(second => Sample(second, 7, 2, large with { StartTime = 1 })),
            .. Enumerable.Range(30, Life).Select(second => Sample(second, 7, 2, small with { StartTime = 2 })),
        ]));
        Assert.Equal(small, seen.Early);
        Assert.Equal(90, seen.Most.Threads);
        Assert.True(seen.IsFlat);
    }

    [Fact]
    public void AShortLifeIsNotJudged() => Assert.Null(
        Assert.Single(Flatness.Of([.. Enumerable.Range(0, 40).Select(second =>
            Sample(second, 1, 2, new ProcessFigures(100, second, second)))])).IsFlat);

    [Fact]
    public void RolesStandInTheirOrder() => Assert.Equal(
        [ProcessRole.Coordinator, ProcessRole.JoinedWorker],
        Flatness.Of([Sample(0, 2, 1, default) with { Role = ProcessRole.JoinedWorker }, Sample(0, 1, 1, default)])
            .Select(seen => seen.Role));

    private static Flatness Judge(Func<int, (long Bytes, int Files, int Threads)> figures) => Assert.Single(
        Flatness.Of([.. Enumerable.Range(0, Life).Select(second =>
        {
            (long bytes, int files, int threads) = figures(second);
            return Sample(second, 1, 2, new ProcessFigures(bytes, files, threads));
        })]));

    private static ProcessSample Sample(int second, int id, int workers, ProcessFigures figures) =>
        new(TimeSpan.FromSeconds(second), ProcessRole.Coordinator, id, workers, figures);
}
