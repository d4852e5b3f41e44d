using Distributed.Numerics.Reference;

namespace Distributed.Numerics.Tests;

public class WinogradTests
{
    private const ConvolutionAlgorithm Small = ConvolutionAlgorithm.Winograd2x2,
        Large = ConvolutionAlgorithm.Winograd4x4;

    public static TheoryData<ConvolutionShape, ConvolutionAlgorithm, int> Shapes()
    {
        var data = new TheoryData<ConvolutionShape, ConvolutionAlgorithm, int>();
        foreach (int channels in new[] { 1, 3, 6, 8, 12, 16, 17, 28, 33, 40, 70, 144 })
        {
            AddAll(data, new ConvolutionShape(6, 5, channels, 12, 3, 3, 1, 1, 1, 1), 3);
            AddAll(data, new ConvolutionShape(7, 9, 5, channels, 3, 3), 2);
            AddAll(data, new ConvolutionShape(7, 6, channels, 9, 5, 5, 1, 1, 2, 2), 2);
            AddAll(data, new ConvolutionShape(8, 7, 4, channels, 5, 5, 1, 1, 0, 4), 1);
        }
        for (int height = 1; height <= 9; height++)
            for (int pad = 0; pad <= 2; pad++)
                if (height + 2 * pad >= 3)
                    AddAll(data, new ConvolutionShape(height, 10, 3, 4, 3, 3, 1, 1, pad, 2 - pad), 2);
        AddAll(data, new ConvolutionShape(13, 13, 32, 64, 3, 3), 32);
        AddAll(data, new ConvolutionShape(32, 32, 16, 16, 3, 3, 1, 1, 1, 1), 9);
        AddAll(data, new ConvolutionShape(4, 4, 300, 260, 3, 3, 1, 1, 1, 1), 3);
        AddAll(data, new ConvolutionShape(50, 2, 70, 70, 3, 3, 1, 1, 1, 1), 12);
        return data;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Results_agree_with_the_definition(ConvolutionShape s, ConvolutionAlgorithm algorithm, int batch)
    {
        float[] x = TestData.Random(batch * s.InputLength), w = TestData.Random(s.WeightLength, 1);
        float[] dy = TestData.Random(batch * s.OutputLength, 2), bias = TestData.Random(s.OutChannels, 3);
        int tile = s.KernelHeight + (algorithm == Large ? 3 : 1);
        foreach (bool relu in new[] { false, true })
            AssertClose(ReferenceConvolution.Forward(s, batch, x, w, bias, relu),
                Forward(s, algorithm, batch, x, w, bias, relu), tile);
        AssertClose(ReferenceConvolution.Forward(s, batch, x, w, [], false),
            Forward(s, algorithm, batch, x, w, [], false), tile);
        double[] gradient = ReferenceConvolution.BackwardData(s, batch, dy, w);
        AssertClose(gradient, BackwardData(s, algorithm, batch, dy, w, null), tile);
        for (int i = 0; i < gradient.Length; i++)
            gradient[i] += x[i];
        AssertClose(gradient, BackwardData(s, algorithm, batch, dy, w, x), tile);
        AssertClose(ReferenceConvolution.BackwardWeights(s, batch, x, dy),
            BackwardWeights(s, algorithm, batch, x, dy), tile);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Channels_of_a_wider_tensor_have_the_same_bits(
        ConvolutionShape s, ConvolutionAlgorithm algorithm, int batch)
    {
        ConvolutionShape wide = s with { InPitch = s.InChannels + 5, OutPitch = s.OutChannels + 3 };
        float[] x = TestData.Random(batch * s.InputLength), w = TestData.Random(s.WeightLength, 1);
        float[] dy = TestData.Random(batch * s.OutputLength, 2), bias = TestData.Random(s.OutChannels, 3);
        float[] wideX = TestData.Spread(x, s.InChannels, wide.InPitch);
        float[] wideY = TestData.Spread(dy, s.OutChannels, wide.OutPitch);
        Assert.Equal(TestData.Spread(Forward(s, algorithm, batch, x, w, bias, true), s.OutChannels, wide.OutPitch),
            Forward(wide, algorithm, batch, wideX, w, bias, true));
        Assert.Equal(TestData.Spread(BackwardData(s, algorithm, batch, dy, w, x), s.InChannels, wide.InPitch),
            BackwardData(wide, algorithm, batch, wideY, w, wideX));
        Assert.Equal(BackwardWeights(s, algorithm, batch, x, dy),
            BackwardWeights(wide, algorithm, batch, wideX, wideY));
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_norm_in_front_has_the_bits_of_one_applied_before(
        ConvolutionShape s, ConvolutionAlgorithm algorithm, int batch)
    {
        ConvolutionShape wide = s with { InPitch = s.InChannels + 5 };
        float[] x = TestData.Random(batch * s.InputLength), w = TestData.Random(s.WeightLength, 1);
        float[] dy = TestData.Random(batch * s.OutputLength, 2), normalized = TestData.Dirty(x.Length);
        float[] norm = TestData.Random(BatchNormForward.CoefficientsLength(s.InChannels), 4);
        BatchNormForward.Run(
            new BatchNormShape(s.InChannels), batch * s.InHeight * s.InWidth, x, norm, [], true, normalized);
        float[] spread = TestData.Spread(x, s.InChannels, wide.InPitch);
        Assert.Equal(Forward(s, algorithm, batch, normalized, w, [], false),
            Forward(wide, algorithm, batch, spread, w, [], false, norm));
        Assert.Equal(BackwardWeights(s, algorithm, batch, normalized, dy),
            BackwardWeights(wide, algorithm, batch, spread, dy, norm));
    }

    /// <summary>Batches differ in the blocks of tiles that are worked on together.</summary>
    [Theory]
    [InlineData(16, 16, 3, Large)]
    [InlineData(16, 16, 3, Small)]
    [InlineData(24, 16, 5, Small)]
    [InlineData(160, 96, 3, Large)]
    public void The_number_of_samples_changes_no_bit(
        int inChannels, int outChannels, int kernel, ConvolutionAlgorithm algorithm)
    {
        var s = new ConvolutionShape(19, 18, inChannels, outChannels, kernel, kernel, 1, 1, 1, 1);
        const int batch = 21;
        float[] x = TestData.Random(batch * s.InputLength), w = TestData.Random(s.WeightLength, 1);
        float[] dy = TestData.Random(batch * s.OutputLength, 2);
        float[] y = Forward(s, algorithm, batch, x, w, [], false), dx = BackwardData(s, algorithm, batch, dy, w, null);
        foreach (int n in new[] { 0, 7, batch - 1 })
        {
            Range input = (n * s.InputLength)..((n + 1) * s.InputLength);
            Range output = (n * s.OutputLength)..((n + 1) * s.OutputLength);
            Assert.Equal(y[output], Forward(s, algorithm, 1, x[input], w, [], false));
            Assert.Equal(dx[input], BackwardData(s, algorithm, 1, dy[output], w, null));
        }
        // Samples without a gradient add nothing.
        Array.Clear(dy, 5 * s.OutputLength, dy.Length - 5 * s.OutputLength);
        Assert.Equal(BackwardWeights(s, algorithm, batch, x, dy), BackwardWeights(
            s, algorithm, 5, x[..(5 * s.InputLength)], dy[..(5 * s.OutputLength)]));
    }

    /// <summary>Tiles of one or two blocks; the first sample alone has fewer than a block.</summary>
    [Fact]
    public void Weights_too_large_to_keep_transformed_are_read_as_they_are()
    {
        var s = new ConvolutionShape(13, 12, 260, 300, 3, 3, 1, 1, 1, 1);
        const int batch = 7;
        Assert.Equal(0, WinogradForward.PackedLength(s, Large));
        Assert.Equal(0, WinogradBackwardData.PackedLength(s, Large));
        float[] x = TestData.Random(batch * s.InputLength), w = TestData.Random(s.WeightLength, 1);
        float[] dy = TestData.Random(batch * s.OutputLength, 2), bias = TestData.Random(s.OutChannels, 3);
        float[] y = Forward(s, Large, batch, x, w, bias, true), dx = BackwardData(s, Large, batch, dy, w, x);
        AssertClose(ReferenceConvolution.Forward(s, batch, x, w, bias, true), y, 6);
        Assert.Equal(y[..s.OutputLength], Forward(s, Large, 1, x[..s.InputLength], w, bias, true));
        Assert.Equal(dx[..s.InputLength],
            BackwardData(s, Large, 1, dy[..s.OutputLength], w, x[..s.InputLength]));
    }

    [Fact]
    public void Shapes_without_the_algorithm_are_refused()
    {
        foreach (ConvolutionShape s in new ConvolutionShape[]
        {
            new(9, 9, 8, 8, 3, 3, 2, 1), new(9, 9, 8, 8, 3, 3, 1, 2), new(9, 9, 8, 8, 3, 5), new(9, 9, 8, 8, 7, 7),
            new(9, 9, 8, 8, 1, 1), new(9, 9, 8, 8, 3, 3, 1, 1, 3, 1),
        })
            Assert.ThrowsAny<ArgumentException>(() => WinogradForward.PackedLength(s, Small));
        Assert.ThrowsAny<ArgumentException>(() =>
            WinogradForward.PackedLength(new ConvolutionShape(9, 9, 8, 8, 5, 5), Large));
        Assert.ThrowsAny<ArgumentException>(() =>
            WinogradForward.PackedLength(new ConvolutionShape(9, 9, 8, 8, 3, 3), ConvolutionAlgorithm.Direct));
    }

    [Fact]
    public void Algorithms_are_chosen_by_shape_and_mode()
    {
        ConvolutionShape s = new(13, 13, 32, 64, 3, 3), five = new(27, 27, 64, 192, 5, 5, 1, 1, 2, 2);
        Assert.Equal(Large, ConvolutionAlgorithms.Choose(s, ConvolutionMode.Winograd).Forward);
        Assert.Equal(Small, ConvolutionAlgorithms.Choose(s, ConvolutionMode.Strict).BackwardWeights);
        Assert.Equal(default, ConvolutionAlgorithms.Choose(s, ConvolutionMode.Direct));
        Assert.Equal(Small, ConvolutionAlgorithms.Choose(five, ConvolutionMode.Winograd).BackwardData);
        Assert.Equal(default, ConvolutionAlgorithms.Choose(five, ConvolutionMode.Strict));
        Assert.Equal(default, ConvolutionAlgorithms.Choose(s with { StrideWidth = 2 }, ConvolutionMode.Winograd));
        Assert.Equal(default, ConvolutionAlgorithms.Choose(new(28, 28, 1, 32, 3, 3), ConvolutionMode.Winograd));
        Assert.Equal(ConvolutionAlgorithms.Choose(s, ConvolutionMode.Winograd),
            ConvolutionAlgorithms.Choose(s with { InPitch = 90, OutPitch = 80 }, ConvolutionMode.Winograd));
    }

    private static void AddAll(
        TheoryData<ConvolutionShape, ConvolutionAlgorithm, int> data, ConvolutionShape s, int batch)
    {
        data.Add(s, Small, batch);
        if (s.KernelHeight == 3)
            data.Add(s, Large, batch);
    }

    /// <summary>
    /// Root of the mean square error over that of the values, 4 to 5 times a direct one where tiles are 6 x 6; and no
    /// outliers.
    /// </summary>
    private static void AssertClose(double[] expected, float[] actual, int tile)
    {
        Assert.Equal(expected.Length, actual.Length);
        double errors = 0, values = 0, largest = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            double error = Math.Abs(expected[i] - actual[i]);
            Assert.True(error >= 0, "not a number");
            errors += error * error;
            values += expected[i] * expected[i];
            largest = Math.Max(largest, error);
        }
        double bound = tile == 6 ? 6e-6 : 3e-6, scale = Math.Sqrt(values / expected.Length);
        Assert.InRange(Math.Sqrt(errors / expected.Length), 0, bound * scale);
        Assert.InRange(largest, 0, 20 * bound * scale);
    }

    private static float[] Forward(ConvolutionShape s, ConvolutionAlgorithm algorithm, int batch, float[] x, float[] w,
        float[] bias, bool relu, float[]? norm = null)
    {
        float[] packed = TestData.Dirty(WinogradForward.PackedLength(s, algorithm));
        float[] y = TestData.Dirty((batch * s.OutHeight * s.OutWidth - 1) * s.OutPitch + s.OutChannels);
        WinogradForward.Pack(s, algorithm, w, packed);
        WinogradForward.Run(s, algorithm, batch, x, packed.Length == 0 ? w : packed, bias, y, relu,
            TestData.Dirty(WinogradForward.ScratchLength(s, algorithm, batch)), norm);
        return y;
    }

    private static float[] BackwardData(ConvolutionShape s, ConvolutionAlgorithm algorithm, int batch, float[] dy,
        float[] w, float[]? before)
    {
        float[] packed = TestData.Dirty(WinogradBackwardData.PackedLength(s, algorithm));
        float[] dx = before?.ToArray()
            ?? TestData.Dirty((batch * s.InHeight * s.InWidth - 1) * s.InPitch + s.InChannels);
        WinogradBackwardData.Pack(s, algorithm, w, packed);
        WinogradBackwardData.Run(s, algorithm, batch, dy, packed.Length == 0 ? w : packed, dx,
            TestData.Dirty(WinogradBackwardData.ScratchLength(s, algorithm, batch)), before != null);
        return dx;
    }

    private static float[] BackwardWeights(ConvolutionShape s, ConvolutionAlgorithm algorithm, int batch, float[] x,
        float[] dy, float[]? norm = null)
    {
        float[] dw = TestData.Dirty(s.WeightLength);
        WinogradBackwardWeights.Run(s, algorithm, batch, x, dy, dw,
            TestData.Dirty(WinogradBackwardWeights.ScratchLength(s, algorithm, batch)), norm);
        return dw;
    }
}
