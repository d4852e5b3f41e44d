namespace Distributed.Learning;

/// <summary>
/// Networks of 3x3 convolutions (Simonyan and Zisserman 2014), with or without batch norm.
/// </summary>
internal static class VggNets
{
    private const int Pool = 0;

    private static readonly Dictionary<int, int[]> Channels = new()
    {
        [11] = [64, Pool, 128, Pool, 256, 256, Pool, 512, 512, Pool, 512, 512, Pool],
        [13] = [64, 64, Pool, 128, 128, Pool, 256, 256, Pool, 512, 512, Pool, 512, 512, Pool],
        [16] = [64, 64, Pool, 128, 128, Pool, 256, 256, 256, Pool, 512, 512, 512, Pool, 512, 512, 512, Pool],
        [19] =
        [
            64, 64, Pool, 128, 128, Pool, 256, 256, 256, 256, Pool, 512, 512, 512, 512, Pool, 512, 512, 512, 512, Pool,
        ],
    };

    /// <summary>For 224x224 images, as torchvision's; without <paramref name="dropout"/> as torch_train.py's.</summary>
    public static Model ImageNet(string name, int layers, bool batchNorm, bool dropout = true)
    {
        Layer[] rest = dropout ? [new Relu(), new Dropout()] : [new Relu()];
        return new Model(name, 3, 224, 224, 1000, new Sequential(
        [
            .. Features(layers, batchNorm), new Flatten(),
            new Linear(4096), .. rest, new Linear(4096), .. rest, new Linear(1000),
        ]));
    }

    /// <summary>For 32x32 images: a single linear layer behind the convolutions.</summary>
    public static Model Cifar(string name, int layers, bool batchNorm) =>
        new(name, 3, 32, 32, 10, new Sequential([.. Features(layers, batchNorm), new Flatten(), new Linear(10)]));

    private static IEnumerable<Layer> Features(int layers, bool batchNorm)
    {
        foreach (var channels in Channels[layers])
        {
            if (channels == Pool)
            {
                yield return new MaxPool2d(2);
                continue;
            }
            yield return new Conv2d(channels, 3) { Padding = 1 };
            if (batchNorm)
                yield return new BatchNorm2d();
            yield return new Relu();
        }
    }
}
