namespace Distributed.Numerics.Tests;

/// <summary>Activations against their definitions in double, on values over their whole range.</summary>
public class ActivationTests
{
    private static readonly PixelShape Shape = new(41, 13) { InPitch = 17, OutPitch = 15 };

    private delegate void Forward(in PixelShape s, int batch, ReadOnlySpan<float> input, Span<float> output);

    private delegate void Backward(in PixelShape s, int batch, ReadOnlySpan<float> values,
        ReadOnlySpan<float> outputGradient, Span<float> inputGradient, bool accumulate);

    [Fact]
    public void Sigmoid_follows_its_definition() => Check(
        Sigmoid.Forward, Sigmoid.Backward, false, x => 1 / (1 + Math.Exp(-x)),
        x => Math.Exp(-x) / Math.Pow(1 + Math.Exp(-x), 2));

    [Fact]
    public void Tanh_follows_its_definition() => Check(
        Tanh.Forward, Tanh.Backward, false, Math.Tanh, x => 1 - Math.Pow(Math.Tanh(x), 2));

    [Fact]
    public void Gelu_follows_its_definition() => Check(
        Gelu.Forward, Gelu.Backward, true, x => x * Phi(x),
        x => Phi(x) + x * Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI));

    [Fact]
    public void Leaky_relu_follows_its_definition() => Check(
        (in s, batch, x, y) => LeakyRelu.Forward(s, batch, x, y, 0.25f),
        (in s, batch, y, dy, dx, accumulate) => LeakyRelu.Backward(s, batch, y, dy, dx, accumulate, 0.25f), false,
        x => x > 0 ? x : 0.25 * x, x => x > 0 ? 1 : 0.25);

    [Fact]
    public void Special_values_pass_through()
    {
        PixelShape s = new(1, 5);
        float[] x = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, 0, -0f], y = new float[5];
        Sigmoid.Forward(s, 1, x, y);
        Assert.Equal([float.NaN, 1, y[2], 0.5f, 0.5f], y);
        Assert.InRange(y[2], 0, 1e-37f);
        Tanh.Forward(s, 1, x, y);
        Assert.Equal([float.NaN, 1, -1, 0, -0f], y);
        Gelu.Forward(s, 1, x, y);
        Assert.Equal([float.NaN, float.PositiveInfinity], y[..2]);
        LeakyRelu.Forward(s, 1, x, y, 0.5f);
        Assert.Equal([float.NaN, float.PositiveInfinity, float.NegativeInfinity, 0, 0], y);
    }

    [Theory]
    [InlineData(1, 1f, 0.75f, 1f)]
    [InlineData(2, 0.5f, 0.75f, 2f)]
    [InlineData(5, 2f, 0.75f, 1f)]
    [InlineData(5, 1f, 0.5f, 1f)]
    [InlineData(30, 1f, 1.25f, 0.5f)]
    public void Local_response_norm_follows_its_definition(int size, float alpha, float beta, float k)
    {
        LocalResponseNorm norm = new(size, alpha, beta, k);
        (PixelShape s, int pixels, int channels) = (Shape, 2 * Shape.Pixels, Shape.Channels);
        float[] x = TestData.Random(pixels * s.InPitch), y = new float[pixels * s.OutPitch], dx = new float[x.Length];
        float[] dy = TestData.Random(y.Length, 1), scratch = new float[LocalResponseNorm.ScratchLength(s)];
        norm.Forward(s, 2, x, y, scratch);
        norm.Backward(s, 2, x, dy, dx, false, scratch);
        for (int p = 0; p < pixels; p++)
        {
            double[] values = [.. x.Skip(p * s.InPitch).Take(channels).Select(value => (double)value)];
            double[] outputs = Normalize(values, size, alpha, beta, k);
            for (int c = 0; c < channels; c++)
            {
                Assert.Equal(outputs[c], y[p * s.OutPitch + c], 2e-6);
                // The derivative along one input, by central differences.
                double[] up = [.. values], down = [.. values];
                (up[c], down[c]) = (values[c] + 1e-5, values[c] - 1e-5);
                (up, down) = (Normalize(up, size, alpha, beta, k), Normalize(down, size, alpha, beta, k));
                double slope = Enumerable.Range(0, channels)
                    .Sum(j => dy[p * s.OutPitch + j] * (up[j] - down[j]) / 2e-5);
                Assert.Equal(slope, dx[p * s.InPitch + c], 2e-5);
            }
        }
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(0.3f)]
    [InlineData(0.9f)]
    public void Dropout_keeps_a_share_and_divides_by_it(float probability)
    {
        (PixelShape s, int length) = (Shape, Dropout.MaskLength(Shape));
        var random = new CounterRandom(9, RandomPurpose.Dropout, 2, 3, 4);
        byte[] masks = new byte[2 * length];
        Dropout.Draw(random, probability, masks.AsSpan(length));
        float[] x = TestData.Random(2 * s.Pixels * s.InPitch), y = new float[2 * s.Pixels * s.OutPitch];
        Dropout.Apply(s, 2, masks, probability, x, y, accumulate: false);
        int kept = 0;
        for (int i = 0; i < s.Pixels * s.Channels; i++)
        {
            int pixel = i / s.Channels, channel = i % s.Channels;
            Assert.Equal(0, y[pixel * s.OutPitch + channel]);
            bool keeps = random.Uniform((uint)i) >= probability;
            float value = keeps ? x[(s.Pixels + pixel) * s.InPitch + channel] * (1 / (1 - probability)) : 0;
            Assert.Equal(value, y[(s.Pixels + pixel) * s.OutPitch + channel]);
            kept += keeps ? 1 : 0;
        }
        Assert.InRange(kept / (double)(s.Pixels * s.Channels), 0.94 - probability, 1.06 - probability);
        float[] twice = [.. y];
        Dropout.Apply(s, 2, masks, probability, x, twice, accumulate: true);
        Assert.Equal(y.Select(value => 2 * value), twice);
    }

    private static double[] Normalize(double[] x, int size, double alpha, double beta, double k) =>
        [.. x.Select((value, c) => value / Math.Pow(k + alpha / size * x
            .Where((_, j) => j >= c - size / 2 && j <= c + (size - 1) / 2).Sum(other => other * other), beta))];

    /// <summary>The normal distribution's function, by its series near 0 and its continued fraction beyond.</summary>
    private static double Phi(double x)
    {
        double size = Math.Abs(x), density = Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI);
        if (size < 3)
        {
            double term = x, sum = x;
            for (int i = 3; i < 200; i += 2)
                sum += term *= x * x / i;
            return 0.5 + density * sum;
        }
        double fraction = 0;
        for (int i = 200; i > 0; i--)
            fraction = i / (size + fraction);
        double tail = density / (size + fraction);
        return x > 0 ? 1 - tail : tail;
    }

    private static void Check(
        Forward forward, Backward backward, bool fromInput, Func<double, double> value, Func<double, double> slope)
    {
        (PixelShape s, int pixels) = (Shape, 2 * Shape.Pixels);
        float[] x = new float[pixels * s.InPitch], y = new float[pixels * s.OutPitch];
        for (int i = 0; i < x.Length; i++)
            x[i] = (i - x.Length / 2) * (i % 2 == 0 ? 0.02f : 0.001f);
        forward(s, 2, x, y);
        float[] dy = TestData.Random(y.Length), dx = new float[x.Length];
        float[] values = fromInput ? x : y;
        backward(s, 2, values, dy, dx, accumulate: false);
        float[] twice = [.. dx];
        backward(s, 2, values, dy, twice, accumulate: true);
        for (int i = 0; i < pixels * s.Channels; i++)
        {
            int from = i / s.Channels * s.InPitch + i % s.Channels, to = i / s.Channels * s.OutPitch + i % s.Channels;
            double expected = value(x[from]);
            // Three units in the last place; of what is small by cancellation, of the terms.
            Assert.Equal(expected, y[to], 4e-7 * Math.Max(Math.Abs(expected), fromInput ? Math.Abs(x[from]) : 1e-30)
                + 1e-30);
            Assert.Equal(dy[to] * slope(x[from]), dx[from], 1e-6);
            Assert.Equal(2 * dx[from], twice[from], 1e-6f);
        }
    }
}
