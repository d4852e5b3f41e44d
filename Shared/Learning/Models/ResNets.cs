namespace Distributed.Learning;

/// <summary>
/// Residual networks (He et al. 2015). Layers are named by their place: block b's first convolution is
/// "b.body.0.weight", its projection "b.shortcut.0.weight".
/// </summary>
internal static class ResNets
{
    /// <summary>
    /// For 32x32 images: 6 <paramref name="blocks"/> + 2 layers with weights in three stages of 16, 32 and 64 channels;
    /// where the shape changes the shortcut is a 1x1 convolution with batch norm.
    /// </summary>
    public static Model Cifar(string name, int blocks) => new(name, 3, 32, 32, 10, new Sequential(
    [
        .. ConvNorm(16, 3), new Relu(),
        .. Stages(BasicBlock, 16, 16, [blocks, blocks, blocks]),
        new GlobalAvgPool(), new Flatten(), new Linear(10),
    ]));

    /// <summary>For 224x224 images, as torchvision's, with two 3x3 convolutions a block.</summary>
    public static Model Basic(string name, params int[] blocks) => ImageNet(name, BasicBlock, 64, blocks);

    /// <summary>For 224x224 images, as torchvision's, with 1x1, 3x3 and 1x1 convolutions a block.</summary>
    public static Model Bottleneck(string name, params int[] blocks) =>
        ImageNet(name, BottleneckBlock, 256, blocks);

    private static Model ImageNet(string name, BuildBlock block, int width, int[] blocks) =>
        new(name, 3, 224, 224, 1000, new Sequential(
        [
            .. ConvNorm(64, 7, 2), new Relu(), new MaxPool2d(3) { Stride = 2, Padding = 1 },
            .. Stages(block, 64, width, blocks),
            new GlobalAvgPool(), new Flatten(), new Linear(1000),
        ]));

    /// <summary>The layers of a block's body, for an output of so many channels.</summary>
    private delegate Layer[] BuildBlock(int channels, int stride);

    /// <summary>Every stage but the first halves the image and doubles the channels.</summary>
    private static IEnumerable<Layer> Stages(BuildBlock block, int inputs, int channels, int[] blocks)
    {
        for (var stage = 0; stage < blocks.Length; stage++, channels *= 2)
        {
            for (var i = 0; i < blocks[stage]; i++)
            {
                var stride = stage > 0 && i == 0 ? 2 : 1;
                var isIdentity = stride == 1 && inputs == channels;
                yield return new Residual(
                    new Sequential(block(channels, stride)),
                    isIdentity ? null : new Sequential(ConvNorm(channels, 1, stride)));
                yield return new Relu();
                inputs = channels;
            }
        }
    }

    private static Layer[] BasicBlock(int channels, int stride) =>
        [.. ConvNorm(channels, 3, stride), new Relu(), .. ConvNorm(channels, 3)];

    private static Layer[] BottleneckBlock(int channels, int stride) =>
    [
        .. ConvNorm(channels / 4, 1), new Relu(), .. ConvNorm(channels / 4, 3, stride), new Relu(),
        .. ConvNorm(channels, 1),
    ];

    private static Layer[] ConvNorm(int channels, int kernel, int stride = 1) =>
        [new Conv2d(channels, kernel) { Stride = stride, Padding = kernel / 2, Bias = false }, new BatchNorm2d()];
}
