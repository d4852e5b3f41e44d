using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace Distributed.Numerics.Tests;

/// <summary>
/// The program that the test assembly is when started alone: prints which kernels run, then a SHA-256 for every
/// operation over seeded inputs of many shapes. <see cref="BitsTests"/> compares the output of machines.
/// </summary>
internal static class BitsProgram
{
    private static readonly ConvolutionShape[] Convolutions =
    [
        new(28, 28, 1, 32, 3, 3), new(13, 13, 32, 64, 3, 3), new(5, 5, 64, 64, 3, 3),
        new(28, 28, 1, 6, 5, 5, 1, 1, 2, 2),
        new(14, 14, 6, 16, 5, 5), new(9, 7, 3, 33, 3, 2, 2, 1, 1, 0), new(12, 12, 17, 20, 4, 4, 3, 3, 1, 2),
        new(10, 10, 8, 48, 1, 1), new(10, 10, 48, 7, 1, 1, 2, 2), new(16, 16, 5, 9, 7, 7, 2, 2, 3, 3),
    ];

    private static readonly ConvolutionShape[] Winograds =
    [
        new(13, 13, 32, 64, 3, 3), new(5, 7, 12, 28, 3, 3, 1, 1, 1, 1), new(8, 9, 40, 12, 3, 3, 1, 1, 2, 0),
        new(2, 2, 70, 33, 3, 3, 1, 1, 1, 1), new(16, 16, 96, 130, 3, 3, 1, 1, 1, 1) { InPitch = 100, OutPitch = 131 },
        new(9, 8, 17, 20, 5, 5, 1, 1, 2, 2),
    ];

    private static readonly LinearShape[] Linears =
        [new(576, 64), new(64, 10), new(400, 120), new(84, 10), new(100, 512), new(1030, 70), new(3, 1)];

    private static readonly PoolShape[] Pools =
    [
        new(26, 26, 32, 2, 2, 2, 2), new(11, 11, 6, 2, 2, 2, 2), new(9, 9, 17, 3, 3, 2, 2, 1, 1),
        new(6, 6, 3, 2, 2, 1, 1),
    ];

    public static int Main()
    {
        Console.WriteLine(InstructionSet.Name);
        foreach (ConvolutionShape shape in Convolutions)
            Convolution(shape, 9);
        foreach (LinearShape shape in Linears)
        {
            Linear(shape, 32, 32, $"{shape}");
            Linear(shape, 100, 19, $"{shape} of 100 samples");
        }
        foreach (PoolShape shape in Pools)
            Pool(shape, 3);
        foreach (int channels in new[] { 1, 6, 10, 16, 33, 512 })
            PerChannel(channels);
        foreach (int channels in new[] { 3, 8, 12, 16, 40, 515 })
            Norm(channels);
        foreach (int channels in new[] { 3, 12, 40 })
            Activations(new PixelShape(17, channels) { InPitch = channels + 5 });
        Loss();
        Update();
        AdaptiveUpdates();
        Random();
        foreach (ConvolutionShape shape in Winograds)
            Winograd(shape, 5);
        Grouped(new(9, 8, 16, 12, 3, 3, 1, 1, 1, 1), 3);
        Depthwise(new(14, 13, 70, 70, 3, 3, 1, 1, 1, 1), 3);
        Depthwise(new(8, 12, 20, 20, 3, 3, 1, 1, 1, 1), 2);
        Depthwise(new(9, 11, 20, 20, 5, 4, 2, 1, 2, 1), 2);
        Depthwise(new(15, 12, 33, 33, 3, 3, 2, 2, 1, 1), 3);
        return 0;
    }

    private static void Convolution(ConvolutionShape s, int batch)
    {
        float[] x = TestData.Random(batch * s.InputLength), w = TestData.Random(s.WeightLength, 1),
            y = new float[batch * s.OutputLength];
        float[] packed = new float[ConvolutionForward.PackedLength(s)], bias = TestData.Random(s.OutChannels, 2);
        ConvolutionForward.Pack(s, w, packed);
        ConvolutionForward.Run(s, batch, x, packed, bias, y, true, new float[ConvolutionForward.ScratchLength(s)]);
        Print($"forward {s}", y);
        float[] dy = TestData.Random(y.Length, 3), back = new float[ConvolutionBackwardData.PackedLength(s)];
        ConvolutionBackwardData.Pack(s, w, back);
        ConvolutionBackwardData.Run(s, batch, dy, back, x, new float[ConvolutionBackwardData.ScratchLength(s)]);
        Print($"backward data {s}", x);
        ConvolutionBackwardWeights.Run(s, batch, x, dy, w, new float[ConvolutionBackwardWeights.ScratchLength(s)]);
        Print($"backward weights {s}", w);
    }

    private static void Grouped(ConvolutionShape group, int groups)
    {
        ConvolutionShape s = group with { InPitch = groups * group.InChannels, OutPitch = groups * group.OutChannels };
        var kernels = new GroupedConvolution(s, s, s, groups, ConvolutionMode.Winograd, 2);
        float[] x = TestData.Random(2 * s.InputStep), w = TestData.Random(groups * s.WeightLength, 1);
        float[] y = new float[2 * s.OutputStep], packed = new float[kernels.ForwardPackedLength];
        kernels.PackForward(w, packed);
        kernels.Forward(2, x, packed, [], y, true, new float[kernels.ForwardScratchLength]);
        packed = new float[kernels.BackwardPackedLength];
        kernels.PackBackward(w, packed);
        kernels.BackwardData(2, y, packed, x, new float[kernels.BackwardDataScratchLength], accumulate: true);
        kernels.BackwardWeights(2, x, y, w, new float[kernels.BackwardWeightsScratchLength]);
        Print($"{groups} groups {s}", [.. y, .. x, .. w]);
    }

    private static void Depthwise(ConvolutionShape s, int batch)
    {
        float[] x = TestData.Random(batch * s.InputLength), w = TestData.Random(s.WeightLength / s.InChannels, 1);
        float[] y = new float[batch * s.OutputLength], dy = TestData.Random(y.Length, 2);
        float[] packed = new float[DepthwiseConvolution.PackedLength(s)];
        DepthwiseConvolution.Pack(s, w, packed);
        DepthwiseConvolution.Forward(s, batch, x, packed, TestData.Random(s.InChannels, 3), y, true);
        Print($"depthwise forward {s}", y);
        DepthwiseConvolution.BackwardData(s, batch, dy, packed, x, accumulate: true);
        Print($"depthwise backward data {s}", x);
        DepthwiseConvolution.BackwardWeights(s, batch, x, dy, w);
        Print($"depthwise backward weights {s}", w);
    }

    private static void Winograd(ConvolutionShape s, int batch)
    {
        Winograd(s, ConvolutionAlgorithm.Winograd2x2, batch);
        if (s.KernelHeight == 3)
            Winograd(s, ConvolutionAlgorithm.Winograd4x4, batch);
    }

    private static void Winograd(ConvolutionShape s, ConvolutionAlgorithm algorithm, int batch)
    {
        float[] x = TestData.Random(batch * s.InputStep), w = TestData.Random(s.WeightLength, 1);
        float[] y = new float[batch * s.OutputStep], bias = TestData.Random(s.OutChannels, 2);
        float[] packed = new float[WinogradForward.PackedLength(s, algorithm)];
        WinogradForward.Pack(s, algorithm, w, packed);
        WinogradForward.Run(s, algorithm, batch, x, packed, bias, y, true,
            new float[WinogradForward.ScratchLength(s, algorithm, batch)]);
        Print($"{algorithm} forward {s}", y);
        float[] dy = TestData.Random(y.Length, 3), back = new float[WinogradBackwardData.PackedLength(s, algorithm)];
        WinogradBackwardData.Pack(s, algorithm, w, back);
        WinogradBackwardData.Run(s, algorithm, batch, dy, back, x,
            new float[WinogradBackwardData.ScratchLength(s, algorithm, batch)], accumulate: true);
        Print($"{algorithm} backward data {s}", x);
        WinogradBackwardWeights.Run(s, algorithm, batch, x, dy, w,
            new float[WinogradBackwardWeights.ScratchLength(s, algorithm, batch)]);
        Print($"{algorithm} backward weights {s}", w);
        float[] norm = TestData.Random(BatchNormForward.CoefficientsLength(s.InChannels), 4);
        WinogradForward.Run(s, algorithm, batch, x, packed, bias, y, true,
            new float[WinogradForward.ScratchLength(s, algorithm, batch)], norm);
        Print($"{algorithm} forward behind a norm {s}", y);
    }

    private static void Linear(LinearShape s, int batch, int leaf, string name)
    {
        float[] x = TestData.Random(batch * s.Inputs), w = TestData.Random(s.WeightLength, 1),
            y = new float[batch * s.Outputs];
        LinearForward.Run(s, batch, x, w, [], y, false, new float[LinearForward.ScratchLength(s, batch)]);
        Print($"forward {name}", y);
        LinearBackwardData.Run(s, batch, y, w, x, new float[LinearBackwardData.ScratchLength(s, batch)]);
        Print($"backward data {name}", x);
        LinearBackwardWeights.Run(s, batch, leaf, x, y, w, new float[LinearBackwardWeights.ScratchLength(s, batch)]);
        Print($"backward weights {name}", w);
    }

    private static void Pool(PoolShape s, int batch)
    {
        float[] x = TestData.Random(batch * s.InputLength), y = new float[batch * s.OutputLength];
        byte[] indices = new byte[y.Length];
        for (int i = 0; i < x.Length; i++)
            x[i] = MathF.Round(x[i] * 3);
        MaxPool.Forward(s, batch, x, y, indices);
        Print($"pool {s}", y);
        Print($"pool indices {s}", indices);
        MaxPool.Backward(s, batch, TestData.Random(y.Length, 1), indices, x);
        Print($"pool backward {s}", x);
        AveragePool.Forward(s, batch, x, y);
        AveragePool.Backward(s, batch, TestData.Random(y.Length, 1), x);
        Print($"average pool {s}", [.. y, .. x]);
        GlobalAveragePool.Forward(s.InHeight * s.InWidth, s.Channels, batch, x, y.AsSpan(0, batch * s.Channels));
        GlobalAveragePool.Backward(s.InHeight * s.InWidth, s.Channels, batch, y.AsSpan(0, batch * s.Channels), x);
        Print($"global average pool {s}", [.. y, .. x]);
    }

    private static void PerChannel(int channels)
    {
        float[] y = TestData.Random(channels * 101), dy = TestData.Random(y.Length, 1), bias = new float[channels];
        BiasGradient.Run(dy, channels, bias);
        Print($"bias gradient {channels}", bias);
        BiasGradient.RunWithReluMask(y, dy, channels, bias);
        Print($"masked bias gradient {channels}", bias);
        Relu.Forward(y, y);
        Print($"relu {channels}", y);
        byte[] pixels = MemoryMarshal.AsBytes<float>(dy).ToArray();
        float[] normal = new float[pixels.Length];
        new PixelNormalizer(bias, bias).Run(pixels, normal);
        Print($"normalize {channels}", normal);
        new PixelNormalizer(bias, bias).Run(pixels, 1.3f, -30.7f, normal);
        Elementwise.Mix(y, 0.3f, dy, 0.6f);
        Print($"changed pixels and mixture {channels}", [.. normal, .. y, .. dy]);
    }

    private static void Norm(int channels)
    {
        const int pixels = 77;
        var s = new BatchNormShape(channels) { OutPitch = channels + 3 };
        float[] x = TestData.Random(channels * pixels), w = TestData.Random(channels, 1);
        float[] r = TestData.Random(x.Length, 2), dx = TestData.Random(x.Length, 4);
        double[] statistics = new double[BatchNorm.StatisticsLength(channels)];
        BatchNorm.Statistics(s, pixels, x, statistics);
        Print($"batch statistics {channels}", statistics);
        float[] coefficients = new float[BatchNormForward.CoefficientsLength(channels)];
        BatchNormForward.Prepare(statistics, 1e-5, w, w, coefficients);
        float[] y = new float[pixels * s.OutPitch], dy = TestData.Random(y.Length, 3);
        BatchNormForward.Run(s, pixels, x, coefficients, r, true, y);
        Print($"batch norm {channels}", y);
        float[] scratch = new float[BatchNormBackward.ScratchLength(channels)], db = new float[channels];
        BatchNormBackward.Run(s, pixels, x, coefficients, true, [], dy, w, db, db, dx, true, scratch);
        BatchNormBackward.Run(s, pixels, x, coefficients, true, y, dy, w, w, db, x, false, scratch);
        Print($"batch norm gradients {channels}", [.. w, .. db, .. x, .. dx, .. dy]);
        BatchNorm.Join(statistics, statistics);
        BatchNorm.MoveRunning(statistics, 0.1, w, db);
        Print($"running statistics {channels}", [.. w, .. db]);
    }

    private static void Activations(PixelShape s)
    {
        const int batch = 3;
        float[] x = TestData.Random(batch * s.Pixels * s.InPitch), y = new float[batch * s.Pixels * s.Channels];
        for (int i = 0; i < x.Length; i++)
            x[i] *= 5;
        float[] dy = TestData.Random(y.Length, 1);
        LeakyRelu.Forward(s, batch, x, y, 0.1f);
        Print($"leaky relu {s.Channels}", y);
        LeakyRelu.Backward(s, batch, y, dy, x, true, 0.1f);
        Print($"leaky relu backward {s.Channels}", x);
        Gelu.Forward(s, batch, x, y);
        Print($"gelu {s.Channels}", y);
        Gelu.Backward(s, batch, [.. x], dy, x, true);
        Print($"gelu backward {s.Channels}", x);
        Sigmoid.Forward(s, batch, x, y);
        Print($"sigmoid {s.Channels}", y);
        Sigmoid.Backward(s, batch, y, dy, x, true);
        Print($"sigmoid backward {s.Channels}", x);
        Tanh.Forward(s, batch, x, y);
        Print($"tanh {s.Channels}", y);
        Tanh.Backward(s, batch, y, dy, x, true);
        Print($"tanh backward {s.Channels}", x);
        foreach (float beta in new[] { 0.75f, 0.6f })
        {
            var norm = new LocalResponseNorm(5, 0.5f, beta, 2);
            float[] scratch = new float[LocalResponseNorm.ScratchLength(s)];
            norm.Forward(s, batch, x, y, scratch);
            Print($"local response norm {s.Channels} {beta}", y);
            norm.Backward(s, batch, [.. x], dy, x, true, scratch);
            Print($"local response norm backward {s.Channels} {beta}", x);
        }
        byte[] masks = new byte[batch * Dropout.MaskLength(s)];
        for (int n = 0; n < batch; n++)
            Dropout.Draw(new CounterRandom(3, RandomPurpose.Dropout, 1, 2, n), 0.3f,
                masks.AsSpan(n * Dropout.MaskLength(s), Dropout.MaskLength(s)));
        Dropout.Apply(s, batch, masks, 0.3f, x, y, true);
        Print($"dropout {s.Channels}", y);
    }

    private static void Loss()
    {
        foreach (int classes in new[] { 2, 10, 1000 })
        {
            float[] logits = TestData.Random(32 * classes), gradient = new float[logits.Length];
            for (int i = 0; i < logits.Length; i++)
                logits[i] *= 20;
            int[] labels = [.. Enumerable.Range(0, 32).Select(n => n % classes)];
            SoftmaxCrossEntropy.Run(logits, classes, labels, 0.1f, gradient, [], out double loss, out _);
            Print($"loss {classes}", new[] { loss });
            Print($"loss gradient {classes}", gradient);
            int[] others = [.. labels.Reverse()];
            float[] weights = [.. Enumerable.Range(0, 32).Select(n => n / 31f)];
            SoftmaxCrossEntropy.Run(logits, classes, labels, others, weights, 0.1f, gradient, [], out loss, out _);
            Print($"mixed loss {classes}", new[] { loss });
            Print($"mixed loss gradient {classes}", gradient);
            SoftmaxCrossEntropy.Probabilities(logits, classes, gradient);
            Print($"probabilities {classes}", gradient);
            WeightedCrossEntropy.Run(logits, TestData.Random(classes, 5), labels, 0.1f, gradient, out loss, out _);
            Print($"weighted loss {classes}", new[] { loss });
            Print($"weighted loss gradient {classes}", gradient);
        }
    }

    private static void Update()
    {
        float[] p = TestData.Random(1003), g = TestData.Random(1003, 1), buffer = TestData.Random(1003, 2);
        SgdUpdate.Run(p, g, buffer, 1f / 128, 0.01f, 0.9f, 5e-4f, true);
        SgdUpdate.Run(p, buffer, [], 1f / 128, 0.01f, 0, 5e-4f, false);
        Elementwise.Add(p, buffer, p);
        Print("sgd and add", p);
    }

    private static void AdaptiveUpdates()
    {
        const int length = 5003;
        float[] p = TestData.Random(length), g = TestData.Random(length, 1), m = new float[length],
            v = new float[length];
        var coefficients = new AdamCoefficients(1f / 128, 0.9f, 0.999f, 1e-8f, 5e-4f) { RootCorrection = 31.6f };
        AdamUpdate.Run(p, g, m, v, coefficients, 0.01f, 0.99f);
        AdamUpdate.LambDirection(p, g, m, v, coefficients, 0.01f);
        Print("adam", p);
        Print("lamb", g);
        RmsPropUpdate.Run(p, g, v, m, 1f / 128, 0.01f, 0.99f, 0.01f, 1e-8f, 0.9f, 5e-4f);
        Print("rmsprop", p);
        Print("sum of squares", new[] { SquareSum.Run(p) });
        Elementwise.ScaleAndClip(g, 0.3f, 0.1f);
        Elementwise.MultiplyAdd(0.3f, g, p);
        Elementwise.MoveAverage(0.01f, p, m);
        Print("clip, multiply and average", m);
    }

    private static void Random()
    {
        var random = new CounterRandom(11, RandomPurpose.Test, 1, 2, 3);
        double[] values = new double[4000];
        for (uint i = 0; i < 1000; i++)
        {
            values[i] = random.Normal(i);
            values[1000 + i] = random.Uniform(i);
            values[2000 + i] = ElementaryFunctions.Exp(40 * random.UniformDouble(i) - 20);
            values[3000 + i] = ElementaryFunctions.Exp((float)(40 * random.UniformDouble(i) - 20));
        }
        Print("random numbers and elementary functions", values);
    }

    private static void Print<T>(string name, T[] values)
        where T : unmanaged =>
        Console.WriteLine(
            $"{Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<T>(values)))} {Short(name)}");

    /// <summary>A shape without what is computed from it.</summary>
    private static string Short(string name) => Regex.Replace(name, @"(PadWidth = \d+).*\}", "$1 }");
}
