using Xunit;

namespace Distributed.Coordinator.Tests;

public sealed class ConfusionMatrixTests
{
    [Fact]
    public void RowsAreTrueClassesAndColumnsPredictions()
    {
        int[][] counts = ConfusionMatrix.Count([0, 0, 1, 2, 2], [0, 1, 1, 2, 0], 3);
        Assert.Equal([[1, 1, 0], [0, 1, 0], [1, 0, 1]], counts);
    }

    [Fact]
    public void ColumnsAreAsWideAsTheLargestCountAndLongNamesAreCut()
    {
        int[][] counts = [[12345, 0], [7, 89]];
        Assert.Equal(
        [
            "Confusion (rows: true class, columns: predicted):",
            "               ankle sneak",
            "    ankle boot 12345     .",
            "  sneakers for     7    89",
        ], ConfusionMatrix.Lines(counts, ["ankle boot", "sneakers for running"]));
    }

    [Fact]
    public void ManyClassesAreNotPrinted()
    {
        int[][] counts = [.. Enumerable.Range(0, 21).Select(_ => new int[21])];
        Assert.Empty(ConfusionMatrix.Lines(counts, []));
        Assert.NotEmpty(ConfusionMatrix.Lines(counts[..20], []));
    }
}
