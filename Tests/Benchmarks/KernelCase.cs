using Distributed.Numerics;

namespace Distributed.Benchmarks;

/// <summary>
/// One kernel at one shape, on a micro-batch of 32 samples. Flops count every tap, 0 for what only moves memory.
/// </summary>
/// <param name="Name">The kernel and where it stands in a network.</param>
/// <param name="Flops">Operations of a call.</param>
/// <param name="Run">Makes a call.</param>
/// <param name="Bytes">Bytes read and written, where those are its limit.</param>
public sealed record KernelCase(string Name, double Flops, Action Run, double Bytes = 0)
{
    private const int Batch = 32;

    /// <summary>
    /// The kernels that training convnet, lenet5 and mlp spends its time in, and convolutions of larger networks; those
    /// with a choice of algorithm by each mode that chooses another.
    /// </summary>
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
        .. Convolution("resnet20 stem", new(32, 32, 3, 16, 3, 3, 1, 1, 1, 1)),
        .. Convolution("resnet20 stage 1", new(32, 32, 16, 16, 3, 3, 1, 1, 1, 1)),
        .. Convolution("resnet20 stage 2 stride 2", new(32, 32, 16, 32, 3, 3, 2, 2, 1, 1)),
        .. Convolution("resnet20 stage 2", new(16, 16, 32, 32, 3, 3, 1, 1, 1, 1)),
        .. Convolution("resnet20 stage 3", new(8, 8, 64, 64, 3, 3, 1, 1, 1, 1)),
        .. Convolution("densenet40 block 1", new(32, 32, 76, 12, 3, 3, 1, 1, 1, 1)),
        .. Convolution("densenet40 transition 1", new(32, 32, 160, 160, 1, 1)),
        .. Convolution("densenet40 block 2", new(16, 16, 232, 12, 3, 3, 1, 1, 1, 1)),
        .. Convolution("vgg11-cifar conv2", new(16, 16, 64, 128, 3, 3, 1, 1, 1, 1)),
        .. Convolution("vgg11-cifar conv4", new(8, 8, 256, 256, 3, 3, 1, 1, 1, 1)),
        .. Convolution("vgg11-cifar conv6", new(4, 4, 512, 512, 3, 3, 1, 1, 1, 1)),
        .. Convolution("vgg11-cifar conv8", new(2, 2, 512, 512, 3, 3, 1, 1, 1, 1)),
        .. Convolution("alexnet conv2", new(27, 27, 64, 192, 5, 5, 1, 1, 2, 2)),
        .. Convolution("alexnet conv5", new(13, 13, 256, 256, 3, 3, 1, 1, 1, 1)),
        .. Convolution("resnet18 stage 2", new(28, 28, 128, 128, 3, 3, 1, 1, 1, 1)),
        .. Depthwise("mobilenet depthwise", new(28, 28, 256, 256, 3, 3, 1, 1, 1, 1)),
        .. Elementwise(),
    ];

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static IEnumerable<KernelCase> Convolution(string name, ConvolutionShape s)
    {
        List<ConvolutionAlgorithms> seen = [];
        foreach (ConvolutionMode mode in Enum.GetValues<ConvolutionMode>().Reverse())
        {
            var algorithms = ConvolutionAlgorithms.Choose(s, mode);
            if (seen.Contains(algorithms))
                continue;
            seen.Add(algorithms);
            foreach (KernelCase kernel in Convolution(name, s, mode))
                yield return kernel;
        }
    }

    private static IEnumerable<KernelCase> Convolution(string name, ConvolutionShape s, ConvolutionMode mode)
    {
        double flops = 2.0 * Batch * s.OutHeight * s.OutWidth * s.WeightLength;
        var kernels = new Convolution(s, s, s, mode, Batch);
        var memory = new Lazy<ConvolutionMemory>(() => new ConvolutionMemory(s, kernels, Batch));
        string end = mode == ConvolutionMode.Direct ? "" : $" ({mode})";
        yield return new($"{name} pack{end}", 0, () =>
        {
            kernels.PackForward(memory.Value.Weights.Span, memory.Value.Forward.Span);
            kernels.PackBackward(memory.Value.Weights.Span, memory.Value.Backward.Span);
        });
        yield return new($"{name} forward{end}", flops, () => kernels.Forward(Batch, memory.Value.Input.Span,
            memory.Value.Operand(memory.Value.Forward), memory.Value.Bias.Span, memory.Value.Output.Span, true,
            memory.Value.Scratch.Span));
        yield return new($"{name} backward data{end}", flops, () => kernels.BackwardData(Batch,
            memory.Value.Output.Span, memory.Value.Operand(memory.Value.Backward), memory.Value.Input.Span,
            memory.Value.Scratch.Span, false));
        yield return new($"{name} backward weights{end}", flops, () => kernels.BackwardWeights(Batch,
            memory.Value.Input.Span, memory.Value.Output.Span, memory.Value.Weights.Span,
            memory.Value.Scratch.Span));
    }

    private static IEnumerable<KernelCase> Depthwise(string name, ConvolutionShape s)
    {
        double flops = 2.0 * Batch * s.OutputLength * s.KernelHeight * s.KernelWidth;
        NativeBuffer x = Buffer(Batch * s.InputLength), y = Buffer(Batch * s.OutputLength);
        NativeBuffer w = Buffer(DepthwiseConvolution.WeightLength(s));
        NativeBuffer packed = Buffer(DepthwiseConvolution.PackedLength(s));
        yield return new($"{name} forward", flops, () =>
            DepthwiseConvolution.Forward(s, Batch, x.Span, packed.Span, [], y.Span, relu: true));
        yield return new($"{name} backward data", flops, () =>
            DepthwiseConvolution.BackwardData(s, Batch, y.Span, packed.Span, x.Span));
        yield return new($"{name} backward weights", flops, () =>
            DepthwiseConvolution.BackwardWeights(s, Batch, x.Span, y.Span, w.Span));
    }

    private static IEnumerable<KernelCase> Linear(string name, LinearShape s)
    {
        foreach (int batch in new[] { Batch, 4 * Batch })
        {
            double flops = 2.0 * batch * s.WeightLength;
            NativeBuffer x = Buffer(batch * s.Inputs), y = Buffer(batch * s.Outputs), w = Buffer(s.WeightLength);
            NativeBuffer bias = Buffer(s.Outputs), scratch = Buffer(Math.Max(LinearForward.ScratchLength(s, batch),
                Math.Max(LinearBackwardData.ScratchLength(s, batch), LinearBackwardWeights.ScratchLength(s, batch))));
            string end = batch == Batch ? "" : $" of {batch}";
            yield return new($"{name} forward{end}", flops, () =>
                LinearForward.Run(s, batch, x.Span, w.Span, bias.Span, y.Span, relu: true, scratch.Span));
            yield return new($"{name} backward data{end}", flops, () =>
                LinearBackwardData.Run(s, batch, y.Span, w.Span, x.Span, scratch.Span));
            yield return new($"{name} backward weights{end}", flops, () =>
                LinearBackwardWeights.Run(s, batch, Batch, x.Span, y.Span, w.Span, scratch.Span));
        }
    }

    private static IEnumerable<KernelCase> Pool(string name, PoolShape s)
    {
        NativeBuffer x = Buffer(Batch * s.InputLength), y = Buffer(Batch * s.OutputLength), bias = Buffer(s.Channels);
        NativeBuffer dx = Buffer(x.Length);
        byte[] indices = new byte[y.Length];
        double each = x.Length * sizeof(float) + y.Length * (sizeof(float) + 1.0);
        yield return new($"{name} forward", 0, () => MaxPool.Forward(s, Batch, x.Span, y.Span, indices), each);
        yield return new($"{name} backward", 0, () => MaxPool.Backward(s, Batch, y.Span, indices, dx.Span), each);
        yield return new($"{name} input ReLU mask and bias gradient", 0, () =>
            BiasGradient.RunWithReluMask(x.Span, dx.Span, s.Channels, bias.Span), 3.0 * x.Length * sizeof(float));
    }

    private static IEnumerable<KernelCase> Elementwise()
    {
        NativeBuffer a = Buffer(670_000), b = Buffer(670_000), c = Buffer(670_000);
        NativeBuffer logits = Buffer(Batch * 10), gradient = Buffer(Batch * 10);
        int[] labels = new int[Batch];
        double block = a.Length * sizeof(float);
        yield return new("mlp add gradients", 0, () => Numerics.Elementwise.Add(a.Span, b.Span, b.Span), 3 * block);
        yield return new("mlp all finite", 0, () => Numerics.Elementwise.AllFinite(a.Span), block);
        yield return new("mlp SGD", 0, () =>
            SgdUpdate.Run(a.Span, b.Span, c.Span, 1e-9f, 1e-9f, 0.9f, 1e-9f, nesterov: true), 5 * block);
        yield return new("cross-entropy", 0, () =>
            SoftmaxCrossEntropy.Run(logits.Span, 10, labels, 0, gradient.Span, [], out _, out _));
    }

    /// <summary>What a convolution's kernels work on, made when the first of them runs.</summary>
    private sealed class ConvolutionMemory(ConvolutionShape s, Convolution kernels, int batch)
    {
        public NativeBuffer Input { get; } = Buffer(batch * s.InputLength);

        public NativeBuffer Output { get; } = Buffer(batch * s.OutputLength);

        public NativeBuffer Weights { get; } = Buffer(s.WeightLength);

        public NativeBuffer Bias { get; } = Buffer(s.OutChannels);

        public NativeBuffer Forward { get; } = Buffer(kernels.ForwardPackedLength);

        public NativeBuffer Backward { get; } = Buffer(kernels.BackwardPackedLength);

        public NativeBuffer Scratch { get; } = Buffer(Math.Max(kernels.ForwardScratchLength,
            Math.Max(kernels.BackwardDataScratchLength, kernels.BackwardWeightsScratchLength)));

        /// <summary>Packed weights or, where there are none, the weights themselves.</summary>
        public ReadOnlySpan<float> Operand(NativeBuffer packed) => packed.Length == 0 ? Weights.Span : packed.Span;
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
