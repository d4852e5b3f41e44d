using Xunit;

namespace Distributed.Learning.Tests;

public sealed class ParameterLayoutTests
{
    [Fact]
    public void NamesAndShapesArePyTorchs()
    {
        var layout = ParameterLayout.Of(ModelCatalogue.Find("convnet"));
        Assert.Equal(
            [
                "0.weight", "0.bias", "3.weight", "3.bias", "6.weight", "6.bias", "9.weight", "9.bias", "11.weight",
                "11.bias",
            ],
            layout.Entries.Select(entry => entry.Name));
        Assert.Equal([64, 32, 3, 3], layout.Find("3.weight")!.Shape);
        Assert.Equal([64, 576], layout.Find("9.weight")!.Shape);
        Assert.Equal([10], layout.Find("11.bias")!.Shape);
        var nested = ParameterLayout.Of(TestModels.Find("nested"));
        Assert.Equal(["0.0.weight", "0.0.bias", "1.1.weight", "1.1.bias"], nested.Entries.Select(entry => entry.Name));
        var residual = ParameterLayout.Of(TestModels.Find("residual, identity and projection"));
        Assert.Equal(
            ["1.body.1.weight", "2.body.0.weight", "2.body.1.weight", "2.shortcut.0.weight"],
            residual.Entries.Select(entry => entry.Name)
                .Where(name => name.Split('.').Length == 4 && name.EndsWith("weight")));
    }

    [Fact]
    public void EntriesAreAlignedAndApart()
    {
        var layout = ParameterLayout.Of(ModelCatalogue.Find("lenet5"));
        var end = 0;
        foreach (var entry in layout.Entries)
        {
            Assert.Equal(0, entry.Offset % 16);
            Assert.InRange(entry.Offset, end, end + 15);
            end = entry.Offset + entry.Length;
        }
        Assert.InRange(layout.Length, end, end + 15);
        Assert.Equal(61706, layout.Count);
    }

    /// <summary>Convolutions: [out][in][row][column] in the file, [row][column][in][out] in memory.</summary>
    [Fact]
    public void ConvolutionWeightsByHand()
    {
        var layout = ParameterLayout.Of(
            TestModels.Of("m", 2, 3, 3, new Conv2d(3, new Size2d(1, 2)), new Flatten(), new Linear(10)));
        var file = Enumerable.Range(0, 12).Select(i => (float)i).ToArray();
        var block = Import(layout, "0.weight", file);
        Assert.Equal([0, 4, 8, 2, 6, 10, 1, 5, 9, 3, 7, 11], block[..12]);
        Assert.Equal(file, Export(layout, "0.weight", block));
    }

    /// <summary>
    /// Linear behind flatten: a 2-channel 1x2 image lies in memory as c0p0 c1p0 c0p1 c1p1, in PyTorch's rows as
    /// c0p0 c0p1 c1p0 c1p1.
    /// </summary>
    [Fact]
    public void FlattenedLinearWeightsByHand()
    {
        var layout = ParameterLayout.Of(new Model("m", 2, 1, 2, 2, new Sequential(new Flatten(), new Linear(2))));
        var file = new float[] { 0, 1, 2, 3, 10, 11, 12, 13 };
        var block = Import(layout, "1.weight", file);
        Assert.Equal([0, 10, 2, 12, 1, 11, 3, 13], block[..8]);
        Assert.Equal(file, Export(layout, "1.weight", block));
    }

    [Fact]
    public void LaterLinearWeightsAreTransposed()
    {
        var layout =
            ParameterLayout.Of(new Model("m", 1, 2, 2, 2, new Sequential(new Flatten(), new Linear(3), new Linear(2))));
        var block = Import(layout, "2.weight", [0, 1, 2, 10, 11, 12]);
        var entry = layout.Find("2.weight")!;
        Assert.Equal([0, 10, 1, 11, 2, 12], block[entry.Offset..(entry.Offset + 6)]);
    }

    [Fact]
    public void InitializationIsHeNormalAndAFunctionOfTheSeed()
    {
        var layout = ParameterLayout.Of(ModelCatalogue.Find("mlp"));
        var block = new float[layout.Length];
        block.AsSpan().Fill(float.NaN);
        layout.Initialize(seed: 5, block);
        foreach (var entry in layout.Entries)
        {
            var values = block[entry.Offset..(entry.Offset + entry.Length)];
            if (entry.Shape.Count == 1)
            {
                Assert.All(values, value => Assert.Equal(0, value));
                continue;
            }
            var variance = values.Sum(value => (double)value * value) / values.Length;
            var expected = 2.0 / entry.Shape[1];
            Assert.InRange(
                variance, expected * (1 - 5 / Math.Sqrt(values.Length)), expected * (1 + 5 / Math.Sqrt(values.Length)));
            Assert.InRange(
                values.Average(), -5 * Math.Sqrt(expected / values.Length), 5 * Math.Sqrt(expected / values.Length));
        }
        Assert.DoesNotContain(block, float.IsNaN);
        var other = new float[layout.Length];
        layout.Initialize(seed: 5, other);
        Assert.Equal(block, other);
        layout.Initialize(seed: 6, other);
        Assert.NotEqual(block, other);
    }

    /// <summary>An element's value follows from its place in PyTorch's order, not in memory.</summary>
    [Fact]
    public void InitializationKnowsNoMemoryLayout()
    {
        var wide = ParameterLayout.Of(new Model("m", 2, 1, 2, 2, new Sequential(new Flatten(), new Linear(2))));
        var flat = ParameterLayout.Of(new Model("m", 4, 1, 1, 2, new Sequential(new Flatten(), new Linear(2))));
        Assert.Equal(Started(wide), Started(flat));

        static float[] Started(ParameterLayout layout)
        {
            var block = new float[layout.Length];
            layout.Initialize(seed: 1, block);
            return Export(layout, "1.weight", block);
        }
    }

    private static float[] Import(ParameterLayout layout, string name, float[] file)
    {
        var block = new float[layout.Length];
        layout.Import(layout.Find(name)!, file, block);
        return block;
    }

    private static float[] Export(ParameterLayout layout, string name, float[] block)
    {
        var entry = layout.Find(name)!;
        var file = new float[entry.Length];
        layout.Export(entry, block, file);
        return file;
    }
}
