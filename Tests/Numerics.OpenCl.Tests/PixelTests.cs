using Distributed.Numerics.Reference;
using Xunit;

namespace Distributed.Numerics.OpenCl.Tests;

/// <summary>Pools, single values and their like, against their definitions or the CPU's kernels.</summary>
public sealed class PixelTests
{
    private const int Batch = 3;

    [DeviceTheory]
    [InlineData(8, 7, 5, 2, 2, 0, false, 0)]
    [InlineData(7, 8, 4, 3, 2, 1, true, 3)]
    [InlineData(6, 6, 3, 3, 1, 1, false, 1)]
    public void PoolsAreTheirDefinitions(
        int height, int width, int channels, int kernel, int stride, int pad, bool ceil, int gap)
    {
        PoolShape s = new(height, width, channels, kernel, kernel, stride, stride, pad, pad)
        {
            CeilMode = ceil,
            InPitch = channels + gap,
            OutPitch = channels + 2 * gap,
        };
        int inputs = Batch * s.InputLength, outputs = Batch * s.OutputLength;
        // Few different values, so that windows have equal ones, of which the first wins.
        float[] x = [.. DeviceRun.Random(inputs).Select(value => MathF.Round(4 * value))];
        float[] dy = DeviceRun.Random(outputs, 1), before = DeviceRun.Random(inputs, 2);
        using DeviceRun run = new();
        DeviceTensor input = run.Put(x, channels, s.InPitch), gradient = run.Put(dy, channels, s.OutPitch);
        DeviceTensor y = run.Room(outputs / channels * s.OutPitch), indices = run.Room(outputs);
        DeviceTensor dx = run.Put(before, channels, s.InPitch);
        run.Queue.MaxPoolForward(s, Batch, input, y, indices);
        run.Queue.MaxPoolBackward(s, Batch, gradient, indices, dx, accumulate: true);
        var (expected, places) = ReferenceOperations.MaxPool(s, Batch, x);
        Assert.Equal(expected, run.Get(y, outputs, channels, s.OutPitch));
        double[] expectedGradient = ReferenceOperations.MaxPoolBackward(s, Batch, dy, places);
        DeviceRun.AssertClose(
            [.. expectedGradient.Zip(before, (a, b) => a + b)], run.Get(dx, inputs, channels, s.InPitch), 9, "max");
        if (ceil) return;
        DeviceTensor mean = run.Room(outputs / channels * s.OutPitch);
        DeviceTensor meanGradient = run.Room(inputs / channels * s.InPitch);
        run.Queue.AveragePoolForward(s, Batch, input, mean);
        run.Queue.AveragePoolBackward(s, Batch, gradient, meanGradient, accumulate: false);
        DeviceRun.AssertClose(
            ReferenceOperations.AveragePool(s, Batch, x), run.Get(mean, outputs, channels, s.OutPitch), 9, "mean");
        DeviceRun.AssertClose(
            ReferenceOperations.AveragePoolBackward(s, Batch, dy), run.Get(meanGradient, inputs, channels, s.InPitch),
            9, "mean's gradient");
    }

    [DeviceTheory]
    [InlineData(DeviceActivation.Relu)]
    [InlineData(DeviceActivation.LeakyRelu)]
    [InlineData(DeviceActivation.Sigmoid)]
    [InlineData(DeviceActivation.Tanh)]
    [InlineData(DeviceActivation.Gelu)]
    public void ActivationsAreTheCpus(DeviceActivation function)
    {
        PixelShape s = new(5, 7) { InPitch = 9, OutPitch = 8 }, dense = new(5, 7);
        const float Slope = 0.1f;
        int length = Batch * s.Pixels * s.Channels;
        float[] x = [.. DeviceRun.Random(length).Select(value => 3 * value)], dy = DeviceRun.Random(length, 1);
        float[] expected = new float[length], expectedGradient = DeviceRun.Random(length, 2);
        using DeviceRun run = new();
        DeviceTensor input = run.Put(x, 7, s.InPitch), y = run.Room(Batch * s.Pixels * s.OutPitch);
        DeviceTensor dx = run.Put(expectedGradient, 7, s.InPitch);
        run.Queue.ActivationForward(function, Slope, s, Batch, input, y);
        bool fromInput = function == DeviceActivation.Gelu;
        run.Queue.ActivationBackward(
            function, Slope, s, Batch, fromInput ? input : y, fromInput ? s.InPitch : s.OutPitch,
            run.Put(dy, 7, s.OutPitch), dx, accumulate: true);
        Cpu(function, dense, Slope, x, expected, dy, expectedGradient);
        DeviceRun.AssertClose(Doubles(expected), run.Get(y, length, 7, s.OutPitch), 5, $"{function}");
        DeviceRun.AssertClose(Doubles(expectedGradient), run.Get(dx, length, 7, s.InPitch), 5, $"{function} gradient");
    }

    /// <summary>NaN goes through a ReLU, and -0 comes out as +0, as on the CPU.</summary>
    [DeviceFact]
    public void ReluKeepsNanAndDropsTheSignOfZero()
    {
        using DeviceRun run = new();
        DeviceTensor y = run.Room(3);
        run.Queue.ActivationForward(
            DeviceActivation.Relu, 0, new PixelShape(1, 3), 1, run.Put([float.NaN, -0f, -1]), y);
        float[] values = run.Get(y, 3);
        Assert.True(float.IsNaN(values[0]));
        Assert.Equal(0, BitConverter.SingleToInt32Bits(values[1]));
        Assert.Equal(0, BitConverter.SingleToInt32Bits(values[2]));
    }

    /// <summary>The same elements fall out as on the CPU: bit for bit, for any seed, epoch, layer and sample.</summary>
    [DeviceFact]
    public void DropoutDropsWhatTheCpuDrops()
    {
        PixelShape s = new(6, 5) { InPitch = 6, OutPitch = 7 };
        int length = s.Pixels * s.Channels;
        const float Probability = 0.3f;
        const ulong Seed = 0x123456789ABCDEF;
        int[] samples = [17, 5, 1_000_000];
        float[] x = DeviceRun.Random(Batch * length), expected = new float[x.Length];
        byte[] masks = new byte[Batch * Dropout.MaskLength(s)];
        for (int i = 0; i < Batch; i++)
        {
            CounterRandom random = new(Seed, RandomPurpose.Dropout, 3, epoch: 9, samples[i]);
            Dropout.Draw(random, Probability, masks.AsSpan(i * Dropout.MaskLength(s), Dropout.MaskLength(s)));
        }

        Dropout.Apply(new PixelShape(6, 5), Batch, masks, Probability, x, expected, accumulate: false);
        using DeviceRun run = new();
        DeviceTensor y = run.Room(Batch * s.Pixels * s.OutPitch);
        run.Queue.UploadSamples(new int[Batch], new int[Batch], new float[Batch], samples);
        run.Queue.Dropout(
            s, Batch, new DropoutKey(Seed, 9, 3), Probability, run.Put(x, 5, s.InPitch), y, accumulate: false);
        Assert.Equal(expected, run.Get(y, x.Length, 5, s.OutPitch));
    }

    [DeviceTheory]
    [InlineData(5, 0.75f)]
    [InlineData(4, 0.6f)]
    public void LocalResponseNormIsTheCpus(int size, float beta)
    {
        LocalResponseNorm norm = new(size, 0.7f, beta, 2);
        PixelShape s = new(4, 9) { InPitch = 11, OutPitch = 10 }, dense = new(4, 9);
        int length = Batch * s.Pixels * s.Channels;
        float[] x = DeviceRun.Random(length), dy = DeviceRun.Random(length, 1), scratch = new float[18];
        float[] expected = new float[length], expectedGradient = DeviceRun.Random(length, 2);
        using DeviceRun run = new();
        DeviceTensor input = run.Put(x, 9, s.InPitch), y = run.Room(Batch * s.Pixels * s.OutPitch);
        DeviceTensor dx = run.Put(expectedGradient, 9, s.InPitch);
        run.Queue.LocalResponseNormForward(norm, s, Batch, input, y);
        run.Queue.LocalResponseNormBackward(norm, s, Batch, input, run.Put(dy, 9, s.OutPitch), dx, accumulate: true);
        norm.Forward(dense, Batch, x, expected, scratch);
        norm.Backward(dense, Batch, x, dy, expectedGradient, accumulate: true, scratch);
        DeviceRun.AssertClose(Doubles(expected), run.Get(y, length, 9, s.OutPitch), 5, "forward");
        DeviceRun.AssertClose(Doubles(expectedGradient), run.Get(dx, length, 9, s.InPitch), 10, "gradient");
    }

    [DeviceFact]
    public void CopiesAndSumsAreExact()
    {
        PixelShape s = new(4, 3) { InPitch = 5, OutPitch = 4 };
        int length = Batch * s.Pixels * s.Channels;
        float[] left = DeviceRun.Random(length), right = DeviceRun.Random(length, 1);
        using DeviceRun run = new();
        DeviceTensor from = run.Put(left, 3, s.InPitch), to = run.Put(right, 3, s.OutPitch), sum = run.Room(length);
        run.Queue.Sum(length, run.Put(left), run.Put(right), sum, relu: true);
        run.Queue.Copy(s, Batch, from, to, accumulate: true);
        Assert.Equal(left.Zip(right, (a, b) => Math.Max(0, a + b)), run.Get(sum, length));
        Assert.Equal(left.Zip(right, (a, b) => b + a), run.Get(to, length, 3, s.OutPitch));
        run.Queue.Copy(s, Batch, from, to, accumulate: false);
        Assert.Equal(left, run.Get(to, length, 3, s.OutPitch));
    }

    private static double[] Doubles(float[] values) => [.. values.Select(value => (double)value)];

    private static void Cpu(
        DeviceActivation function, in PixelShape s, float slope, float[] x, float[] y, float[] dy, float[] dx)
    {
        switch (function)
        {
            case DeviceActivation.Relu:
                Relu.Forward(s, Batch, x, y);
                for (int i = 0; i < x.Length; i++) dx[i] += x[i] > 0 ? dy[i] : 0;
                break;
            case DeviceActivation.LeakyRelu:
                LeakyRelu.Forward(s, Batch, x, y, slope);
                LeakyRelu.Backward(s, Batch, y, dy, dx, accumulate: true, slope);
                break;
            case DeviceActivation.Sigmoid:
                Sigmoid.Forward(s, Batch, x, y);
                Sigmoid.Backward(s, Batch, y, dy, dx, accumulate: true);
                break;
            case DeviceActivation.Tanh:
                Tanh.Forward(s, Batch, x, y);
                Tanh.Backward(s, Batch, y, dy, dx, accumulate: true);
                break;
            default:
                Gelu.Forward(s, Batch, x, y);
                Gelu.Backward(s, Batch, x, dy, dx, accumulate: true);
                break;
        }
    }
}
