using Distributed.Numerics;

namespace Distributed.Benchmarks;

/// <summary>
/// One kernel at one shape, on a micro-batch of 32 samples. Flops count every tap, 0 for what only moves memory.
/// </summary>
public sealed record KernelCase(string Name, double Flops, Action Run)
{
    private const int Batch = 32;

    /// <summary>All kernels that training convnet, lenet5 and mlp spends its time in.</summary>
    public static IEnumerable<KernelCase> All() =>
    [
        .. Convolution("convnet conv1", new(28, 28, 1, 32, 3, 3)),
        .. Pool("convnet pool1", new(26, 26, 32, 2, 2, 2, 2)),
        .. Convolution("convnet conv2", new(13, 13, 32, 64, 3, 3)),
        .. Pool("convnet pool2", new(11, 11, 64, 2, 2, 2, 2)),
        .. Convolution("convnet conv3", new(5, 5, 64, 64, 3, 3)),
        .. Linear("convnet linear1", new(576, 64)),
        .. Linear("convnet linear2", new(64, 10)),
        .. Convolution("lenet5 conv1", new(28, 28, 1, 6, 5, 5, 1, 1, 2, 2)),
        .. Pool("lenet5 pool1", new(28, 28, 6, 2, 2, 2, 2)),
        .. Convolution("lenet5 conv2", new(14, 14, 6, 16, 5, 5)),
        .. Linear("lenet5 linear1", new(400, 120)),
        .. Linear("mlp linear1", new(784, 512)),
        .. Linear("mlp linear2", new(512, 512)),
        .. Linear("mlp linear3", new(512, 10)),
        .. Elementwise(),
    ];

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static IEnumerable<KernelCase> Convolution(string name, ConvolutionShape s)
    {
        double flops = 2.0 * Batch * s.OutHeight * s.OutWidth * s.WeightLength;
        NativeBuffer x = Buffer(Batch * s.InputLength), y = Buffer(Batch * s.OutputLength);
        NativeBuffer w = Buffer(s.WeightLength), bias = Buffer(s.OutChannels);
        NativeBuffer forward = Buffer(ConvolutionForward.PackedLength(s)),
            back = Buffer(ConvolutionBackwardData.PackedLength(s));
        NativeBuffer scratch = Buffer(Math.Max(ConvolutionForward.ScratchLength(s),
            Math.Max(ConvolutionBackwardData.ScratchLength(s), ConvolutionBackwardWeights.ScratchLength(s))));
        yield return new($"{name} pack", 0, () =>
        {
            ConvolutionForward.Pack(s, w.Span, forward.Span);
            ConvolutionBackwardData.Pack(s, w.Span, back.Span);
        });
        yield return new($"{name} forward", flops, () =>
            ConvolutionForward.Run(s, Batch, x.Span, forward.Span, bias.Span, y.Span, relu: true, scratch.Span));
        yield return new($"{name} backward data", flops, () =>
            ConvolutionBackwardData.Run(s, Batch, y.Span, back.Span, x.Span, scratch.Span));
        yield return new($"{name} backward weights", flops, () =>
            ConvolutionBackwardWeights.Run(s, Batch, x.Span, y.Span, w.Span, scratch.Span));
    }

    private static IEnumerable<KernelCase> Linear(string name, LinearShape s) =>
        Convolution(name, new ConvolutionShape(1, 1, s.Inputs, s.Outputs, 1, 1));

    private static IEnumerable<KernelCase> Pool(string name, PoolShape s)
    {
        NativeBuffer x = Buffer(Batch * s.InputLength), y = Buffer(Batch * s.OutputLength), bias = Buffer(s.Channels);
        NativeBuffer dx = Buffer(x.Length);
        byte[] indices = new byte[y.Length];
        yield return new($"{name} forward", 0, () => MaxPool.Forward(s, Batch, x.Span, y.Span, indices));
        yield return new($"{name} backward", 0, () => MaxPool.Backward(s, Batch, y.Span, indices, dx.Span));
        yield return new($"{name} input ReLU mask and bias gradient", 0, () =>
            BiasGradient.RunWithReluMask(x.Span, dx.Span, s.Channels, bias.Span));
    }

    private static IEnumerable<KernelCase> Elementwise()
    {
        NativeBuffer a = Buffer(670_000), b = Buffer(670_000), c = Buffer(670_000);
        NativeBuffer logits = Buffer(Batch * 10), gradient = Buffer(Batch * 10);
        int[] labels = new int[Batch];
        yield return new("mlp add gradients", 0, () => Numerics.Elementwise.Add(a.Span, b.Span, b.Span));
        yield return new("mlp all finite", 0, () => Numerics.Elementwise.AllFinite(a.Span));
        yield return new("mlp SGD", 0, () =>
            SgdUpdate.Run(a.Span, b.Span, c.Span, 1e-9f, 1e-9f, 0.9f, 1e-9f, nesterov: true));
        yield return new("cross-entropy", 0, () =>
            SoftmaxCrossEntropy.Run(logits.Span, 10, labels, 0, gradient.Span, [], out _, out _));
    }

    private static NativeBuffer Buffer(int length)
    {
        var buffer = new NativeBuffer(length);
        var random = new CounterRandom(1, RandomPurpose.Benchmark);
        for (int i = 0; i < length; i++)
            buffer.Span[i] = random.Uniform((uint)i) - 0.5f;
        return buffer;
    }
}
