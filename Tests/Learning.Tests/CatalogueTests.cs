using Distributed.Numerics;
using Xunit;

namespace Distributed.Learning.Tests;

public sealed class CatalogueTests
{
    /// <summary>
    /// Counts of PyTorch: of torch_train.py's networks, else of torchvision's; mobilenet's by the paper.
    /// </summary>
    [Theory]
    [InlineData("alexnet", 61_100_840)]
    [InlineData("densenet121", 7_978_856)]
    [InlineData("densenet40", 1_019_722)]
    [InlineData("googlenet", 6_624_904)]
    [InlineData("mobilenet", 4_231_976)]
    [InlineData("vgg11", 132_868_840)]
    [InlineData("vgg11-bn", 132_868_840)]
    [InlineData("vgg11-cifar", 9_231_114)]
    [InlineData("vgg11-plain", 132_863_336)]
    [InlineData("vgg13", 133_047_848)]
    [InlineData("vgg13-bn", 133_053_736)]
    [InlineData("vgg16", 138_357_544)]
    [InlineData("vgg16-bn", 138_365_992)]
    [InlineData("vgg19", 143_667_240)]
    [InlineData("vgg19-bn", 143_678_248)]
    public void Parameters(string name, int count) =>
        Assert.Equal(count, ParameterLayout.Of(ModelCatalogue.Find(name)).Count);

    [Fact]
    public void NamesAreSortedAndBuildWhatTheySay()
    {
        Assert.Equal(ModelCatalogue.Names.Order(StringComparer.Ordinal), ModelCatalogue.Names);
        foreach (var name in ModelCatalogue.Names)
        {
            var model = ModelCatalogue.Find(name);
            Assert.Equal(name, model.Name);
            model.Check();
        }
    }

    /// <summary>torchvision rounds the sizes of its poolings up: 112, 56, 28, 14, 7.</summary>
    [Fact]
    public void SizesOfGoogLeNet()
    {
        var sizes = ModelCatalogue.Find("googlenet").Summary()
            .Where(layer => layer.Type == "maxPool2d" && !layer.Name.Contains('.'))
            .Select(layer => layer.Output.Height);
        Assert.Equal([56, 28, 14, 7], sizes);
    }

    /// <summary>Each family on small images: three steps change every parameter, and stay finite.</summary>
    [Theory]
    [InlineData("densenet40", 8)]
    [InlineData("densenet121", 32)]
    [InlineData("googlenet", 32)]
    [InlineData("mobilenet", 32)]
    [InlineData("vgg11-cifar", 32)]
    public void TrainsAFewSteps(string name, int size)
    {
        var full = ModelCatalogue.Find(name);
        using var run = new PlanRun(full with { Height = size, Width = size }, 2);
        run.Load(first: 0, 2);
        for (var step = 0; step < 3; step++)
        {
            run.Train(2, keys: new SampleKeys(1, step, [0, 1]));
            var gradient = run.Gradient.Span[..run.Plan.Parameters.TrainableLength];
            Assert.True(Elementwise.AllFinite(gradient));
            for (var i = 0; i < gradient.Length; i++)
                run.Parameters.Span[i] -= 1e-3f * gradient[i];
            run.Prepare();
        }
        foreach (var entry in run.Plan.Parameters.Trainable)
            Assert.NotEqual(-1, run.Gradient.Span.Slice(entry.Offset, entry.Length).IndexOfAnyExcept(0));
    }

    [Fact]
    public void AModelInAFewLines()
    {
        var model = Model.Sequential("tiny", [1, 8, 8], 3, new Conv2d(4, 3), new Relu(), new Flatten(), new Linear(3));
        Assert.Equal((1, 8, 8, 3), (model.Channels, model.Height, model.Width, model.Classes));
        Assert.Equal(4, model.Layers.Layers.Count);
        Assert.Equal(model, Model.FromJson(model.ToJson(), "a test"));
        Assert.Throws<ModelException>(() => Model.Sequential("tiny", [8, 8], 3, new Flatten(), new Linear(3)));
        Assert.Throws<ModelException>(() => Model.Sequential("tiny", [1, 8, 8], 3, new Flatten(), new Linear(4)));
    }
}
