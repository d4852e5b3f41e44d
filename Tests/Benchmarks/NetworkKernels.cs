using Distributed.Learning;
using Distributed.Numerics;

namespace Distributed.Benchmarks;

/// <summary>
/// Every convolution and linear layer of a network, on one micro-batch of its default size, by the algorithms that
/// training chooses. Layers of equal shape are one row.
/// </summary>
internal sealed class NetworkKernels
{
    private static readonly Dictionary<string, int> Batches = new()
    {
        ["lenet5"] = 128,
        ["convnet"] = 128,
        ["mlp"] = 128,
        ["resnet20"] = 128,
        ["densenet40"] = 128,
        ["vgg11-cifar"] = 128,
        ["alexnet"] = 32,
        ["resnet18"] = 16,
        ["mobilenet"] = 16,
    };

    private readonly List<(object Key, string Name, Func<string, KernelCase> Make)> _layers = [];
    private readonly string _section;
    private readonly int _samples;

    private NetworkKernels(Model model)
    {
        _section = model.Name;
        _samples = ExecutionPlan.DefaultMicroBatch(model, Batches[model.Name]);
        Walk(model.Layers, "", new TensorShape(model.Channels, model.Height, model.Width, IsFlat: false));
    }

    public static IReadOnlyList<string> Sections => [.. Batches.Keys];

    /// <summary>The rows of a network.</summary>
    public static IEnumerable<KernelCase> Of(string network)
    {
        foreach (var group in new NetworkKernels(ModelCatalogue.Find(network))._layers.GroupBy(layer => layer.Key))
        {
            var (_, name, make) = group.First();
            int more = group.Count() - 1;
            yield return make(more == 0 ? name : $"{name} and {more} more");
        }
    }

    private TensorShape Walk(Layer layer, string name, TensorShape x)
    {
        switch (layer)
        {
            case Sequential all:
                for (int i = 0; i < all.Layers.Count; i++)
                    x = Walk(all.Layers[i], name.Length == 0 ? $"{i}" : $"{name}.{i}", x);
                return x;
            case Residual residual:
                if (residual.Shortcut is { } shortcut)
                    Walk(shortcut, $"{name}.shortcut", x);
                return Walk(residual.Body, $"{name}.body", x);
            case Concat concat:
                TensorShape[] outputs = [.. concat.Branches.Select((branch, i) => Walk(branch, $"{name}.{i}", x))];
                return outputs[0] with { Channels = outputs.Sum(output => output.Channels) };
            case Conv2d c:
                return Convolution(name, c, Shape(x, x.Channels / c.Groups, c.OutChannels / c.Groups, c.Kernel,
                    c.Stride, c.Padding) with
                { InPitch = x.Channels, OutPitch = c.OutChannels });
            case DepthwiseConv2d c:
                return Depthwise(name, Shape(x, x.Channels, x.Channels, c.Kernel, c.Stride, c.Padding));
            case MaxPool2d p:
                return Pooled(x, p.Kernel, p.Stride, p.Padding, p.CeilMode);
            case AvgPool2d p:
                return Pooled(x, p.Kernel, p.Stride, p.Padding, ceil: false);
            case GlobalAvgPool:
                return x with { Height = 1, Width = 1 };
            case Linear linear:
                var shape = new LinearShape(x.Length, linear.Outputs);
                _layers.Add((shape, name, full => LinearCase(full, shape)));
                return TensorShape.Features(linear.Outputs);
            default:
                return x;
        }
    }

    private static ConvolutionShape Shape(
        TensorShape x, int inChannels, int outChannels, Size2d kernel, Size2d stride, Size2d padding) =>
        new(x.Height, x.Width, inChannels, outChannels, kernel.Height, kernel.Width, stride.Height, stride.Width,
            padding.Height, padding.Width);

    private static TensorShape Pooled(TensorShape x, Size2d kernel, Size2d stride, Size2d padding, bool ceil)
    {
        var s = new PoolShape(x.Height, x.Width, x.Channels, kernel.Height, kernel.Width, stride.Height, stride.Width,
            padding.Height, padding.Width)
        { CeilMode = ceil };
        return x with { Height = s.OutHeight, Width = s.OutWidth };
    }

    private TensorShape Convolution(string name, Conv2d layer, ConvolutionShape s)
    {
        // The input of a network's first layer has no gradient.
        bool isFirst = _layers.Count == 0;
        _layers.Add(((s, layer.Groups, isFirst), name, full => ConvolutionCase(full, s, layer.Groups, isFirst)));
        return new TensorShape(layer.OutChannels, s.OutHeight, s.OutWidth, IsFlat: false);
    }

    private TensorShape Depthwise(string name, ConvolutionShape s)
    {
        _layers.Add(((s, "depthwise"), name, full => DepthwiseCase(full, s)));
        return new TensorShape(s.OutChannels, s.OutHeight, s.OutWidth, IsFlat: false);
    }

    private KernelCase ConvolutionCase(string name, ConvolutionShape s, int groups, bool isFirst)
    {
        const ConvolutionMode mode = ConvolutionMode.Winograd;
        double flops = 2.0 * _samples * s.OutHeight * s.OutWidth * groups * s.WeightLength;
        var kernels = new GroupedConvolution(s, s, s, groups, mode, _samples);
        var algorithms = ConvolutionAlgorithms.Choose(s, mode);
        BenchmarkBuffer x = new(_samples * s.InputStep), y = new(_samples * s.OutputStep), bias = new(s.OutPitch);
        BenchmarkBuffer w = new(groups * s.WeightLength), forward = new(kernels.ForwardPackedLength);
        BenchmarkBuffer backward = new(kernels.BackwardPackedLength), scratch = new(Math.Max(
            kernels.ForwardScratchLength,
            Math.Max(kernels.BackwardDataScratchLength, kernels.BackwardWeightsScratchLength)));
        double prepared = Prepared(forward, w) + (isFirst ? 0 : Prepared(backward, w));
        List<KernelPass> passes =
        [
            new("prepare weights", 0, prepared, () =>
            {
                kernels.PackForward(w.Span, forward.Span);
                if (!isFirst)
                    kernels.PackBackward(w.Span, backward.Span);
            }),
            new("forward", flops, 0, () =>
                kernels.Forward(_samples, x.Span, Operand(forward, w), bias.Span, y.Span, true, scratch.Span)),
            new("backward data", flops, 0, () =>
                kernels.BackwardData(_samples, y.Span, Operand(backward, w), x.Span, scratch.Span, false)),
            new("backward weights", flops, 0, () =>
                kernels.BackwardWeights(_samples, x.Span, y.Span, w.Span, scratch.Span)),
        ];
        if (isFirst)
            passes.RemoveAt(2);
        if (prepared == 0)
            passes.RemoveAt(0);
        string many = groups == 1 ? "" : $", {groups} groups";
        return new KernelCase(_section, $"{name}: {Text(s)}{many}, {Text(algorithms)}", passes,
            x, y, bias, w, forward, backward, scratch);
    }

    private static double Prepared(BenchmarkBuffer packed, BenchmarkBuffer weights) =>
        packed.Length == 0 ? 0 : weights.Bytes + packed.Bytes;

    /// <summary>Packed weights or, where there are none, the weights themselves.</summary>
    private static ReadOnlySpan<float> Operand(BenchmarkBuffer packed, BenchmarkBuffer weights) =>
        packed.Length == 0 ? weights.Span : packed.Span;

    private KernelCase DepthwiseCase(string name, ConvolutionShape s)
    {
        BenchmarkBuffer x = new(_samples * s.InputLength), y = new(_samples * s.OutputLength);
        BenchmarkBuffer w = new(DepthwiseConvolution.WeightLength(s));
        BenchmarkBuffer packed = new(DepthwiseConvolution.PackedLength(s));
        double bytes = x.Bytes + y.Bytes;
        return new KernelCase(_section, $"{name}: {Text(s)}, depthwise",
        [
            new("prepare weights", 0, w.Bytes + packed.Bytes, () => DepthwiseConvolution.Pack(s, w.Span, packed.Span)),
            new("forward", 0, bytes, () =>
                DepthwiseConvolution.Forward(s, _samples, x.Span, packed.Span, [], y.Span, relu: false)),
            new("backward data", 0, bytes, () =>
                DepthwiseConvolution.BackwardData(s, _samples, y.Span, packed.Span, x.Span)),
            new("backward weights", 0, bytes, () =>
                DepthwiseConvolution.BackwardWeights(s, _samples, x.Span, y.Span, w.Span)),
        ], x, y, w, packed);
    }

    private KernelCase LinearCase(string name, LinearShape s)
    {
        // Where linear layers alone have weights, four micro-batches are computed together.
        int leaf = _samples, samples = _section == "mlp" ? 4 * leaf : leaf;
        double flops = 2.0 * samples * s.WeightLength;
        BenchmarkBuffer x = new(samples * s.Inputs), y = new(samples * s.Outputs), w = new(s.WeightLength);
        BenchmarkBuffer bias = new(s.Outputs), scratch = new(Math.Max(LinearForward.ScratchLength(s, samples),
            Math.Max(LinearBackwardData.ScratchLength(s, samples), LinearBackwardWeights.ScratchLength(s, samples))));
        return new KernelCase(_section, $"{name}: linear, {s.Inputs} to {s.Outputs}, {samples} samples",
        [
            new("forward", flops, 0, () =>
                LinearForward.Run(s, samples, x.Span, w.Span, bias.Span, y.Span, relu: true, scratch.Span)),
            new("backward data", flops, 0, () =>
                LinearBackwardData.Run(s, samples, y.Span, w.Span, x.Span, scratch.Span)),
            new("backward weights", flops, 0, () =>
                LinearBackwardWeights.Run(s, samples, leaf, x.Span, y.Span, w.Span, scratch.Span)),
        ], x, y, w, bias, scratch);
    }

    private string Text(in ConvolutionShape s) =>
        $"{_samples}x{s.InPitch}x{s.InHeight}x{s.InWidth} to {s.OutPitch}x{s.OutHeight}x{s.OutWidth}, "
        + $"{s.KernelHeight}x{s.KernelWidth}{(s.StrideHeight == 1 ? "" : $"/{s.StrideHeight}")}";

    private static string Text(in ConvolutionAlgorithms a)
    {
        string[] all = [Text(a.Forward), Text(a.BackwardData), Text(a.BackwardWeights)];
        return all.Distinct().Count() == 1 ? all[0] : string.Join(", ", all);
    }

    private static string Text(ConvolutionAlgorithm algorithm) => algorithm switch
    {
        ConvolutionAlgorithm.Direct => "direct",
        ConvolutionAlgorithm.Winograd2x2 => "Winograd 2x2",
        _ => "Winograd 4x4",
    };
}
