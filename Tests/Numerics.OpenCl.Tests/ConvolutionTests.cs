using Distributed.Numerics.Reference;
using Xunit;

namespace Distributed.Numerics.OpenCl.Tests;

/// <summary>
/// Convolutions against their definition in double. A wrong index, a missing edge of a tile, or a sum that leaves a
/// pixel out changes an element by far more than the tolerance.
/// </summary>
public sealed class ConvolutionTests
{
    // in h, w, c; out c; kernel; stride; pad; batch; groups; gap between pixels
    public static TheoryData<int[]> Shapes => new(
        [9, 7, 5, 33, 3, 3, 2, 2, 1, 1, 3, 1, 3],
        [8, 8, 17, 70, 1, 1, 1, 1, 0, 0, 2, 1, 1],
        [12, 10, 4, 6, 5, 3, 3, 2, 2, 0, 2, 2, 2],
        [1, 1, 130, 65, 1, 1, 1, 1, 0, 0, 9, 1, 0]);

    [DeviceTheory]
    [MemberData(nameof(Shapes))]
    public void ForwardIsItsDefinition(int[] row)
    {
        var (s, batch, groups) = Shape(row);
        int terms = s.KernelHeight * s.KernelWidth * s.InChannels;
        float[] x = DeviceRun.Random(groups * batch * s.InputLength);
        float[] w = DeviceRun.Random(groups * s.WeightLength, 1), b = DeviceRun.Random(groups * s.OutChannels, 2);
        foreach (bool relu in (bool[])[false, true])
        {
            using DeviceRun run = new();
            DeviceTensor y = run.Room(batch * s.OutputStep);
            run.Queue.ConvolutionForward(
                s, groups, batch, run.Put(x, groups * s.InChannels, s.InPitch), null, run.Put(w),
                relu ? null : run.Put(b), y, relu);
            double[] expected = PerGroup(groups, s.OutChannels, g => ReferenceConvolution.Forward(
                s, batch, Group(x, g, groups, s.InChannels), Weights(w, g, s),
                relu ? [] : b.AsSpan(g * s.OutChannels, s.OutChannels), relu));
            DeviceRun.AssertClose(
                expected, run.Get(y, expected.Length, groups * s.OutChannels, s.OutPitch), terms, $"{s}");
        }
    }

    [DeviceTheory]
    [MemberData(nameof(Shapes))]
    public void GradientsAreTheirDefinitions(int[] row)
    {
        var (s, batch, groups) = Shape(row);
        float[] x = DeviceRun.Random(groups * batch * s.InputLength);
        float[] w = DeviceRun.Random(groups * s.WeightLength, 1);
        float[] dy = DeviceRun.Random(groups * batch * s.OutputLength, 2);
        float[] before = DeviceRun.Random(x.Length, 3);
        using DeviceRun run = new();
        DeviceTensor gradient = run.Put(dy, groups * s.OutChannels, s.OutPitch), weights = run.Put(w);
        DeviceTensor dw = run.Room(w.Length), dx = run.Room(batch * s.InputStep);
        DeviceTensor added = run.Put(before, groups * s.InChannels, s.InPitch);
        run.Queue.ConvolutionBackwardWeights(
            s, groups, batch, run.Put(x, groups * s.InChannels, s.InPitch), null, gradient, dw);
        run.Queue.ConvolutionBackwardData(s, groups, batch, gradient, weights, dx, accumulate: false);
        run.Queue.ConvolutionBackwardData(s, groups, batch, gradient, weights, added, accumulate: true);
        double[] expectedWeights = [.. Enumerable.Range(0, groups).SelectMany(g =>
            ReferenceConvolution.BackwardWeights(
                s, batch, Group(x, g, groups, s.InChannels), Group(dy, g, groups, s.OutChannels)))];
        double[] expected = PerGroup(groups, s.InChannels, g => ReferenceConvolution.BackwardData(
            s, batch, Group(dy, g, groups, s.OutChannels), Weights(w, g, s)));
        DeviceRun.AssertClose(expectedWeights, run.Get(dw, w.Length), batch * s.OutHeight * s.OutWidth, $"{s} weights");
        int terms = s.KernelHeight * s.KernelWidth * s.OutChannels;
        DeviceRun.AssertClose(
            expected, run.Get(dx, x.Length, groups * s.InChannels, s.InPitch), terms, $"{s} data");
        DeviceRun.AssertClose(
            [.. expected.Zip(before, (a, b) => a + b)],
            run.Get(added, x.Length, groups * s.InChannels, s.InPitch), terms, $"{s} added");
    }

    /// <summary>The norm and ReLU in front are applied as the input is read, but not to the padding.</summary>
    [DeviceFact]
    public void ANormInFrontIsTakenAlong()
    {
        ConvolutionShape s = new(7, 6, 5, 9, 3, 3, 1, 1, 1, 1);
        const int Batch = 2;
        float[] x = DeviceRun.Random(Batch * s.InputLength), norm = DeviceRun.Random(4 * s.InChannels, 1);
        float[] w = DeviceRun.Random(s.WeightLength, 2), dy = DeviceRun.Random(Batch * s.OutputLength, 3);
        float[] normal = [.. x.Select((value, i) => Math.Max(0, MathF.FusedMultiplyAdd(
            value, norm[i % s.InChannels], norm[s.InChannels + i % s.InChannels])))];
        using DeviceRun run = new();
        DeviceTensor input = run.Put(x), coefficients = run.Put(norm);
        DeviceTensor y = run.Room(Batch * s.OutputLength), dw = run.Room(s.WeightLength);
        run.Queue.ConvolutionForward(s, 1, Batch, input, coefficients, run.Put(w), null, y, relu: false);
        run.Queue.ConvolutionBackwardWeights(s, 1, Batch, input, coefficients, run.Put(dy), dw);
        DeviceRun.AssertClose(
            ReferenceConvolution.Forward(s, Batch, normal, w, [], relu: false), run.Get(y, Batch * s.OutputLength), 45,
            "forward");
        DeviceRun.AssertClose(
            ReferenceConvolution.BackwardWeights(s, Batch, normal, dy), run.Get(dw, s.WeightLength), 84, "weights");
    }

    [DeviceTheory]
    [InlineData(7, 6, 5, 3, 1, 1, 0)]
    [InlineData(9, 8, 19, 3, 2, 1, 2)]
    [InlineData(6, 6, 4, 5, 1, 2, 1)]
    public void DepthwiseIsItsDefinition(int height, int width, int channels, int kernel, int stride, int pad, int gap)
    {
        const int Batch = 3;
        ConvolutionShape s = new(height, width, channels, channels, kernel, kernel, stride, stride, pad, pad)
        {
            InPitch = channels + gap,
            OutPitch = channels + 2 * gap,
        };
        ConvolutionShape one = s with { InChannels = 1, OutChannels = 1, InPitch = 0, OutPitch = 0 };
        float[] x = DeviceRun.Random(Batch * s.InputLength), b = DeviceRun.Random(channels, 1);
        float[] w = DeviceRun.Random(kernel * kernel * channels, 2), dy = DeviceRun.Random(Batch * s.OutputLength, 3);
        using DeviceRun run = new();
        DeviceTensor y = run.Room(Batch * s.OutputStep), dw = run.Room(w.Length), dx = run.Room(Batch * s.InputStep);
        DeviceTensor input = run.Put(x, channels, s.InPitch), gradient = run.Put(dy, channels, s.OutPitch);
        DeviceTensor weights = run.Put(w);
        run.Queue.DepthwiseForward(s, Batch, input, weights, run.Put(b), y, relu: true);
        run.Queue.DepthwiseBackwardWeights(s, Batch, input, gradient, dw);
        run.Queue.DepthwiseBackwardData(s, Batch, gradient, weights, dx, accumulate: false);
        float[] Channel(float[] values, int c) => Group(values, c, channels, 1);
        DeviceRun.AssertClose(
            PerGroup(channels, 1, c => ReferenceConvolution.Forward(
                one, Batch, Channel(x, c), Channel(w, c), b.AsSpan(c, 1), relu: true)),
            run.Get(y, Batch * s.OutputLength, channels, s.OutPitch), kernel * kernel, "forward");
        DeviceRun.AssertClose(
            PerGroup(channels, 1, c => ReferenceConvolution.BackwardWeights(
                one, Batch, Channel(x, c), Channel(dy, c))),
            run.Get(dw, w.Length), Batch * s.OutHeight * s.OutWidth, "weights");
        DeviceRun.AssertClose(
            PerGroup(channels, 1, c => ReferenceConvolution.BackwardData(one, Batch, Channel(dy, c), Channel(w, c))),
            run.Get(dx, x.Length, channels, s.InPitch), kernel * kernel, "data");
    }

    /// <summary>What a run promises: the same bits every time, whatever ran on the device before.</summary>
    [DeviceFact]
    public void TheSameInputsGiveTheSameBits()
    {
        ConvolutionShape s = new(14, 14, 32, 24, 3, 3, 1, 1, 1, 1);
        const int Batch = 8;
        float[] x = DeviceRun.Random(Batch * s.InputLength), dy = DeviceRun.Random(Batch * s.OutputLength, 1);
        float[] Gradient()
        {
            using DeviceRun run = new();
            DeviceTensor dw = run.Room(s.WeightLength);
            run.Queue.ConvolutionBackwardWeights(s, 1, Batch, run.Put(x), null, run.Put(dy), dw);
            return run.Get(dw, s.WeightLength);
        }

        float[] first = Gradient();
        Assert.DoesNotContain(first, float.IsNaN);
        for (int i = 0; i < 3; i++) Assert.Equal(first, Gradient());
    }

    /// <summary>
    /// A GPU's tiles, which no GPU may be there to test, give the bits of a CPU's: each element is summed in one order.
    /// Only sums over pixels are cut into other pieces.
    /// </summary>
    [DeviceFact]
    public void TilesOfAGpuGiveTheBitsOfTilesOfACpu()
    {
        ConvolutionShape s = new(9, 11, 21, 37, 3, 3, 2, 1, 1, 1);
        using OpenClDevice gpu = OpenClDevice.OpenAs(OpenClDeviceKind.Gpu, TestDevice.Info);
        using OpenClDevice cpu = OpenClDevice.OpenAs(OpenClDeviceKind.Cpu, TestDevice.Info);
        var (output, data, weights) = Compute(gpu);
        var (expectedOutput, expectedData, expectedWeights) = Compute(cpu);
        Assert.DoesNotContain(output, float.IsNaN);
        Assert.Equal(expectedOutput, output);
        Assert.Equal(expectedData, data);
        DeviceRun.AssertClose([.. expectedWeights.Select(value => (double)value)], weights, 495, "weights");

        (float[] Output, float[] Data, float[] Weights) Compute(OpenClDevice device)
        {
            const int Batch = 9;
            using DeviceRun run = new(device: device);
            DeviceTensor x = run.Put(DeviceRun.Random(Batch * s.InputLength));
            DeviceTensor w = run.Put(DeviceRun.Random(s.WeightLength, 1)), b = run.Put(DeviceRun.Random(37, 2));
            DeviceTensor dy = run.Put(DeviceRun.Random(Batch * s.OutputLength, 3));
            DeviceTensor y = run.Room(Batch * s.OutputLength), dx = run.Room(Batch * s.InputLength);
            DeviceTensor dw = run.Room(s.WeightLength);
            run.Queue.ConvolutionForward(s, 1, Batch, x, null, w, b, y, relu: true);
            run.Queue.ConvolutionBackwardData(s, 1, Batch, dy, w, dx, accumulate: false);
            run.Queue.ConvolutionBackwardWeights(s, 1, Batch, x, null, dy, dw);
            return (run.Get(y, Batch * s.OutputLength), run.Get(dx, Batch * s.InputLength),
                run.Get(dw, s.WeightLength));
        }
    }

    private static (ConvolutionShape Shape, int Batch, int Groups) Shape(int[] row)
    {
        int groups = row[11];
        ConvolutionShape s = new(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], row[9])
        {
            InPitch = groups * row[2] + row[12],
            OutPitch = groups * row[3] + 2 * row[12],
        };
        return (s, row[10], groups);
    }

    /// <summary>The channels of one group.</summary>
    private static float[] Group(float[] values, int group, int groups, int channels) =>
        [.. values.Where((_, i) => i / channels % groups == group)];

    private static ReadOnlySpan<float> Weights(float[] w, int group, in ConvolutionShape s) =>
        w.AsSpan(group * s.WeightLength, s.WeightLength);

    /// <summary>Groups side by side, as channels of one tensor.</summary>
    private static double[] PerGroup(int groups, int channels, Func<int, double[]> compute)
    {
        double[][] parts = [.. Enumerable.Range(0, groups).Select(compute)];
        return [.. Enumerable.Range(0, groups * parts[0].Length).Select(i =>
            parts[i / channels % groups][i / (groups * channels) * channels + i % channels])];
    }
}
