using Xunit;

namespace Distributed.Coordinator.Tests;

public sealed class ClassReportTests
{
    private static readonly int[][] Confusion = [[3, 1, 0], [2, 4, 0], [0, 0, 0]];

    [Fact]
    public void PrecisionIsOfTheColumnAndRecallOfTheRow() => Assert.Equal(
        [
            new ClassScore("ant", 4, 0.6, 0.75),
            new ClassScore("bee", 6, 0.8, 4.0 / 6),
            new ClassScore("cat", 0, null, null),
        ],
        ClassReport.Of(Confusion, ["ant", "bee", "cat"]));

    [Fact]
    public void LinesAreAlignedAndLongNamesAreCut() => Assert.Equal(
        [
            "Class                     precision   recall  samples",
            "ant                          60.00%   75.00%        4",
            "a rather long name for a     80.00%   66.67%        6",
            "cat                               -        -        0",
        ],
        ClassReport.Lines(Confusion, ["ant", "a rather long name for a bee", "cat"]));
}
