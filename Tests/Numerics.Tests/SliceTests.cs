namespace Distributed.Numerics.Tests;

/// <summary>
/// Operations on channels of a wider tensor: the same bits as on a tensor of its own, and what lies between stays.
/// </summary>
public class SliceTests
{
    private const float Gap = 12345;

    public static TheoryData<int, int, int> Pitches => new()
    {
        { 1, 3, 1 }, { 3, 3, 7 }, { 6, 11, 6 }, { 8, 8, 9 }, { 12, 40, 12 }, { 16, 20, 24 }, { 33, 41, 70 },
    };

    [Theory]
    [MemberData(nameof(Pitches))]
    public void Max_pool(int channels, int inPitch, int outPitch)
    {
        foreach (var (kernel, stride, pad) in new[] { (2, 2, 0), (3, 2, 1), (2, 1, 0), (2, 3, 0) })
        {
            var dense = new PoolShape(6, 8, channels, kernel, kernel, stride, stride, pad, pad);
            PoolShape s = dense with { InPitch = inPitch, OutPitch = outPitch };
            int pixels = 2 * 48, outputs = 2 * s.OutHeight * s.OutWidth;
            float[] x = TestData.Random(pixels * channels), y = new float[outputs * channels], dx = new float[x.Length];
            float[] dy = TestData.Random(y.Length, 1);
            byte[] indices = new byte[y.Length], sliced = new byte[y.Length];
            MaxPool.Forward(dense, 2, x, y, indices);
            MaxPool.Backward(dense, 2, dy, indices, dx);

            float[] output = Wide(new float[y.Length], channels, outPitch);
            MaxPool.Forward(s, 2, Wide(x, channels, inPitch), output, sliced);
            Assert.Equal(Wide(y, channels, outPitch), output);
            Assert.Equal(indices, sliced);
            float[] gradient = Wide(x, channels, inPitch);
            MaxPool.Backward(s, 2, Wide(dy, channels, outPitch), sliced, gradient);
            Assert.Equal(Wide(dx, channels, inPitch), gradient);

            // Windows that overlap are added one by one, so that sums may differ in their last bit.
            MaxPool.Backward(s, 2, Wide(dy, channels, outPitch), sliced, gradient, accumulate: true);
            float[] twice = Wide([.. dx.Select(value => 2 * value)], channels, inPitch);
            for (int i = 0; i < twice.Length; i++)
                Assert.Equal(twice[i], gradient[i], 1e-5f);
        }
    }

    [Theory]
    [MemberData(nameof(Pitches))]
    public void Relu_and_sums(int channels, int inPitch, int outPitch)
    {
        const int batch = 3, pixels = 7, all = batch * pixels;
        PixelShape s = new(pixels, channels) { InPitch = inPitch, OutPitch = outPitch };
        float[] x = TestData.Random(all * channels), y = new float[x.Length], dx = new float[x.Length];
        float[] dy = TestData.Random(x.Length, 1), bias = new float[channels], slicedBias = new float[channels];
        Relu.Forward(x, y);
        Relu.Backward(y, dy, dx);

        float[] output = Wide(new float[y.Length], channels, outPitch);
        Relu.Forward(s, batch, Wide(x, channels, inPitch), output);
        Assert.Equal(Wide(y, channels, outPitch), output);
        float[] gradient = Wide(x, channels, inPitch);
        Relu.Backward(s, batch, y, channels, Wide(dy, channels, outPitch), gradient);
        Assert.Equal(Wide(dx, channels, inPitch), gradient);

        BiasGradient.Run(dx, channels, bias);
        BiasGradient.Run(all, channels, gradient, inPitch, slicedBias);
        Assert.Equal(bias, slicedBias);
        gradient = Wide(dy, channels, inPitch);
        BiasGradient.RunWithReluMask(all, channels, output, outPitch, gradient, inPitch, slicedBias);
        Assert.Equal(bias, slicedBias);
        Assert.Equal(Wide(dx, channels, inPitch), gradient);
    }

    [Theory]
    [MemberData(nameof(Pitches))]
    public void Copies_and_sums_of_pixels(int channels, int inPitch, int outPitch)
    {
        PixelShape s = new(5, channels) { InPitch = inPitch, OutPitch = outPitch };
        float[] x = TestData.Random(10 * channels), y = TestData.Random(x.Length, 1);
        float[] output = Wide(y, channels, outPitch);
        Pixels.Add(s, 2, Wide(x, channels, inPitch), output);
        Assert.Equal(Wide([.. x.Zip(y, (a, b) => b + a)], channels, outPitch), output);
        Pixels.Copy(s, 2, Wide(x, channels, inPitch), output);
        Assert.Equal(Wide(x, channels, outPitch), output);
        Assert.ThrowsAny<ArgumentException>(() => Pixels.Copy(s, 3, Wide(x, channels, inPitch), output));
        Assert.ThrowsAny<ArgumentException>(() => Pixels.Add(s with { InPitch = -1 }, 2, x, output));
    }

    private static float[] Wide(float[] dense, int channels, int pitch)
    {
        float[] wide = new float[(dense.Length / channels - 1) * pitch + channels];
        Array.Fill(wide, Gap);
        for (int i = 0; i < dense.Length; i++)
            wide[i / channels * pitch + i % channels] = dense[i];
        return wide;
    }
}
