using Distributed.Numerics.Reference;

namespace Distributed.Numerics.Tests;

public class DepthwiseTests
{
    public static TheoryData<ConvolutionShape, int> Shapes()
    {
        var data = new TheoryData<ConvolutionShape, int>();
        foreach (int channels in new[] { 1, 3, 8, 12, 16, 17, 40, 64, 70, 144 })
        {
            data.Add(new ConvolutionShape(9, 13, channels, channels, 3, 3, 1, 1, 1, 1), 3);
            data.Add(new ConvolutionShape(12, 11, channels, channels, 3, 3, 2, 2, 1, 1), 2);
        }
        // Even extents, the smallest, and every padding, of what is computed in pairs of rows.
        for (int pad = 0; pad <= 2; pad++)
            foreach (var (height, width) in ((int, int)[])
                [(8, 12), (7, 8), (4, 4), (3, 7), (2, 4), (3, 3), (1, 5), (5, 1)])
                if (height + 2 * pad >= 3 && width + 2 * pad >= 3)
                    data.Add(new ConvolutionShape(height, width, 20, 20, 3, 3, 1, 1, pad, pad), 2);
        for (int kernel = 1; kernel <= 6; kernel++)
            for (int stride = 1; stride <= 4; stride++)
            {
                data.Add(new ConvolutionShape(7, 23, 5, 5, kernel, kernel, stride, stride, kernel / 2, kernel / 2), 2);
                data.Add(new ConvolutionShape(6, 20, 5, 5, kernel, 2, 1, stride, kernel - 1, 1), 1);
            }
        data.Add(new ConvolutionShape(2, 2, 9, 9, 3, 3, 2, 2, 1, 1), 2);
        data.Add(new ConvolutionShape(1, 1, 9, 9, 3, 3, 1, 1, 1, 1), 2);
        return data;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Results_agree_with_the_definition(ConvolutionShape s, int batch)
    {
        float[] x = TestData.Random(batch * s.InputLength), dy = TestData.Random(batch * s.OutputLength, 1);
        float[] w = TestData.Random(DepthwiseConvolution.WeightLength(s), 2), bias = TestData.Random(s.InChannels, 3);
        float[] y = TestData.Dirty(dy.Length), dx = TestData.Dirty(x.Length), dw = TestData.Dirty(w.Length);
        float[] packed = Packed(s, w);
        int taps = s.KernelHeight * s.KernelWidth;
        // Every channel alone is a convolution of one channel.
        ConvolutionShape one = s with { InChannels = 1, OutChannels = 1 };
        foreach (bool relu in new[] { false, true })
        {
            DepthwiseConvolution.Forward(s, batch, x, packed, bias, y, relu);
            for (int c = 0; c < s.InChannels; c++)
                TestData.AssertClose(ReferenceConvolution.Forward(one, batch, Channel(x, s, c), Channel(w, s, c),
                    [bias[c]], relu), Channel(y, s, c), taps, $"{s}");
        }
        DepthwiseConvolution.Forward(s, batch, x, packed, [], y, false);
        DepthwiseConvolution.BackwardData(s, batch, dy, packed, dx);
        float[] sum = [.. x];
        DepthwiseConvolution.BackwardData(s, batch, dy, packed, sum, accumulate: true);
        DepthwiseConvolution.BackwardWeights(s, batch, x, dy, dw);
        for (int c = 0; c < s.InChannels; c++)
        {
            double[] output = ReferenceConvolution.Forward(one, batch, Channel(x, s, c), Channel(w, s, c), [], false);
            TestData.AssertClose(output, Channel(y, s, c), taps, $"{s}");
            double[] gradient = ReferenceConvolution.BackwardData(one, batch, Channel(dy, s, c), Channel(w, s, c));
            TestData.AssertClose(gradient, Channel(dx, s, c), taps, $"{s}");
            double[] added = [.. gradient.Zip(Channel(x, s, c), (a, b) => a + b)];
            TestData.AssertClose(added, Channel(sum, s, c), taps, $"{s}");
            TestData.AssertClose(ReferenceConvolution.BackwardWeights(one, batch, Channel(x, s, c), Channel(dy, s, c)),
                Channel(dw, s, c), batch * s.OutHeight * s.OutWidth, $"{s}");
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Channels_of_a_wider_tensor_have_the_same_bits(ConvolutionShape s, int batch)
    {
        int inPitch = s.InChannels + 5, outPitch = s.OutChannels + 3;
        ConvolutionShape wide = s with { InPitch = inPitch, OutPitch = outPitch };
        float[] x = TestData.Random(batch * s.InputLength), dy = TestData.Random(batch * s.OutputLength, 1);
        float[] w = TestData.Random(DepthwiseConvolution.WeightLength(s), 2), packed = Packed(s, w);
        float[] wideX = TestData.Spread(x, s.InChannels, inPitch);
        float[] wideY = TestData.Spread(dy, s.OutChannels, outPitch);
        float[] dw = new float[w.Length], wideW = new float[w.Length];
        DepthwiseConvolution.BackwardWeights(s, batch, x, dy, dw);
        DepthwiseConvolution.BackwardWeights(wide, batch, wideX, wideY, wideW);
        Assert.Equal(dw, wideW);
        DepthwiseConvolution.Forward(s, batch, x, packed, [], dy, true);
        DepthwiseConvolution.Forward(wide, batch, wideX, packed, [], wideY, true);
        Assert.Equal(TestData.Spread(dy, s.OutChannels, outPitch), wideY);
        DepthwiseConvolution.BackwardData(s, batch, dy, packed, x, accumulate: true);
        DepthwiseConvolution.BackwardData(wide, batch, wideY, packed, wideX, accumulate: true);
        Assert.Equal(TestData.Spread(x, s.InChannels, inPitch), wideX);
    }

    [Fact]
    public void Other_numbers_of_output_channels_are_refused() => Assert.ThrowsAny<ArgumentException>(() =>
        DepthwiseConvolution.Forward(new(4, 4, 2, 4, 1, 1), 1, new float[32], new float[2], [], new float[64], false));

    private static float[] Packed(ConvolutionShape s, float[] weights)
    {
        float[] packed = TestData.Dirty(DepthwiseConvolution.PackedLength(s));
        DepthwiseConvolution.Pack(s, weights, packed);
        return packed;
    }

    private static float[] Channel(float[] values, ConvolutionShape s, int channel) =>
        [.. values.Where((_, i) => i % s.InChannels == channel)];
}
