using Distributed.Numerics.Reference;

namespace Distributed.Numerics.Tests;

/// <summary>The optimizers' kernels against their definitions; odd lengths, so that vectors leave a rest.</summary>
public class UpdateTests
{
    private const int Length = 21;

    [Theory]
    [InlineData(0f, false)]
    [InlineData(0.1f, false)]
    [InlineData(0.1f, true)]
    public void Adam_follows_the_formula(float decay, bool decoupled)
    {
        const double rate = 0.1, beta1 = 0.9, beta2 = 0.99;
        float[] p = TestData.Random(Length), m = new float[Length], v = new float[Length];
        double[] expected = [.. p.Select(x => (double)x)], mean = new double[Length], square = new double[Length];
        for (int step = 1; step <= 4; step++)
        {
            float[] g = TestData.Random(Length, step);
            AdamUpdate.Run(p, g, m, v, Coefficients(step, decoupled ? 0 : decay), (float)rate,
                decoupled ? (float)(1 - rate * decay) : 1);
            for (int i = 0; i < Length; i++)
                (expected[i], mean[i], square[i]) = ReferenceOperations.Adam(expected[i], g[i] * 0.25, mean[i],
                    square[i], step, rate, beta1, beta2, 1e-3, decay, decoupled);
        }
        TestData.AssertClose(expected, p, 40, "parameters");
        TestData.AssertClose(mean, m, 4, "mean");
        TestData.AssertClose(square, v, 4, "mean square");
        AdamCoefficients any = Coefficients(1, 0);
        Assert.ThrowsAny<ArgumentException>(() => AdamUpdate.Run(p, p, m, new float[1], any, 1, 1));
    }

    [Fact]
    public void The_direction_of_lamb_is_adams_with_the_decay_added()
    {
        const float decay = 0.1f;
        float[] p = TestData.Random(Length), g = TestData.Random(Length, 1), m = new float[Length],
            v = new float[Length], unchanged = [.. p];
        double[] expected = [.. p.Select((x, i) => decay * x
            - ReferenceOperations.Adam(0, g[i] * 0.25, 0, 0, 1, 1, 0.9, 0.99, 1e-3, 0, false).Parameter)];
        AdamUpdate.LambDirection(p, g, m, v, Coefficients(1, 0), decay);
        TestData.AssertClose(expected, g, 4, "direction");
        Assert.Equal(unchanged, p);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(0.9f)]
    public void Rmsprop_follows_the_formula(float momentum)
    {
        float[] p = TestData.Random(Length), v = new float[Length], buffer = momentum == 0 ? [] : new float[Length];
        double[] expected = [.. p.Select(x => (double)x)], square = new double[Length], buffers = new double[Length];
        for (int step = 1; step <= 4; step++)
        {
            float[] g = TestData.Random(Length, step);
            RmsPropUpdate.Run(p, g, v, buffer, 0.25f, 0.01f, 0.9f, 0.1f, 1e-2f, momentum, 0.1f);
            for (int i = 0; i < Length; i++)
                (expected[i], square[i], buffers[i]) = ReferenceOperations.RmsProp(expected[i], g[i] * 0.25, square[i],
                    buffers[i], 0.01, 0.9, 1e-2, momentum, 0.1);
        }
        TestData.AssertClose(expected, p, 20, "parameters");
        Assert.ThrowsAny<ArgumentException>(() => RmsPropUpdate.Run(p, p, v, new float[1], 1, 1, 0, 1, 1, 0.5f, 0));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(10007)]
    public void A_sum_of_squares_is_exact_to_double(int length)
    {
        float[] x = TestData.Random(length);
        decimal exact = x.Sum(value => (decimal)((double)value * value));
        Assert.Equal((double)exact, SquareSum.Run(x), 1e-12 * length);

        // Where the tensor lies must not matter: one that begins within another block has the same bits.
        float[] moved = [.. new float[37], .. x];
        Assert.Equal(SquareSum.Run(x), SquareSum.Run(moved.AsSpan(37)));
    }

    [Fact]
    public void Elements_are_scaled_and_cut()
    {
        float[] x = [.. TestData.Random(Length), 3, -3, float.PositiveInfinity, float.NegativeInfinity];
        float[] expected = [.. x.Select(value => value * 2 > 1 ? 1 : value * 2 < -1 ? -1 : value * 2)];
        Elementwise.ScaleAndClip(x, 2, 1);
        Assert.Equal(expected, x);
        x[3] = float.NaN;
        Elementwise.ScaleAndClip(x, 2, 1);
        Assert.True(float.IsNaN(x[3]));
    }

    [Fact]
    public void An_average_moves_and_a_multiple_is_added()
    {
        float[] x = TestData.Random(Length), y = TestData.Random(Length, 1), sum = [.. y], average = [.. y];
        Elementwise.MultiplyAdd(0.3f, x, sum);
        Elementwise.MoveAverage(0.3f, x, average);
        for (int i = 0; i < Length; i++)
        {
            Assert.Equal(MathF.FusedMultiplyAdd(0.3f, x[i], y[i]), sum[i]);
            Assert.Equal(MathF.FusedMultiplyAdd(0.3f, x[i] - y[i], y[i]), average[i]);
        }
        Assert.ThrowsAny<ArgumentException>(() => Elementwise.MultiplyAdd(1, x, new float[1]));
        Assert.ThrowsAny<ArgumentException>(() => Elementwise.MoveAverage(1, x, new float[1]));
    }

    private static AdamCoefficients Coefficients(int step, float decay)
    {
        double power1 = 1, power2 = 1;
        for (int i = 0; i < step; i++)
            (power1, power2) = (power1 * 0.9, power2 * 0.99);
        return new AdamCoefficients(0.25f, 0.9f, 0.99f, 1e-3f, decay)
        {
            Rest1 = 0.1f,
            Rest2 = 0.01f,
            MeanCorrection = (float)(1 / (1 - power1)),
            RootCorrection = (float)(1 / Math.Sqrt(1 - power2)),
        };
    }
}
