namespace Distributed.Numerics.Tests;

/// <summary>The C runtime's functions are the yardstick: they are right to about one unit in the last place.</summary>
public class ElementaryFunctionTests
{
    [Fact]
    public void Exp_is_right_to_a_unit_in_the_last_place()
    {
        foreach (double x in Points(-745, 709.7))
            AssertUlp(Math.Exp(x), ElementaryFunctions.Exp(x), 2);
        foreach (double x in Points(-87, 88.7))
            AssertUlp((float)Math.Exp((float)x), ElementaryFunctions.Exp((float)x), 1);
    }

    [Fact]
    public void Log_is_right_to_a_unit_in_the_last_place()
    {
        foreach (double x in Points(-700, 700))
            AssertUlp(Math.Log(Math.Exp(x)), ElementaryFunctions.Log(Math.Exp(x)), 2);
        foreach (double x in Points(0.4, 2.5))
            AssertUlp(Math.Log(x), ElementaryFunctions.Log(x), 2);
        Assert.Equal(Math.Log(5e-320), ElementaryFunctions.Log(5e-320), 1e-12);
    }

    [Fact]
    public void Sin_and_cos_are_right_to_2_to_the_minus_51()
    {
        foreach (double x in Points(-10, 10).Concat(Points(-1 << 20, 1 << 20)))
        {
            Assert.Equal(Math.Sin(x), ElementaryFunctions.Sin(x), Math.ScaleB(1, -51));
            Assert.Equal(Math.Cos(x), ElementaryFunctions.Cos(x), Math.ScaleB(1, -51));
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => ElementaryFunctions.Sin(2e6));
    }

    [Fact]
    public void Special_values_follow_IEEE_754()
    {
        Assert.Equal(double.PositiveInfinity, ElementaryFunctions.Exp(double.PositiveInfinity));
        Assert.Equal(0, ElementaryFunctions.Exp(double.NegativeInfinity));
        Assert.Equal(1, ElementaryFunctions.Exp(-0.0));
        Assert.True(double.IsNaN(ElementaryFunctions.Exp(double.NaN)));
        Assert.True(float.IsNaN(ElementaryFunctions.Exp(float.NaN)));
        Assert.Equal(0f, ElementaryFunctions.Exp(float.NegativeInfinity));
        Assert.Equal(double.NegativeInfinity, ElementaryFunctions.Log(0.0));
        Assert.Equal(0, ElementaryFunctions.Log(1.0));
        Assert.True(double.IsNaN(ElementaryFunctions.Log(-1.0)));
        Assert.True(double.IsNaN(ElementaryFunctions.Log(double.NaN)));
        Assert.Equal(double.PositiveInfinity, ElementaryFunctions.Log(double.PositiveInfinity));
        Assert.True(double.IsNaN(ElementaryFunctions.Sin(double.NaN)));
    }

    private static IEnumerable<double> Points(double low, double high)
    {
        var random = new CounterRandom(5, RandomPurpose.Test);
        for (uint i = 0; i < 50_000; i++)
            yield return low + (high - low) * random.UniformDouble(i);
    }

    private static void AssertUlp(double expected, double actual, int ulps) =>
        Assert.True(Math.Abs(expected - actual) <= ulps * (Math.BitIncrement(Math.Abs(expected)) - Math.Abs(expected)),
            $"{actual:R}, expected {expected:R}");

    private static void AssertUlp(float expected, float actual, int ulps) =>
        Assert.True(Math.Abs(expected - actual) <= ulps * (MathF.BitIncrement(Math.Abs(expected)) - Math.Abs(expected)),
            $"{actual:R}, expected {expected:R}");
}
