using Distributed.Learning;
using Xunit;

namespace Distributed.Coordinator.Tests;

public sealed class SummaryRowTests
{
    /// <summary>A stem, three stages of blocks on images of one size each, a head.</summary>
    [Theory]
    [InlineData("resnet110", "0 1 2 3-38 39-74 75-110 111 112 113", "18 x (residual, relu)")]
    [InlineData("resnet50", "0 1 2 3 4-9 10-17 18-29 30-35 36 37 38", "4 x (residual, relu)")]
    [InlineData("densenet40", "0 1-12 13 14 15 16 17-28 29 30 31 32 33-44 45 46 47 48 49", "12 x concat")]
    [InlineData("lenet5", "0 1 2 3 4 5 6 7 8 9 10 11", null)]
    public void RepeatedBlocksAreOneRow(string model, string names, string? type)
    {
        IReadOnlyList<LayerSummary> layers = ModelCatalogue.Find(model).Summary();
        IReadOnlyList<SummaryRow> rows = SummaryRow.Of(layers), folded = SummaryRow.Folded(rows);
        Assert.Equal(names, string.Join(' ', folded.Select(row => row.Name)));
        if (type is not null) Assert.Contains(type, folded.Select(row => row.Type));
        foreach (IReadOnlyList<SummaryRow> form in (IReadOnlyList<SummaryRow>[])[rows, folded])
        {
            SummaryRow total = SummaryRow.Together(form, "", "");
            Assert.Equal(layers.Sum(layer => layer.Parameters), total.Parameters);
            Assert.Equal(layers.Sum(layer => layer.MultiplyAdds), total.MultiplyAdds);
            Assert.Equal(4 * layers.Sum(layer => (long)layer.Output.Length), total.OutputBytes);
        }
    }

    [Fact]
    public void ABlockHoldsItsLayers()
    {
        SummaryRow block = SummaryRow.Of(ModelCatalogue.Find("resnet20").Summary())[9];
        Assert.Equal(("9", "residual", "32x16x16"), (block.Name, block.Type, block.Output.ToString()));
        Assert.Equal(
            "9.body.0 9.body.1 9.body.2 9.body.3 9.body.4 9.shortcut.0 9.shortcut.1",
            string.Join(' ', block.Layers.Select(layer => layer.Name)));
        Assert.Equal(4608 + 64 + 9216 + 64 + 512 + 64, block.Parameters);
    }
}
