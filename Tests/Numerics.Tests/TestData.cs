namespace Distributed.Numerics.Tests;

/// <summary>Seeded inputs and comparisons.</summary>
internal static class TestData
{
    public static float[] Random(int length, int stream = 0)
    {
        var random = new CounterRandom(7, RandomPurpose.Test, stream);
        float[] values = new float[length];
        for (int i = 0; i < length; i++)
            values[i] = 2 * random.Uniform((uint)i) - 1;
        return values;
    }

    /// <summary>
    /// Every element within the error that a sum of <paramref name="terms"/> products of unit size may have.
    /// </summary>
    public static void AssertClose(double[] expected, float[] actual, int terms, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        double tolerance = 1e-6 + 1e-7 * terms;
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance,
                $"{what}: element {i} is {actual[i]}, expected {expected[i]}");
    }

    /// <summary>Pixels a pitch apart with NaN between them.</summary>
    public static float[] Spread(float[] dense, int channels, int pitch)
    {
        int pixels = dense.Length / channels;
        float[] wide = Dirty((pixels - 1) * pitch + channels);
        for (int i = 0; i < pixels; i++)
            dense.AsSpan(i * channels, channels).CopyTo(wide.AsSpan(i * pitch));
        return wide;
    }

    /// <summary>Memory as a step leaves it: whatever isn't overwritten shows.</summary>
    public static float[] Dirty(int length)
    {
        float[] values = new float[length];
        Array.Fill(values, float.NaN);
        return values;
    }
}
