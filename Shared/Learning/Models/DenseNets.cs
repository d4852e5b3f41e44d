namespace Distributed.Learning;

/// <summary>
/// Densely connected networks (Huang et al. 2016): a layer's output is put behind its input, as channels of one image.
/// </summary>
internal static class DenseNets
{
    /// <summary>For 32x32 images: three blocks of 12 layers that add 12 channels each, without bottlenecks.</summary>
    public static Model Cifar40(string name)
    {
        const int growth = 12;
        List<Layer> layers = [Convolution(16, 3)];
        for (int block = 0, channels = 16; block < 3; block++)
        {
            layers.AddRange(Enumerable.Repeat(Dense(Convolution(growth, 3)), 12));
            channels += 12 * growth;
            if (block < 2)
                layers.AddRange([new BatchNorm2d(), new Relu(), Convolution(channels, 1), new AvgPool2d(2)]);
        }
        layers.AddRange([new BatchNorm2d(), new Relu(), new GlobalAvgPool(), new Flatten(), new Linear(10)]);
        return new Model(name, 3, 32, 32, 10, new Sequential([.. layers]));
    }

    /// <summary>
    /// For 224x224 images, as torchvision's: blocks of layers that add 32 channels each through a bottleneck of 128;
    /// between them the channels are halved.
    /// </summary>
    public static Model ImageNet(string name, params int[] blocks)
    {
        const int growth = 32;
        List<Layer> layers =
        [
            Convolution(64, 7, 2), new BatchNorm2d(), new Relu(), new MaxPool2d(3) { Stride = 2, Padding = 1 },
        ];
        var channels = 64;
        for (var block = 0; block < blocks.Length; block++)
        {
            layers.AddRange(Enumerable.Repeat(
                Dense(Convolution(4 * growth, 1), new BatchNorm2d(), new Relu(), Convolution(growth, 3)),
                blocks[block]));
            channels += blocks[block] * growth;
            layers.AddRange([new BatchNorm2d(), new Relu()]);
            if (block < blocks.Length - 1)
                layers.AddRange([Convolution(channels /= 2, 1), new AvgPool2d(2)]);
        }
        return new Model(
            name, 3, 224, 224, 1000,
            new Sequential([.. layers, new GlobalAvgPool(), new Flatten(), new Linear(1000)]));
    }

    private static Concat Dense(params Layer[] layers) =>
        new(new Sequential(), new Sequential([new BatchNorm2d(), new Relu(), .. layers]));

    private static Conv2d Convolution(int channels, int kernel, int stride = 1) =>
        new(channels, kernel) { Stride = stride, Padding = kernel / 2, Bias = false };
}
