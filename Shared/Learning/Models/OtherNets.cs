namespace Distributed.Learning;

/// <summary>Networks for 224x224 images that have no family.</summary>
internal static class OtherNets
{
    /// <summary>Krizhevsky 2014, as torchvision's but without dropout: torch_train.py's.</summary>
    public static Model AlexNet(string name) => new(name, 3, 224, 224, 1000, new Sequential(
        new Conv2d(64, 11) { Stride = 4, Padding = 2 }, new Relu(), new MaxPool2d(3) { Stride = 2 },
        new Conv2d(192, 5) { Padding = 2 }, new Relu(), new MaxPool2d(3) { Stride = 2 },
        new Conv2d(384, 3) { Padding = 1 }, new Relu(), new Conv2d(256, 3) { Padding = 1 }, new Relu(),
        new Conv2d(256, 3) { Padding = 1 }, new Relu(), new MaxPool2d(3) { Stride = 2 }, new Flatten(),
        new Linear(4096), new Relu(), new Linear(4096), new Relu(), new Linear(1000)));

    /// <summary>
    /// Szegedy et al. 2014, "Going deeper with convolutions", with batch norm, as torchvision's without its auxiliary
    /// heads: where the paper has 5x5 convolutions it has 3x3.
    /// </summary>
    public static Model GoogLeNet(string name)
    {
        var pool = new MaxPool2d(3) { Stride = 2, CeilMode = true };
        return new Model(name, 3, 224, 224, 1000, new Sequential(
        [
            .. Convolution(64, 7, 2), pool, .. Convolution(64, 1), .. Convolution(192, 3), pool,
            Inception(64, 96, 128, 16, 32, 32), Inception(128, 128, 192, 32, 96, 64), pool,
            Inception(192, 96, 208, 16, 48, 64), Inception(160, 112, 224, 24, 64, 64),
            Inception(128, 128, 256, 24, 64, 64), Inception(112, 144, 288, 32, 64, 64),
            Inception(256, 160, 320, 32, 128, 128), new MaxPool2d(2) { CeilMode = true },
            Inception(256, 160, 320, 32, 128, 128), Inception(384, 192, 384, 48, 128, 128),
            new GlobalAvgPool(), new Flatten(), new Dropout(0.2), new Linear(1000),
        ]));

        static Concat Inception(int single, int reduce3, int conv3, int reduce5, int conv5, int pooled) => new(
            new Sequential(Convolution(single, 1)),
            new Sequential([.. Convolution(reduce3, 1), .. Convolution(conv3, 3)]),
            new Sequential([.. Convolution(reduce5, 1), .. Convolution(conv5, 3)]),
            new Sequential([new MaxPool2d(3) { Stride = 1, Padding = 1 }, .. Convolution(pooled, 1)]));

        static Layer[] Convolution(int channels, int kernel, int stride = 1) =>
        [
            new Conv2d(channels, kernel) { Stride = stride, Padding = kernel / 2, Bias = false },
            new BatchNorm2d { Epsilon = 1e-3 }, new Relu(),
        ];
    }

    /// <summary>Howard et al. 2017: each 3x3 convolution is of single channels, the next of single pixels.</summary>
    public static Model MobileNet(string name)
    {
        List<Layer> layers =
        [
            new Conv2d(32, 3) { Stride = 2, Padding = 1, Bias = false }, new BatchNorm2d(), new Relu(),
        ];
        foreach (var (channels, stride) in ((int, int)[])
        [
            (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1),
            (1024, 2), (1024, 1),
        ])
        {
            layers.AddRange(
            [
                new DepthwiseConv2d(3) { Stride = stride, Padding = 1, Bias = false }, new BatchNorm2d(), new Relu(),
                new Conv2d(channels, 1) { Bias = false }, new BatchNorm2d(), new Relu(),
            ]);
        }
        return new Model(
            name, 3, 224, 224, 1000,
            new Sequential([.. layers, new GlobalAvgPool(), new Flatten(), new Linear(1000)]));
    }
}
