using Distributed.Numerics.Reference;

namespace Distributed.Numerics.Tests;

public class ConvolutionTests
{
    private static readonly int[] Channels = [1, 3, 6, 8, 16, 17, 32, 33, 64, 70, 144];

    public static TheoryData<ConvolutionShape, int> Shapes()
    {
        var data = new TheoryData<ConvolutionShape, int>();
        foreach (int channels in Channels)
        {
            data.Add(new ConvolutionShape(6, 5, channels, 5, 3, 3), 3);
            data.Add(new ConvolutionShape(6, 5, 5, channels, 3, 3, 1, 1, 1, 1), 2);
            data.Add(new ConvolutionShape(1, 1, channels, 40, 1, 1), 32);
            data.Add(new ConvolutionShape(1, 1, 40, channels, 1, 1), 9);
        }
        for (int kernel = 1; kernel <= 7; kernel++)
            for (int stride = 1; stride <= 3; stride++)
            {
                data.Add(new ConvolutionShape(9, 11, 4, 9, kernel, kernel, stride, stride, kernel / 2, kernel / 2), 2);
                data.Add(new ConvolutionShape(
                    8, 7, 3, 33, kernel, (kernel + 2) / 2, stride, 1, 0, (kernel - 1) / 3), 1);
            }
        data.Add(new ConvolutionShape(28, 28, 1, 32, 3, 3), 3);
        data.Add(new ConvolutionShape(28, 28, 1, 6, 5, 5, 1, 1, 2, 2), 9);
        data.Add(new ConvolutionShape(14, 14, 6, 16, 5, 5), 9);
        data.Add(new ConvolutionShape(5, 5, 64, 64, 3, 3), 17);
        data.Add(new ConvolutionShape(300, 2, 3, 4, 3, 2), 2);
        data.Add(new ConvolutionShape(40, 40, 8, 8, 3, 3, 1, 1, 1, 1), 41);
        return data;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Forward_agrees_with_the_definition(ConvolutionShape s, int batch)
    {
        float[] x = TestData.Random(batch * s.InputLength), w = TestData.Random(s.WeightLength, 1);
        float[] bias = TestData.Random(s.OutChannels, 2);
        foreach (bool relu in new[] { false, true })
        {
            float[] y = Forward(s, batch, x, w, bias, relu);
            TestData.AssertClose(ReferenceConvolution.Forward(s, batch, x, w, bias, relu), y, Taps(s),
                $"{s} relu {relu}");
        }
        TestData.AssertClose(ReferenceConvolution.Forward(s, batch, x, w, [], false),
            Forward(s, batch, x, w, [], false), Taps(s), $"{s} no bias");
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Backward_data_agrees_with_the_definition(ConvolutionShape s, int batch)
    {
        float[] dy = TestData.Random(batch * s.OutputLength), w = TestData.Random(s.WeightLength, 1);
        float[] packed = new float[ConvolutionBackwardData.PackedLength(s)], dx = TestData.Dirty(batch * s.InputLength);
        ConvolutionBackwardData.Pack(s, w, packed);
        ConvolutionBackwardData.Run(s, batch, dy, packed, dx, TestData.Dirty(ConvolutionBackwardData.ScratchLength(s)));
        TestData.AssertClose(ReferenceConvolution.BackwardData(s, batch, dy, w), dx,
            s.KernelHeight * s.KernelWidth * s.OutChannels, $"{s}");
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Backward_weights_agrees_with_the_definition(ConvolutionShape s, int batch)
    {
        float[] x = TestData.Random(batch * s.InputLength), dy = TestData.Random(batch * s.OutputLength, 1);
        float[] dw = TestData.Dirty(s.WeightLength);
        ConvolutionBackwardWeights.Run(
            s, batch, x, dy, dw, TestData.Dirty(ConvolutionBackwardWeights.ScratchLength(s)));
        TestData.AssertClose(ReferenceConvolution.BackwardWeights(s, batch, x, dy), dw,
            batch * s.OutHeight * s.OutWidth, $"{s}");
    }

    /// <summary>
    /// Channels of wider tensors give the bits that dense tensors give, and what lies between them stays.
    /// </summary>
    [Theory]
    [MemberData(nameof(Shapes))]
    public void Channels_of_a_wider_tensor_have_the_same_bits(ConvolutionShape s, int batch)
    {
        ConvolutionShape wide = s with { InPitch = s.InChannels + 5, OutPitch = s.OutChannels + 3 };
        float[] x = TestData.Random(batch * s.InputLength), w = TestData.Random(s.WeightLength, 1);
        float[] dy = TestData.Random(batch * s.OutputLength, 2), bias = TestData.Random(s.OutChannels, 3);
        float[] wideX = TestData.Spread(x, s.InChannels, wide.InPitch);
        float[] wideY = TestData.Spread(dy, s.OutChannels, wide.OutPitch);
        float[] expected = Forward(s, batch, x, w, bias, true), y = Forward(wide, batch, wideX, w, bias, true);
        Assert.Equal(TestData.Spread(expected, s.OutChannels, wide.OutPitch), y);
        expected = BackwardData(s, batch, dy, w, null);
        float[] dx = BackwardData(wide, batch, wideY, w, null);
        Assert.Equal(TestData.Spread(expected, s.InChannels, wide.InPitch), dx);
        expected = BackwardData(s, batch, dy, w, x);
        dx = BackwardData(wide, batch, wideY, w, wideX);
        Assert.Equal(TestData.Spread(expected, s.InChannels, wide.InPitch), dx);
        Assert.Equal(BackwardWeights(s, batch, x, dy), BackwardWeights(wide, batch, wideX, wideY));
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void An_input_gradient_can_be_added_to(ConvolutionShape s, int batch)
    {
        float[] dy = TestData.Random(batch * s.OutputLength), w = TestData.Random(s.WeightLength, 1);
        float[] before = TestData.Random(batch * s.InputLength, 2);
        double[] expected = ReferenceConvolution.BackwardData(s, batch, dy, w);
        for (int i = 0; i < expected.Length; i++)
            expected[i] += before[i];
        TestData.AssertClose(expected, BackwardData(s, batch, dy, w, before),
            s.KernelHeight * s.KernelWidth * s.OutChannels, $"{s}");
    }

    [Fact]
    public void A_sample_has_the_same_output_and_input_gradient_in_every_batch()
    {
        var s = new ConvolutionShape(14, 14, 6, 16, 5, 5, 1, 1, 2, 2);
        const int batch = 19;
        float[] x = TestData.Random(batch * s.InputLength), w = TestData.Random(s.WeightLength, 1);
        float[] dy = TestData.Random(batch * s.OutputLength, 2),
            packed = new float[ConvolutionBackwardData.PackedLength(s)];
        ConvolutionBackwardData.Pack(s, w, packed);
        float[] scratch = new float[ConvolutionBackwardData.ScratchLength(s)];
        float[] y = Forward(s, batch, x, w, [], false), dx = new float[x.Length], one = new float[s.InputLength];
        ConvolutionBackwardData.Run(s, batch, dy, packed, dx, scratch);
        for (int n = 0; n < batch; n++)
        {
            float[] alone = Forward(s, 1, x[(n * s.InputLength)..((n + 1) * s.InputLength)], w, [], false);
            Assert.Equal(y[(n * s.OutputLength)..((n + 1) * s.OutputLength)], alone);
            ConvolutionBackwardData.Run(s, 1, dy.AsSpan(n * s.OutputLength, s.OutputLength), packed, one, scratch);
            Assert.Equal(dx[(n * s.InputLength)..((n + 1) * s.InputLength)], one);
        }
    }

    [Fact]
    public void A_weight_gradient_is_summed_in_the_documented_order()
    {
        var s = new ConvolutionShape(7, 7, 3, 6, 3, 3, 2, 2, 1, 1);
        const int batch = 5;
        float[] x = TestData.Random(batch * s.InputLength), dy = TestData.Random(batch * s.OutputLength, 1);
        float[] dw = new float[s.WeightLength];
        ConvolutionBackwardWeights.Run(s, batch, x, dy, dw, new float[ConvolutionBackwardWeights.ScratchLength(s)]);
        float sum = 0;
        for (int n = 0; n < batch; n++)
            for (int oh = 0; oh < 4; oh++)
                for (int ow = 1; ow < 4; ow++)
                {
                    int ih = 2 * oh, iw = 2 * ow - 1;
                    sum = MathF.FusedMultiplyAdd(x[((n * 7 + ih) * 7 + iw) * 3 + 2],
                        dy[((n * 4 + oh) * 4 + ow) * 6 + 5], sum);
                }
        Assert.Equal(sum, dw[((1 * 3 + 0) * 3 + 2) * 6 + 5]);
    }

    [Fact]
    public void Spans_of_the_wrong_length_are_refused()
    {
        var s = new ConvolutionShape(6, 6, 2, 3, 3, 3, 1, 1, 1, 1);
        float[] x = new float[2 * s.InputLength], y = new float[2 * s.OutputLength], scratch = new float[60000];
        float[] forward = new float[ConvolutionForward.PackedLength(s)],
            data = new float[ConvolutionBackwardData.PackedLength(s)];
        float[] w = new float[s.WeightLength];
        ConvolutionForward.Run(s, 2, x, forward, new float[3], y, false, scratch);
        foreach (int off in new[] { -1, 1 })
        {
            Refused(() => ConvolutionForward.Run(s, 2, new float[x.Length + off], forward, [], y, false, scratch));
            Refused(() => ConvolutionForward.Run(s, 2, x, new float[forward.Length + off], [], y, false, scratch));
            Refused(() => ConvolutionForward.Run(s, 2, x, forward, new float[3 + off], y, false, scratch));
            Refused(() => ConvolutionForward.Run(s, 2, x, forward, [], new float[y.Length + off], false, scratch));
            Refused(() => ConvolutionForward.Pack(s, new float[w.Length + off], forward));
            Refused(() => ConvolutionBackwardData.Pack(s, w, new float[data.Length + off]));
            Refused(() => ConvolutionBackwardData.Run(s, 2, new float[y.Length + off], data, x, scratch));
            Refused(() => ConvolutionBackwardData.Run(s, 2, y, data, new float[x.Length + off], scratch));
            Refused(() => ConvolutionBackwardWeights.Run(s, 2, new float[x.Length + off], y, w, scratch));
            Refused(() => ConvolutionBackwardWeights.Run(s, 2, x, new float[y.Length + off], w, scratch));
            Refused(() => ConvolutionBackwardWeights.Run(s, 2, x, y, new float[w.Length + off], scratch));
        }
        Refused(() => ConvolutionForward.Run(s, 2, x, forward, [], y, false, []));
        Refused(() => ConvolutionBackwardData.Run(s, 2, y, data, x, []));
        Refused(() => ConvolutionBackwardWeights.Run(s, 2, x, y, w, []));
        Refused(() => ConvolutionForward.Run(s, 0, [], forward, [], [], false, scratch));
        Refused(() => ConvolutionForward.Run(s with { InPitch = 1 }, 2, x, forward, [], y, false, scratch));
        Refused(() => ConvolutionForward.Run(s with { OutPitch = 9 }, 2, x, forward, [], y, false, scratch));
        Refused(() => ConvolutionForward.Run(s with { StrideWidth = 0 }, 2, x, forward, [], y, false, scratch));
    }

    private static void Refused(Action action) => Assert.ThrowsAny<ArgumentException>(action);

    private static float[] Forward(ConvolutionShape s, int batch, float[] x, float[] w, float[] bias, bool relu)
    {
        float[] packed = TestData.Dirty(ConvolutionForward.PackedLength(s));
        float[] y = TestData.Dirty((batch * s.OutHeight * s.OutWidth - 1) * s.OutPitch + s.OutChannels);
        ConvolutionForward.Pack(s, w, packed);
        ConvolutionForward.Run(s, batch, x, packed, bias, y, relu, TestData.Dirty(ConvolutionForward.ScratchLength(s)));
        return y;
    }

    private static float[] BackwardData(ConvolutionShape s, int batch, float[] dy, float[] w, float[]? before)
    {
        float[] packed = TestData.Dirty(ConvolutionBackwardData.PackedLength(s));
        float[] dx = before?.ToArray()
            ?? TestData.Dirty((batch * s.InHeight * s.InWidth - 1) * s.InPitch + s.InChannels);
        ConvolutionBackwardData.Pack(s, w, packed);
        ConvolutionBackwardData.Run(
            s, batch, dy, packed, dx, TestData.Dirty(ConvolutionBackwardData.ScratchLength(s)), before != null);
        return dx;
    }

    private static float[] BackwardWeights(ConvolutionShape s, int batch, float[] x, float[] dy)
    {
        float[] dw = TestData.Dirty(s.WeightLength);
        ConvolutionBackwardWeights.Run(
            s, batch, x, dy, dw, TestData.Dirty(ConvolutionBackwardWeights.ScratchLength(s)));
        return dw;
    }

    private static int Taps(ConvolutionShape s) => s.KernelHeight * s.KernelWidth * s.InChannels + 1;
}
