using Distributed.Numerics.Reference;

namespace Distributed.Numerics.Tests;

public class BatchNormTests
{
    private const double Epsilon = 1e-5;

    /// <summary>Channels, pixels, and the gap behind the channels of a pixel in the input and in the output.</summary>
    public static TheoryData<int, int, int, int> Shapes() => new()
    {
        { 1, 1, 0, 0 }, { 3, 7, 0, 2 }, { 7, 33, 1, 0 }, { 8, 1, 0, 0 }, { 8, 2, 0, 0 }, { 9, 31, 0, 3 },
        { 12, 100, 4, 0 }, { 16, 64, 0, 0 }, { 17, 65, 5, 5 }, { 31, 40, 0, 0 }, { 64, 257, 0, 0 }, { 200, 35, 8, 1 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Statistics_agree_with_the_definition(int channels, int pixels, int inGap, int outGap)
    {
        var s = Shape(channels, inGap, outGap);
        float[] x = Values(channels * pixels, 0);
        double[] statistics = Statistics(s, pixels, Spread(x, channels, s.InPitch));
        var (means, squares) = ReferenceBatchNorm.Statistics(channels, x);
        Assert.Equal(pixels, statistics[0]);
        for (int c = 0; c < channels; c++)
        {
            Assert.Equal(means[c], statistics[1 + c], 1e-12);
            Assert.Equal(squares[c], statistics[1 + channels + c], 1e-11 * pixels);
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Known_statistics_of_the_first_channels_change_no_bit(int channels, int pixels, int inGap, int outGap)
    {
        var s = Shape(channels, inGap, outGap);
        float[] x = Spread(Values(channels * pixels, 0), channels, s.InPitch);
        double[] all = Statistics(s, pixels, x);
        foreach (int first in new[] { 1, channels / 2, channels - 1, channels })
        {
            if (first < 1)
                continue;
            double[] statistics = new double[all.Length];
            BatchNorm.Statistics(
                s, pixels, x, statistics, Statistics(s with { Channels = first }, pixels, x[..^(channels - first)]));
            Assert.Equal(all, statistics);
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Forward_agrees_with_the_definition(int channels, int pixels, int inGap, int outGap)
    {
        var s = Shape(channels, inGap, outGap);
        float[] x = Values(channels * pixels, 0), r = Values(x.Length, 1);
        float[] spread = Spread(x, channels, s.InPitch), coefficients = Prepare(s, pixels, spread);
        foreach (bool relu in new[] { false, true })
            foreach (float[] shortcut in new[] { [], r })
            {
                float[] y = Spread(new float[x.Length], channels, s.OutPitch);
                BatchNormForward.Run(s, pixels, spread, coefficients, shortcut, relu, y);
                double[] expected = ReferenceBatchNorm.Forward(
                    channels, x, Epsilon, Weight(s), Bias(s), shortcut, relu);
                // A single pixel is scaled by 1 / sqrt(epsilon), and so is its rounding.
                int terms = pixels == 1 ? 400 : 8;
                TestData.AssertClose(expected, Gather(y, channels, s.OutPitch), terms, $"{s} relu {relu}");
                AssertGap(y, channels, s.OutPitch);
            }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Backward_agrees_with_the_definition(int channels, int pixels, int inGap, int outGap)
    {
        var s = Shape(channels, inGap, outGap);
        float[] x = Values(channels * pixels, 0), dy = Values(x.Length, 2), r = Values(x.Length, 1);
        float[] spread = Spread(x, channels, s.InPitch), coefficients = Prepare(s, pixels, spread);
        foreach (bool relu in new[] { false, true })
            foreach (float[] shortcut in new[] { [], r })
                foreach (bool accumulate in new[] { false, true })
                {
                    float[] y = Spread(new float[x.Length], channels, s.OutPitch);
                    BatchNormForward.Run(s, pixels, spread, coefficients, shortcut, relu, y);
                    bool masks = relu && shortcut.Length > 0;
                    float[] gradient = Spread(dy, channels, s.OutPitch), before = Values(x.Length, 3);
                    float[] dx = Spread(before, channels, s.InPitch);
                    float[] dw = new float[channels], db = new float[channels];
                    Backward(s, pixels, spread, coefficients, relu, masks ? y : [], gradient, dw, db, dx, accumulate);
                    double[] output = relu ? [.. Gather(y, channels, s.OutPitch).Select(value => (double)value)] : [];
                    var expected = ReferenceBatchNorm.Backward(channels, x, Epsilon, Weight(s), output, dy);
                    if (accumulate)
                        expected.Input = [.. expected.Input.Zip(before, (d, b) => d + b)];
                    TestData.AssertClose(expected.Weight, dw, pixels, $"{s} weight");
                    TestData.AssertClose(expected.Bias, db, pixels, $"{s} bias");
                    TestData.AssertClose(expected.Input, Gather(dx, channels, s.InPitch), 1000, $"{s} input");
                    AssertGap(dx, channels, s.InPitch);
                    AssertGap(gradient, channels, s.OutPitch);
                    float[] left = Gather(gradient, channels, s.OutPitch);
                    for (int i = 0; i < left.Length; i++)
                        Assert.Equal(masks && output[i] <= 0 ? 0 : dy[i], left[i]);
                }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void The_gradient_may_take_the_place_of_the_input(int channels, int pixels, int inGap, int outGap)
    {
        var s = Shape(channels, inGap, outGap);
        float[] x = Spread(Values(channels * pixels, 0), channels, s.InPitch), coefficients = Prepare(s, pixels, x);
        float[] dy = Spread(Values(channels * pixels, 1), channels, s.OutPitch);
        float[] dw = new float[channels], db = new float[channels], dx = [.. x];
        Backward(s, pixels, x, coefficients, true, [], dy, dw, db, dx, false);
        Backward(s, pixels, x, coefficients, true, [], dy, dw, db, x, false);
        Assert.Equal(dx, x);
    }

    [Fact]
    public void A_single_value_has_no_variance_and_moves_the_running_one_towards_0()
    {
        var s = new BatchNormShape(9);
        float[] x = Values(9, 0), y = new float[9], mean = new float[9], variance = Enumerable.Repeat(2f, 9).ToArray();
        double[] statistics = Statistics(s, 1, x);
        Assert.All(statistics[10..], square => Assert.Equal(0, square));
        BatchNormForward.Run(s, 1, x, Prepare(s, 1, x), [], false, y);
        TestData.AssertClose([.. Bias(s).Select(bias => (double)bias)], y, 400, "output");
        BatchNorm.MoveRunning(statistics, 0.25, mean, variance);
        Assert.All(variance, value => Assert.Equal(1.5f, value));
        Assert.Equal(x.Select(value => 0.25f * value), mean);
    }

    [Fact]
    public void Joined_statistics_are_those_of_all_pixels_in_either_order()
    {
        const int channels = 21, pixels = 90;
        var s = new BatchNormShape(channels);
        float[] x = Values(channels * pixels, 0);
        foreach (int cut in new[] { 1, 32, 50, 89 })
        {
            double[] left = Statistics(s, cut, x[..(cut * channels)]);
            double[] right = Statistics(s, pixels - cut, x[(cut * channels)..]), exchanged = [.. right];
            BatchNorm.Join(exchanged, left);
            BatchNorm.Join(left, right);
            Assert.Equal(left, exchanged);
            double[] all = Statistics(s, pixels, x);
            for (int i = 0; i < all.Length; i++)
                Assert.Equal(all[i], left[i], 1e-10);
        }
    }

    [Fact]
    public void Running_statistics_move_by_the_unbiased_variance()
    {
        var s = new BatchNormShape(2);
        double[] statistics = Statistics(s, 3, [1, 10, 2, 10, 6, 10]);
        float[] mean = [0, 0], variance = [1, 1];
        BatchNorm.MoveRunning(statistics, 0.1, mean, variance);
        Assert.Equal([0.3f, 1f], mean);
        Assert.Equal([1.6f, 0.9f], variance);
        float[] coefficients = new float[8];
        BatchNormForward.Prepare([3, 1], [4, 0], 0, [2, 1], [5, 0], coefficients);
        Assert.Equal([1f, float.PositiveInfinity, 2f, float.NegativeInfinity, 3f, 1f, 0.5f, float.PositiveInfinity],
            coefficients);
    }

    [Fact]
    public void Large_means_cost_no_accuracy()
    {
        float[] x = [.. Values(8 * 1000, 0).Select(value => value + 1000)];
        double[] statistics = Statistics(new BatchNormShape(8), 1000, x);
        var (_, squares) = ReferenceBatchNorm.Statistics(8, x);
        for (int c = 0; c < 8; c++)
            Assert.Equal(squares[c], statistics[9 + c], 1e-6 * squares[c]);
    }

    [Fact]
    public void Wrong_lengths_are_refused()
    {
        var s = new BatchNormShape(4) { InPitch = 6 };
        Assert.ThrowsAny<ArgumentException>(() => Statistics(s, 3, new float[15]));
        Assert.ThrowsAny<ArgumentException>(() => Statistics(s, 0, new float[15]));
        Assert.ThrowsAny<ArgumentException>(() => Statistics(new BatchNormShape(4) { OutPitch = 3 }, 1, new float[4]));
        Assert.ThrowsAny<ArgumentException>(
            () => BatchNormForward.Run(s, 2, new float[10], new float[15], [], false, new float[8]));
        Assert.ThrowsAny<ArgumentException>(
            () => BatchNormForward.Run(s, 2, new float[10], new float[16], new float[7], false, new float[8]));
        Assert.ThrowsAny<ArgumentException>(() => BatchNorm.Join(new double[5], new double[7]));
    }

    private static BatchNormShape Shape(int channels, int inGap, int outGap) =>
        new(channels) { InPitch = channels + inGap, OutPitch = channels + outGap };

    private static float[] Values(int count, int stream) =>
        [.. TestData.Random(count, stream).Select(x => 2 * x + 0.5f)];

    private static float[] Weight(in BatchNormShape s) => TestData.Random(s.Channels, 7);

    private static float[] Bias(in BatchNormShape s) => TestData.Random(s.Channels, 8);

    private static double[] Statistics(in BatchNormShape s, int pixels, float[] x)
    {
        double[] statistics = new double[BatchNorm.StatisticsLength(s.Channels)];
        BatchNorm.Statistics(s, pixels, x, statistics);
        return statistics;
    }

    private static float[] Prepare(in BatchNormShape s, int pixels, float[] x)
    {
        float[] coefficients = new float[BatchNormForward.CoefficientsLength(s.Channels)];
        BatchNormForward.Prepare(Statistics(s, pixels, x), Epsilon, Weight(s), Bias(s), coefficients);
        return coefficients;
    }

    private static void Backward(in BatchNormShape s, int pixels, float[] x, float[] coefficients, bool relu, float[] y,
        float[] dy, float[] dw, float[] db, float[] dx, bool accumulate) =>
        BatchNormBackward.Run(s, pixels, x, coefficients, relu, y, dy, Weight(s), dw, db, dx, accumulate,
            new float[BatchNormBackward.ScratchLength(s.Channels)]);

    /// <summary>Pixels with NaN in the gaps, which nobody may read or write.</summary>
    private static float[] Spread(float[] values, int channels, int pitch)
    {
        float[] spread = new float[(values.Length / channels - 1) * pitch + channels];
        Array.Fill(spread, float.NaN);
        for (int i = 0; i < values.Length; i++)
            spread[i / channels * pitch + i % channels] = values[i];
        return spread;
    }

    private static float[] Gather(float[] spread, int channels, int pitch) =>
        [.. spread.Where((_, i) => i % pitch < channels)];

    private static void AssertGap(float[] spread, int channels, int pitch) =>
        Assert.All(spread.Where((_, i) => i % pitch >= channels), value => Assert.True(float.IsNaN(value)));
}
