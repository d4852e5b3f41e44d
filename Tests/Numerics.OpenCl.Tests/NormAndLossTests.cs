using System.Runtime.InteropServices;
using Distributed.Numerics.Reference;
using Xunit;

namespace Distributed.Numerics.OpenCl.Tests;

/// <summary>Batch norm, bias gradients and losses: the operations that sum over pixels or classes, in double.</summary>
public sealed class NormAndLossTests
{
    private const double Epsilon = 1e-3;

    [DeviceTheory]
    [InlineData(3, 70, 0, false, false)]
    [InlineData(20, 1300, 4, true, false)]
    [InlineData(9, 200, 0, true, true)]
    public void BatchNormIsItsDefinition(int channels, int pixels, int gap, bool relu, bool hasShortcut)
    {
        BatchNormShape s = new(channels) { InPitch = channels + gap, OutPitch = channels + 2 * gap };
        int length = pixels * channels;
        float[] x = [.. DeviceRun.Random(length).Select((value, i) => 2 * value + i % channels)];
        float[] dy = DeviceRun.Random(length, 1), shortcut = DeviceRun.Random(length, 2);
        float[] w = DeviceRun.Random(channels, 3), b = DeviceRun.Random(channels, 4);
        using DeviceRun run = new();
        DeviceTensor input = run.Put(x, channels, s.InPitch), weight = run.Put(w), bias = run.Put(b);
        DeviceTensor statistics = run.Room(2 * BatchNorm.StatisticsLength(channels));
        DeviceTensor coefficients = run.Room(4 * channels), y = run.Room(pixels * s.OutPitch);
        DeviceTensor? added = hasShortcut ? run.Put(shortcut) : null;
        run.Queue.BatchNormStatistics(s, pixels, Epsilon, input, weight, bias, statistics, coefficients);
        run.Queue.BatchNormForward(s, pixels, input, coefficients, added, relu, y);

        var (means, squares) = ReferenceBatchNorm.Statistics(channels, x);
        double[] found = MemoryMarshal.Cast<float, double>(
            run.Get(statistics, 2 * BatchNorm.StatisticsLength(channels))).ToArray();
        Assert.Equal(pixels, found[0]);
        for (int c = 0; c < channels; c++)
        {
            Assert.Equal(means[c], found[1 + c], 1e-12 * pixels);
            Assert.Equal(squares[c], found[1 + channels + c], 1e-9 * pixels);
        }

        double[] expected = ReferenceBatchNorm.Forward(
            channels, x, Epsilon, w, b, hasShortcut ? shortcut : [], relu);
        DeviceRun.AssertClose(expected, run.Get(y, length, channels, s.OutPitch), 30, "forward");

        DeviceTensor gradient = run.Put(dy, channels, s.OutPitch), dw = run.Room(channels), db = run.Room(channels);
        DeviceTensor dx = run.Room(pixels * s.InPitch);
        run.Queue.BatchNormBackward(
            s, pixels, input, coefficients, relu, hasShortcut ? y : null, gradient, weight, dw, db, dx,
            accumulate: false);
        var (expectedInput, expectedWeight, expectedBias) = ReferenceBatchNorm.Backward(
            channels, x, Epsilon, w, relu ? expected : [], dy);
        DeviceRun.AssertClose(expectedWeight, run.Get(dw, channels), pixels, "weight's gradient");
        DeviceRun.AssertClose(expectedBias, run.Get(db, channels), pixels, "bias's gradient");
        DeviceRun.AssertClose(expectedInput, run.Get(dx, length, channels, s.InPitch), 60, "input's gradient");
    }

    /// <summary>A batch norm of one value has the variance 0, and no gradient of its input.</summary>
    [DeviceFact]
    public void OneValueHasNoVariance()
    {
        using DeviceRun run = new();
        DeviceTensor statistics = run.Room(6), coefficients = run.Room(4), one = run.Put([1]);
        run.Queue.BatchNormStatistics(new BatchNormShape(1), 1, 1e-5, run.Put([3]), one, one, statistics, coefficients);
        Assert.Equal([1, 3, 0], MemoryMarshal.Cast<float, double>(run.Get(statistics, 6)).ToArray());
    }

    [DeviceFact]
    public void RunningStatisticsGiveTheCpusCoefficients()
    {
        const int Channels = 5;
        float[] mean = DeviceRun.Random(Channels), w = DeviceRun.Random(Channels, 2), b = DeviceRun.Random(Channels, 3);
        float[] variance = [.. DeviceRun.Random(Channels, 1).Select(Math.Abs)], expected = new float[4 * Channels];
        BatchNormForward.Prepare(mean, variance, Epsilon, w, b, expected);
        using DeviceRun run = new();
        DeviceTensor coefficients = run.Room(4 * Channels);
        run.Queue.BatchNormRunning(
            new BatchNormShape(Channels), Epsilon, run.Put(mean), run.Put(variance), run.Put(w), run.Put(b),
            coefficients);
        Assert.Equal(expected, run.Get(coefficients, 4 * Channels));
    }

    [DeviceTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void BiasGradientsAreSums(bool relu)
    {
        PixelShape s = new(50, 7) { InPitch = 9, OutPitch = 8 };
        int length = 3 * s.Pixels * s.Channels;
        float[] dy = DeviceRun.Random(length), y = DeviceRun.Random(length, 1);
        float[] masked = [.. dy.Select((d, i) => relu && y[i] <= 0 ? 0 : d)];
        double[] expected = new double[7];
        for (int i = 0; i < length; i++) expected[i % 7] += masked[i];
        using DeviceRun run = new();
        DeviceTensor gradient = run.Put(dy, 7, s.InPitch), sums = run.Room(7);
        run.Queue.BiasGradient(s, 3, gradient, relu ? run.Put(y, 7, s.OutPitch) : null, sums);
        DeviceRun.AssertClose(expected, run.Get(sums, 7), 10, "sums");
        Assert.Equal(masked, run.Get(gradient, length, 7, s.InPitch));
    }

    [DeviceTheory]
    [InlineData(0f)]
    [InlineData(0.1f)]
    public void LossIsItsDefinition(float smoothing)
    {
        const int Samples = 6, Classes = 10;
        float[] logits = [.. DeviceRun.Random(Samples * Classes).Select(value => 4 * value)];
        int[] labels = [0, 9, 4, 4, 2, 7];
        var (loss, gradient) = ReferenceOperations.CrossEntropy(logits, Classes, labels, smoothing);
        var (sum, found, _) = Loss(logits, labels, labels, [1, 1, 1, 1, 1, 1], [], smoothing);
        Assert.Equal(loss, sum, 1e-5);
        DeviceRun.AssertClose(gradient, found, 5, "gradient");
    }

    /// <summary>Mixed and weighted labels, and who counts as right, as the CPU has them.</summary>
    [DeviceFact]
    public void MixedAndWeightedLossesAreTheCpus()
    {
        const int Samples = 6, Classes = 10;
        float[] logits = [.. DeviceRun.Random(Samples * Classes).Select(value => 4 * value)];
        int[] labels = [0, 9, 4, 4, 2, 7], second = [3, 9, 1, 0, 2, 8];
        float[] shares = [1, 0.25f, 0.5f, 0.75f, 1, 0], weights = [.. DeviceRun.Random(Classes, 1).Select(Math.Abs)];
        float[] gradient = new float[logits.Length];
        SoftmaxCrossEntropy.Run(
            logits, Classes, labels, second, shares, 0.1f, gradient, [], out double loss, out int correct);
        var mixed = Loss(logits, labels, second, shares, [], 0.1f);
        Assert.Equal((loss, correct), (mixed.Loss, mixed.Correct), Near);
        DeviceRun.AssertClose([.. gradient.Select(value => (double)value)], mixed.Gradient, 5, "mixed");

        WeightedCrossEntropy.Run(logits, weights, labels, 0.1f, gradient, out loss, out correct);
        var weighted = Loss(logits, labels, labels, [1, 1, 1, 1, 1, 1], weights, 0.1f);
        Assert.Equal((loss, correct), (weighted.Loss, weighted.Correct), Near);
        DeviceRun.AssertClose([.. gradient.Select(value => (double)value)], weighted.Gradient, 5, "weighted");
    }

    [DeviceFact]
    public void ALabelOutOfRangeIsRefused()
    {
        using DeviceRun run = new(samples: 1, classes: 10);
        Assert.Throws<ArgumentException>(() => run.Queue.UploadSamples([10], [0], [1], []));
        Assert.Throws<ArgumentException>(() => run.Queue.UploadSamples([0], [-1], [1], []));
    }

    private static bool Near((double Loss, int Correct) expected, (double Loss, int Correct) found) =>
        Math.Abs(expected.Loss - found.Loss) < 1e-5 && expected.Correct == found.Correct;

    private static (double Loss, float[] Gradient, int Correct) Loss(
        float[] logits, int[] labels, int[] second, float[] shares, float[] weights, float smoothing)
    {
        using DeviceRun run = new(labels.Length, logits.Length / labels.Length);
        DeviceTensor gradient = run.Room(logits.Length), rows = run.Put(logits);
        run.Queue.UseClassWeights(weights);
        run.Queue.UploadSamples(labels, second, shares, []);
        run.Queue.Loss(labels.Length, smoothing, rows, gradient);
        run.Queue.ReadLosses(labels.Length, out double loss, out int correct);
        return (loss, run.Get(gradient, logits.Length), correct);
    }
}
