using Distributed.Checkpoints;
using Distributed.Learning;
using Xunit;

namespace Distributed.Coordinator.Tests;

public sealed class TorchvisionNamesTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    /// <summary>Shapes as torchvision documents them, deep in each network: a wrong order would show there.</summary>
    [Theory]
    [InlineData("alexnet", "alexnet", "features.3", "192,64,5,5")]
    [InlineData("alexnet", "alexnet", "classifier.4", "4096,4096")]
    [InlineData("densenet121", "densenet121", "features.denseblock3.denselayer5.conv1", "128,384,1,1")]
    [InlineData("densenet121", "densenet121", "features.transition2.norm", "512")]
    [InlineData("densenet121", "densenet121", "classifier", "1000,1024")]
    [InlineData("googlenet", "googlenet", "inception4b.branch3.1.conv", "64,24,3,3")]
    [InlineData("googlenet", "googlenet", "inception5b.branch4.1.conv", "128,832,1,1")]
    [InlineData("resnet18", "resnet18", "layer2.0.downsample.0", "128,64,1,1")]
    [InlineData("resnet34", "resnet34", "layer3.5.conv2", "256,256,3,3")]
    [InlineData("resnet50", "resnet50", "layer1.0.downsample.0", "256,64,1,1")]
    [InlineData("resnet50", "resnet50", "layer4.2.conv3", "2048,512,1,1")]
    [InlineData("vgg11", "vgg11_bn", "features.25", "512,512,3,3")]
    [InlineData("vgg11-plain", "vgg11", "features.16", "512,512,3,3")]
    [InlineData("vgg13-bn", "vgg13_bn", "features.10", "128,128,3,3")]
    [InlineData("vgg16", "vgg16", "features.28", "512,512,3,3")]
    [InlineData("vgg19-bn", "vgg19_bn", "features.49", "512,512,3,3")]
    [InlineData("vgg19", "vgg19", "classifier.6", "1000,4096")]
    public void LayersAreInTheModelsOrder(string model, string network, string layer, string shape)
    {
        string[] theirs = TorchvisionNames.Networks.Single(row => row.Network == network).Layers;
        ParameterLayout layout = ParameterLayout.Of(ModelCatalogue.Find(model));
        ParameterEntry[] ours = [.. layout.Trainable.Where(entry => entry.Name.EndsWith(".weight"))];
        Assert.Equal(theirs.Length, ours.Length);
        Assert.Equal(shape, string.Join(',', ours[Array.IndexOf(theirs, layer)].Shape));

        // Norms are at the norms' places.
        for (int i = 0; i < theirs.Length; i++)
        {
            string last = theirs[i][(theirs[i].LastIndexOf('.') + 1)..];
            if (last.StartsWith("bn") || last.StartsWith("norm")) Assert.Single(ours[i].Shape);
            if (last.StartsWith("conv")) Assert.Equal(4, ours[i].Shape.Count);
        }
    }

    [Fact]
    public void OldNamesAreThoseOfToday()
    {
        Assert.Equal(
            "features.denseblock1.denselayer12.norm1.weight",
            TorchvisionNames.Current("features.denseblock1.denselayer12.norm.1.weight"));
        Assert.Equal("layer1.0.conv1.weight", TorchvisionNames.Current("layer1.0.conv1.weight"));
        Assert.Null(TorchvisionNames.Current("aux1.conv.conv.weight"));
    }

    [Fact]
    public void AFileOfTorchvisionsIsReadAndSaidToBe()
    {
        ParameterLayout layout = ParameterLayout.Of(Small());
        float[] block = new float[layout.Length];
        Array.Fill(block, -1);
        IReadOnlyList<string> notes = InitialWeights.Read(WriteAlexNet(layout), layout, block).Notes;
        Assert.Equal(
            [
                $"{_file}: its names are those of torchvision's alexnet, whose layers are taken in their order for the "
                + "model's: features.0 for 0 to classifier.6 for 8.",
                $"{_file}: it tells 1000 classes apart and the model 10, so the last layer (8) starts anew.",
            ],
            notes);
        ParameterEntry bias = layout.Find("3.bias")!, head = layout.Find("8.bias")!;
        Assert.Equal([0, 1, 2, 3], block[bias.Offset..(bias.Offset + 4)]);
        Assert.Equal(-1, block[head.Offset]);
    }

    [Fact]
    public void AnotherNetworkOfTorchvisionsIsRefused()
    {
        string path = WriteAlexNet(ParameterLayout.Of(Small()));
        ParameterLayout other = ParameterLayout.Of(ModelCatalogue.Find("lenet5"));
        CheckpointException error = Assert.Throws<CheckpointException>(
            () => InitialWeights.Read(path, other, new float[other.Length]));
        Assert.Contains("the 8 layers with weights of torchvision's alexnet, and the model has 5", error.Message);
    }

    /// <summary>As many layers as AlexNet has.</summary>
    private static Model Small() => Model.Sequential(
        "small", [1, 2, 2], 10, new Conv2d(2, 1), new Conv2d(3, 1), new Conv2d(4, 1), new Conv2d(4, 1),
        new Conv2d(2, 1), new Flatten(), new Linear(6), new Linear(5), new Linear(10));

    private string WriteAlexNet(ParameterLayout layout)
    {
        string[] theirs = TorchvisionNames.Networks.Single(row => row.Network == "alexnet").Layers;
        string[] ours = ["0", "1", "2", "3", "4", "6", "7", "8"];
        return ForeignWeights.Write(_file, layout.Entries.Reverse().Select(entry =>
        {
            string[] name = entry.Name.Split('.');
            int[] shape = name[0] == "8" ? [1000, .. entry.Shape.Skip(1)] : [.. entry.Shape];
            return ($"{theirs[Array.IndexOf(ours, name[0])]}.{name[1]}", shape);
        }));
    }
}
