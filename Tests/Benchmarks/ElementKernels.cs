using Distributed.Learning;
using Distributed.Numerics;
using Dropout = Distributed.Numerics.Dropout;
using LocalResponseNorm = Distributed.Numerics.LocalResponseNorm;

namespace Distributed.Benchmarks;

/// <summary>What works element by element: limited by memory, and by arithmetic where functions are computed.</summary>
internal static class ElementKernels
{
    private const string Norms = "batch norm", Pools = "pooling", Activations = "activations", Losses = "losses",
        Gradients = "gradients", Optimizers = "optimizers";

    // A micro-batch's activations that fit the caches, and such that don't.
    private static readonly PixelShape[] Sizes = [new(32 * 32, 64), new(112 * 112, 64)];

    private const int Samples = 8;

    public static IReadOnlyList<string> Sections { get; } =
        [Norms, Pools, Activations, Losses, Gradients, Optimizers];

    /// <summary>The rows of a section.</summary>
    public static IEnumerable<KernelCase> Of(string section) => section switch
    {
        Norms => [.. Sizes.Select(BatchNorm), BatchNorm(new(32 * 32, 16)), BatchNorm(new(7 * 7, 512))],
        Pools => PoolCases(),
        Activations => Sizes.SelectMany(ActivationCases),
        Losses => [Loss(32, 10), Loss(128, 10), Loss(16, 1000)],
        Gradients => Lengths(GradientCases),
        _ => Lengths(length => Optimizer.Names.Select(name => Step(name, length))),
    };

    // Parameters of mlp and of resnet18.
    private static IEnumerable<KernelCase> Lengths(Func<int, IEnumerable<KernelCase>> cases) =>
        new[] { 669_706, 11_689_512 }.SelectMany(cases);

    private static KernelCase BatchNorm(PixelShape s)
    {
        int channels = s.Channels, pixels = Samples * s.Pixels;
        var shape = new BatchNormShape(channels);
        BenchmarkBuffer x = new(pixels * channels), y = new(x.Length), dx = new(x.Length), w = new(channels);
        BenchmarkBuffer k = new(BatchNormForward.CoefficientsLength(channels)), dw = new(channels), db = new(channels);
        BenchmarkBuffer scratch = new(BatchNormBackward.ScratchLength(channels));
        double[] statistics = new double[Numerics.BatchNorm.StatisticsLength(channels)];
        return new KernelCase(Norms, $"batch norm and ReLU, {Text(s)}",
        [
            new("statistics", 0, x.Bytes, () => Numerics.BatchNorm.Statistics(shape, pixels, x.Span, statistics)),
            new("forward", 0, 2 * x.Bytes, () =>
                BatchNormForward.Run(shape, pixels, x.Span, k.Span, [], relu: true, y.Span)),
            // Two passes: sums over both inputs, then the gradient from both.
            new("backward", 0, 5 * x.Bytes, () => BatchNormBackward.Run(shape, pixels, x.Span, k.Span, relu: true, [],
                y.Span, w.Span, dw.Span, db.Span, dx.Span, accumulate: false, scratch.Span)),
        ], x, y, dx, w, k, dw, db, scratch);
    }

    private static IEnumerable<KernelCase> PoolCases()
    {
        yield return MaxPoolCase("convnet", 32, new PoolShape(26, 26, 32, 2, 2, 2, 2));
        yield return MaxPoolCase("lenet5", 32, new PoolShape(28, 28, 6, 2, 2, 2, 2));
        yield return MaxPoolCase("alexnet", 16, new PoolShape(55, 55, 64, 3, 3, 2, 2));
        yield return MaxPoolCase("resnet18", 8, new PoolShape(112, 112, 64, 3, 3, 2, 2, 1, 1));
        yield return AveragePoolCase("densenet40", 32, new PoolShape(32, 32, 160, 2, 2, 2, 2));
        yield return AveragePoolCase("3x3 with padding", 32, new PoolShape(16, 16, 64, 3, 3, 2, 2, 1, 1));
        yield return GlobalPoolCase("resnet20", 32, 8 * 8, 64);
        yield return GlobalPoolCase("mobilenet", 8, 7 * 7, 1024);
    }

    private static KernelCase MaxPoolCase(string name, int samples, PoolShape s)
    {
        BenchmarkBuffer x = new(samples * s.InputLength), y = new(samples * s.OutputLength), dx = new(x.Length);
        BenchmarkBuffer bias = new(s.Channels);
        byte[] indices = new byte[y.Length];
        double each = x.Bytes + y.Bytes + indices.Length;
        return new KernelCase(Pools, $"max, {name}: {Text(samples, s)}",
        [
            new("forward", 0, each, () => MaxPool.Forward(s, samples, x.Span, y.Span, indices)),
            new("backward", 0, each, () => MaxPool.Backward(s, samples, y.Span, indices, dx.Span)),
        ], x, y, dx, bias);
    }

    private static KernelCase AveragePoolCase(string name, int samples, PoolShape s)
    {
        BenchmarkBuffer x = new(samples * s.InputLength), y = new(samples * s.OutputLength);
        return new KernelCase(Pools, $"average, {name}: {Text(samples, s)}",
        [
            new("forward", 0, x.Bytes + y.Bytes, () => AveragePool.Forward(s, samples, x.Span, y.Span)),
            new("backward", 0, x.Bytes + y.Bytes, () => AveragePool.Backward(s, samples, y.Span, x.Span)),
        ], x, y);
    }

    private static KernelCase GlobalPoolCase(string name, int samples, int pixels, int channels)
    {
        BenchmarkBuffer x = new(samples * pixels * channels), y = new(samples * channels);
        return new KernelCase(Pools, $"global average, {name}: {samples}x{channels}, {pixels} pixels",
        [
            new("forward", 0, x.Bytes + y.Bytes, () =>
                GlobalAveragePool.Forward(pixels, channels, samples, x.Span, y.Span)),
            new("backward", 0, x.Bytes + y.Bytes, () =>
                GlobalAveragePool.Backward(pixels, channels, samples, y.Span, x.Span)),
        ], x, y);
    }

    private static IEnumerable<KernelCase> ActivationCases(PixelShape s)
    {
        BenchmarkBuffer x = new(Samples * s.Pixels * s.Channels), y = new(x.Length), dy = new(x.Length);
        BenchmarkBuffer dx = new(x.Length), bias = new(s.Channels), scratch = new(LocalResponseNorm.ScratchLength(s));
        double two = 2 * x.Bytes, three = 3 * x.Bytes;
        var norm = new LocalResponseNorm(5, 1e-4f, 0.75f, 2);
        int maskLength = Dropout.MaskLength(s);
        byte[] masks = new byte[Samples * maskLength];
        yield return Row("ReLU", [new("forward", 0, two, () => Numerics.Relu.Forward(x.Span, y.Span)),
            new("backward", 0, three, () => Numerics.Relu.Backward(y.Span, dy.Span, dx.Span))]);
        yield return Row("ReLU mask and bias gradient", [new("backward", 0, three, () =>
            BiasGradient.RunWithReluMask(y.Span, dy.Span, s.Channels, bias.Span))]);
        yield return Row("leaky ReLU", [
            new("forward", 0, two, () => Numerics.LeakyRelu.Forward(s, Samples, x.Span, y.Span, 0.01f)),
            new("backward", 0, three, () =>
                Numerics.LeakyRelu.Backward(s, Samples, y.Span, dy.Span, dx.Span, false, 0.01f))]);
        yield return Row("GELU", [new("forward", 0, two, () => Numerics.Gelu.Forward(s, Samples, x.Span, y.Span)),
            new("backward", 0, three, () => Numerics.Gelu.Backward(s, Samples, x.Span, dy.Span, dx.Span, false))]);
        yield return Row("sigmoid", [
            new("forward", 0, two, () => Numerics.Sigmoid.Forward(s, Samples, x.Span, y.Span)),
            new("backward", 0, three, () => Numerics.Sigmoid.Backward(s, Samples, y.Span, dy.Span, dx.Span, false))]);
        yield return Row("tanh", [new("forward", 0, two, () => Numerics.Tanh.Forward(s, Samples, x.Span, y.Span)),
            new("backward", 0, three, () => Numerics.Tanh.Backward(s, Samples, y.Span, dy.Span, dx.Span, false))]);
        yield return Row("dropout", [
            new("forward", 0, two + masks.Length, () =>
                Dropout.Apply(s, Samples, masks, 0.5f, x.Span, y.Span, false)),
            new("draw", 0, masks.Length, () => Draw(masks, maskLength))]);
        yield return Row("local response norm", [
            new("forward", 0, two, () => norm.Forward(s, Samples, x.Span, y.Span, scratch.Span)),
            new("backward", 0, three, () =>
                norm.Backward(s, Samples, x.Span, dy.Span, dx.Span, false, scratch.Span))]);

        KernelCase Row(string name, KernelPass[] passes) =>
            new(Activations, $"{name}, {Text(s)}", passes, x, y, dy, dx, bias, scratch);
    }

    private static void Draw(byte[] masks, int length)
    {
        for (int n = 0; n < Samples; n++)
            Dropout.Draw(new CounterRandom(1, RandomPurpose.Dropout, 0, 0, n), 0.5f, masks.AsSpan(n * length, length));
    }

    private static KernelCase Loss(int samples, int classes)
    {
        BenchmarkBuffer logits = new(samples * classes), gradient = new(logits.Length);
        int[] labels = [.. Enumerable.Range(0, samples).Select(n => n % classes)];
        return new KernelCase(Losses, $"softmax and cross-entropy, {samples}x{classes}",
        [
            new("forward and backward", 0, 2 * logits.Bytes, () =>
                SoftmaxCrossEntropy.Run(logits.Span, classes, labels, 0.1f, gradient.Span, [], out _, out _)),
        ], logits, gradient);
    }

    private static IEnumerable<KernelCase> GradientCases(int length)
    {
        BenchmarkBuffer a = new(length), b = new(length);
        yield return Row("add", 3 * a.Bytes, () => Elementwise.Add(a.Span, b.Span, b.Span));
        yield return Row("all finite", a.Bytes, () => Elementwise.AllFinite(a.Span));
        yield return Row("scale and clip", 2 * a.Bytes, () => Elementwise.ScaleAndClip(a.Span, 1, 1));
        yield return Row("sum of squares", a.Bytes, () => SquareSum.Run(a.Span));
        yield return Row("moving average", 3 * a.Bytes, () => Elementwise.MoveAverage(0.01f, a.Span, b.Span));

        KernelCase Row(string name, double bytes, Action run) =>
            new(Gradients, $"{name}, {length:N0} values", [new("time", 0, bytes, run)], a, b);
    }

    private static KernelCase Step(string name, int length)
    {
        Optimizer rule = Optimizer.Find(name);
        BenchmarkBuffer parameters = new(length), gradient = new(length);
        BenchmarkBuffer[] states = [.. rule.StateNames.Select(_ => new BenchmarkBuffer(length))];
        // Parameters and states are read and written, the gradient is read; norms read once more.
        int arrays = 3 + 2 * states.Length + (name is "lars" or "lamb" ? 2 : 0);
        var step = new OptimizerStep(0, length, Decays: true, 10, 1e-9f, 1e-9);
        return new KernelCase(Optimizers, $"{name}, {length:N0} parameters",
        [
            new("step", 0, arrays * parameters.Bytes, () => rule.Step(step, parameters.Span, gradient.Span,
                Array.ConvertAll(states, state => state.Memory))),
        ], [parameters, gradient, .. states]);
    }

    private static string Text(PixelShape s) => $"{Samples}x{s.Channels}, {s.Pixels:N0} pixels";

    private static string Text(int samples, PoolShape s) =>
        $"{samples}x{s.Channels}x{s.InHeight}x{s.InWidth}, {s.KernelHeight}x{s.KernelWidth}/{s.StrideHeight}";
}
