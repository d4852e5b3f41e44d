using Distributed.Numerics.Reference;

namespace Distributed.Numerics.Tests;

public class OperationTests
{
    private const float NaN = float.NaN, Infinity = float.PositiveInfinity;

    public static TheoryData<PoolShape, int> Pools()
    {
        var data = new TheoryData<PoolShape, int>();
        foreach (int channels in new[] { 1, 3, 6, 8, 16, 17, 32, 70 })
        {
            data.Add(new PoolShape(7, 9, channels, 2, 2, 2, 2), 3);
            data.Add(new PoolShape(7, 6, channels, 3, 3, 2, 2, 1, 1), 2);
            data.Add(new PoolShape(5, 6, channels, 3, 2, 1, 1), 1);
        }
        data.Add(new PoolShape(20, 20, 2, 16, 16, 1, 1), 1);
        return data;
    }

    [Theory]
    [MemberData(nameof(Pools))]
    public void Max_pool_agrees_with_the_definition(PoolShape s, int batch)
    {
        float[] x = TestData.Random(batch * s.InputLength);
        for (int i = 0; i < x.Length; i++)
            x[i] = i % 11 == 3 ? NaN : i % 13 == 4 ? -Infinity : MathF.Round(x[i] * 2);   // many ties, -0 among them
        float[] y = new float[batch * s.OutputLength], dx = new float[x.Length], dy = TestData.Random(y.Length, 1);
        byte[] indices = new byte[y.Length];
        MaxPool.Forward(s, batch, x, y, indices);
        var (expected, where) = ReferenceOperations.MaxPool(s, batch, x);
        Assert.Equal(Bits(expected), Bits(y));
        Assert.Equal(where, indices);
        Array.Fill(dx, NaN);
        MaxPool.Backward(s, batch, dy, indices, dx);
        TestData.AssertClose(ReferenceOperations.MaxPoolBackward(s, batch, dy, indices), dx, 16, $"{s}");
    }

    [Theory]
    [MemberData(nameof(Pools))]
    public void Average_pool_agrees_with_the_definition(PoolShape s, int batch)
    {
        float[] x = TestData.Random(batch * s.InputLength), y = new float[batch * s.OutputLength];
        AveragePool.Forward(s, batch, x, y);
        TestData.AssertClose(ReferenceOperations.AveragePool(s, batch, x), y, 1, $"{s}");
        float[] dy = TestData.Random(y.Length, 1), dx = new float[x.Length];
        Array.Fill(dx, NaN);
        AveragePool.Backward(s, batch, dy, dx);
        TestData.AssertClose(ReferenceOperations.AveragePoolBackward(s, batch, dy), dx, 1, $"{s}");
        Assert.ThrowsAny<ArgumentException>(() => AveragePool.Forward(s, batch + 1, x, y));
        Assert.ThrowsAny<ArgumentException>(() => AveragePool.Backward(s, batch, dy, new float[x.Length - 1]));
    }

    [Theory]
    [MemberData(nameof(Pools))]
    public void Global_average_pool_is_the_average_pool_of_the_whole_image(PoolShape s, int batch)
    {
        int pixels = s.InHeight * s.InWidth;
        if (pixels > 256)
            return;
        var whole = new PoolShape(s.InHeight, s.InWidth, s.Channels, s.InHeight, s.InWidth, 1, 1);
        float[] x = TestData.Random(batch * s.InputLength), y = new float[batch * s.Channels], mean = [.. y];
        AveragePool.Forward(whole, batch, x, y);
        GlobalAveragePool.Forward(pixels, s.Channels, batch, x, mean);
        Assert.Equal(y, mean);
        float[] dx = new float[x.Length], spread = new float[x.Length];
        AveragePool.Backward(whole, batch, y, dx);
        GlobalAveragePool.Backward(pixels, s.Channels, batch, y, spread);
        Assert.Equal(dx, spread);
        Assert.ThrowsAny<ArgumentException>(() => GlobalAveragePool.Forward(pixels, s.Channels, batch, x, x));
    }

    [Fact]
    public void A_pool_that_has_no_window_or_too_large_a_window_is_refused()
    {
        Assert.ThrowsAny<ArgumentException>(() => MaxPool.Forward(new PoolShape(2, 2, 1, 3, 3, 1, 1), 1, new float[4],
            [], []));
        Assert.ThrowsAny<ArgumentException>(
            () => MaxPool.Forward(new PoolShape(17, 17, 1, 17, 17, 1, 1), 1, new float[289], new float[1],
                new byte[1]));
        Assert.ThrowsAny<ArgumentException>(
            () => MaxPool.Forward(new PoolShape(2, 2, 1, 2, 2, 2, 2), 1, new float[4], new float[1], new byte[2]));
        Assert.ThrowsAny<ArgumentException>(
            () => MaxPool.Backward(new PoolShape(2, 2, 1, 2, 2, 2, 2), 1, new float[1], new byte[1], new float[5]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(21)]
    public void Relu_clears_minus_zero_and_passes_NaN_on(int length)
    {
        float[] special = [-0f, 0f, NaN, -1f, 1f, -Infinity, Infinity, float.Epsilon, -float.Epsilon];
        float[] clipped = [0f, 0f, NaN, 0f, 1f, 0f, Infinity, float.Epsilon, 0f];
        float[] x = Cycle(special, length), y = new float[length], dy = TestData.Random(length), dx = new float[length];
        Relu.Forward(x, y);
        Assert.Equal(Bits(Cycle(clipped, length)), Bits(y));
        Relu.Backward(x, dy, dx);
        for (int i = 0; i < length; i++)
            Assert.Equal(x[i] <= 0 ? 0f : dy[i], dx[i]);
        Relu.Forward(x, x);
        Assert.Equal(Bits(y), Bits(x));
        Assert.ThrowsAny<ArgumentException>(() => Relu.Forward(x, new float[length + 1]));
        Assert.ThrowsAny<ArgumentException>(() => Relu.Backward(x, new float[length + 1], dx));
    }

    [Theory]
    [InlineData(1, 100)]
    [InlineData(3, 17)]
    [InlineData(6, 200)]
    [InlineData(15, 33)]
    [InlineData(16, 9)]
    [InlineData(33, 10)]
    [InlineData(70, 5)]
    public void Bias_gradient_sums_every_channel(int channels, int pixels)
    {
        float[] y = TestData.Random(channels * pixels), dy = TestData.Random(y.Length, 1), bias = new float[channels];
        double[] expected = new double[channels], masked = new double[channels];
        for (int i = 0; i < dy.Length; i++)
        {
            expected[i % channels] += dy[i];
            masked[i % channels] += y[i] > 0 ? dy[i] : 0;
        }
        BiasGradient.Run(dy, channels, bias);
        TestData.AssertClose(expected, bias, pixels, "bias gradient");
        float[] dx = new float[dy.Length];
        Relu.Backward(y, dy, dx);
        BiasGradient.RunWithReluMask(y, dy, channels, bias);
        TestData.AssertClose(masked, bias, pixels, "masked bias gradient");
        Assert.Equal(dx, dy);
        Assert.ThrowsAny<ArgumentException>(() => BiasGradient.Run(dy, channels, new float[channels + 1]));
        Assert.ThrowsAny<ArgumentException>(() => BiasGradient.Run(dy, channels + dy.Length,
            new float[channels + dy.Length]));
    }

    [Theory]
    [InlineData(1, 0f)]
    [InlineData(10, 0f)]
    [InlineData(10, 0.1f)]
    [InlineData(1000, 0.1f)]
    public void Cross_entropy_agrees_with_the_definition(int classes, float smoothing)
    {
        const int samples = 7;
        float[] logits = TestData.Random(samples * classes), gradient = new float[logits.Length];
        int[] labels = [.. Enumerable.Range(0, samples).Select(n => n * 31 % classes)], predictions = new int[samples];
        SoftmaxCrossEntropy.Run(logits, classes, labels, smoothing, gradient, predictions, out double loss,
            out int correct);
        var (expectedLoss, expected) = ReferenceOperations.CrossEntropy(logits, classes, labels, smoothing);
        Assert.Equal(expectedLoss, loss, 1e-5 * samples);
        TestData.AssertClose(expected, gradient, 1, "gradient");
        Assert.Equal(predictions.Zip(labels).Count(p => p.First == p.Second), correct);
        for (int n = 0; n < samples; n++)
            Assert.Equal(logits.Skip(n * classes).Take(classes).Max(), logits[n * classes + predictions[n]]);
        SoftmaxCrossEntropy.Run(logits, classes, labels, smoothing, [], [], out double lossAlone, out _);
        Assert.Equal(loss, lossAlone);
        float[] probabilities = new float[logits.Length];
        SoftmaxCrossEntropy.Probabilities(logits, classes, probabilities);
        Assert.Equal(samples, probabilities.Sum(p => (double)p), 1e-5);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(7)]
    public void A_label_is_among_the_largest_where_a_stable_sort_puts_it(int count)
    {
        const int samples = 200, classes = 7;
        float[] logits = TestData.Random(samples * classes);
        for (int i = 0; i < logits.Length; i++)
            logits[i] = i % 17 == 5 ? NaN : MathF.Round(logits[i] * 3);
        int[] labels = [.. Enumerable.Range(0, samples).Select(n => n * 31 % classes)];
        int expected = Enumerable.Range(0, samples).Count(n => Enumerable.Range(0, classes)
            .OrderByDescending(c => float.IsNaN(logits[n * classes + c]) ? Infinity : logits[n * classes + c])
            .Take(count).Contains(labels[n]));
        Assert.Equal(expected, TopClasses.Count(logits, classes, labels, count));
        if (count != 1)
            return;
        SoftmaxCrossEntropy.Run(logits, classes, labels, 0, [], [], out _, out int correct);
        Assert.Equal(correct, expected);
    }

    [Fact]
    public void Weights_of_one_change_no_loss_and_a_weight_multiplies_its_samples()
    {
        const int samples = 7, classes = 6;
        float[] logits = TestData.Random(samples * classes), gradient = new float[logits.Length], ones = new float[6],
            plain = new float[logits.Length];
        Array.Fill(ones, 1);
        int[] labels = [.. Enumerable.Range(0, samples).Select(n => n % classes)];
        SoftmaxCrossEntropy.Run(logits, classes, labels, 0.1f, plain, [], out double expected, out int right);
        WeightedCrossEntropy.Run(logits, ones, labels, 0.1f, gradient, out double loss, out int correct);
        Assert.Equal((expected, right), (loss, correct));
        TestData.AssertClose([.. plain.Select(x => (double)x)], gradient, 1, "gradient");
        float[] half = [0.5f, 0, 0, 0, 0, 0];
        WeightedCrossEntropy.Run(logits, half, labels, 0, gradient, out loss, out _);
        SoftmaxCrossEntropy.Run(logits, classes, labels, 0, plain, [], out _, out _);
        for (int i = 0; i < gradient.Length; i++)
            Assert.Equal(labels[i / classes] == 0 ? plain[i] / 2 : 0, gradient[i], 1e-6f);
        Assert.ThrowsAny<ArgumentException>(
            () => WeightedCrossEntropy.Run(logits, half, labels, 0, new float[1], out _, out _));
    }

    [Fact]
    public void Cross_entropy_survives_extreme_logits_and_refuses_labels_out_of_range()
    {
        float[] gradient = new float[3];
        SoftmaxCrossEntropy.Run([1e30f, -1e30f, 0], 3, [0], 0, gradient, [], out double loss, out int correct);
        Assert.Equal((0.0, 1), (loss, correct));
        Assert.Equal([0f, 0f, 0f], gradient);
        SoftmaxCrossEntropy.Run([1, NaN, 0], 3, [0], 0, gradient, [], out loss, out _);
        Assert.True(double.IsNaN(loss));
        foreach (int label in new[] { -1, 3 })
        {
            var error = Assert.Throws<ArgumentException>(
                () => SoftmaxCrossEntropy.Run([1, 2, 3], 3, [label], 0, [], [], out _, out _));
            Assert.Contains($"label {label}", error.Message);
        }
        int[] predictions = new int[1];
        SoftmaxCrossEntropy.Run([2, 5, 5], 3, [2], 0, [], predictions, out _, out _);
        Assert.Equal(1, predictions[0]);
    }

    [Theory]
    [InlineData(0f, false)]
    [InlineData(0.9f, false)]
    [InlineData(0.9f, true)]
    public void Sgd_follows_the_formula(float momentum, bool nesterov)
    {
        const int length = 21;
        float[] p = TestData.Random(length), buffer = momentum == 0 ? [] : new float[length];
        double[] expected = [.. p.Select(x => (double)x)], buffers = new double[length];
        for (int step = 0; step < 4; step++)
        {
            float[] g = TestData.Random(length, step + 1);
            SgdUpdate.Run(p, g, buffer, 0.25f, 0.1f, momentum, 0.01f, nesterov);
            for (int i = 0; i < length; i++)
                (expected[i], buffers[i]) = ReferenceOperations.Sgd(expected[i], g[i], buffers[i], 0.25f, 0.1f,
                    momentum, 0.01f, nesterov);
        }
        TestData.AssertClose(expected, p, 4, "parameters");
        Assert.ThrowsAny<ArgumentException>(() => SgdUpdate.Run(p, p, new float[length - 1], 1, 1, 0.5f, 0, false));
        Assert.ThrowsAny<ArgumentException>(() => SgdUpdate.Run(p, p, p, 1, 1, 0, 0, false));
    }

    [Fact]
    public void Add_works_in_place_and_all_finite_finds_what_is_not()
    {
        float[] a = TestData.Random(37), b = TestData.Random(37, 1), sum = new float[37];
        Elementwise.Add(a, b, sum);
        Assert.Equal(a.Zip(b, (x, y) => x + y), sum);
        Elementwise.Add(a, b, b);
        Assert.Equal(sum, b);
        Assert.ThrowsAny<ArgumentException>(() => Elementwise.Add(a, b, new float[36]));
        Assert.True(Elementwise.AllFinite(a));
        for (int i = 0; i < a.Length; i++)
            foreach (float bad in new[] { NaN, Infinity, -Infinity })
            {
                float[] spoiled = [.. a];
                spoiled[i] = bad;
                Assert.False(Elementwise.AllFinite(spoiled));
            }
        float[] huge = new float[64];
        Array.Fill(huge, float.MaxValue);
        Assert.True(Elementwise.AllFinite(huge));
    }

    [Theory]
    [InlineData(1, 50)]
    [InlineData(3, 17)]
    [InlineData(3, 32)]
    [InlineData(4, 9)]
    public void Pixels_are_scaled_and_shifted_by_channel(int channels, int pixels)
    {
        byte[] bytes = [.. Enumerable.Range(0, channels * pixels).Select(i => (byte)(i * 37))];
        float[] scale = [0.01f, 0.02f, 0.03f, 0.04f], shift = [-1, -2, -3, -4], result = new float[bytes.Length];
        PixelNormalizer normalizer = new(scale.AsSpan(0, channels), shift.AsSpan(0, channels));
        normalizer.Run(bytes, result);
        for (int i = 0; i < bytes.Length; i++)
            Assert.Equal(MathF.FusedMultiplyAdd(bytes[i], scale[i % channels], shift[i % channels]), result[i]);
        normalizer.Run(bytes, 2, -100, result);
        for (int i = 0; i < bytes.Length; i++)
        {
            float pixel = Math.Clamp(2f * bytes[i] - 100, 0, 255);
            Assert.Equal(MathF.FusedMultiplyAdd(pixel, scale[i % channels], shift[i % channels]), result[i]);
            Assert.Equal(result[i], normalizer.Point(bytes[i], i % channels, 2, -100));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(37)]
    public void Mixing_takes_both_as_they_were(int length)
    {
        float[] a = TestData.Random(length), b = TestData.Random(length, 1), left = [.. a], right = [.. b];
        Elementwise.Mix(left, 0.75f, right, 0.25f);
        for (int i = 0; i < length; i++)
        {
            Assert.Equal(MathF.FusedMultiplyAdd(0.75f, a[i] - b[i], b[i]), left[i]);
            Assert.Equal(MathF.FusedMultiplyAdd(0.25f, b[i] - a[i], a[i]), right[i]);
        }
    }

    [Fact]
    public void A_mixed_label_is_the_weighted_sum_of_two_losses()
    {
        float[] logits = TestData.Random(3 * 5), gradient = new float[15];
        float[] first = new float[15], second = new float[15];
        int[] labels = [0, 1, 2], others = [4, 1, 3];
        float[] weights = [0.25f, 0.5f, 1];
        SoftmaxCrossEntropy.Run(logits, 5, labels, others, weights, 0.1f, gradient, [], out double mixed, out _);
        double expected = 0;
        for (int n = 0; n < 3; n++)
        {
            ReadOnlySpan<float> row = logits.AsSpan(n * 5, 5);
            Span<float> left = first.AsSpan(n * 5, 5), right = second.AsSpan(n * 5, 5);
            SoftmaxCrossEntropy.Run(row, 5, labels.AsSpan(n, 1), 0.1f, left, [], out double a, out _);
            SoftmaxCrossEntropy.Run(row, 5, others.AsSpan(n, 1), 0.1f, right, [], out double b, out _);
            expected += weights[n] * a + (1 - weights[n]) * b;
            for (int i = n * 5; i < n * 5 + 5; i++)
                Assert.Equal(weights[n] * first[i] + (1 - weights[n]) * second[i], gradient[i], 1e-6);
        }

        Assert.Equal(expected, mixed, 1e-6);
        Assert.Equal(first[10..], gradient[10..]);
    }

    /// <summary>The second is large enough for pages of 2 MiB, at which it must start.</summary>
    [Theory]
    [InlineData(1000, 64)]
    [InlineData(2_500_000, 2 * 1024 * 1024)]
    public void A_native_buffer_is_zero_aligned_and_gone_after_dispose(int length, int alignment)
    {
        var buffer = new NativeBuffer(length);
        Assert.Equal(length, buffer.Length);
        Assert.Equal(-1, buffer.Span.IndexOfAnyExcept(0f));
        unsafe
        {
            fixed (float* p = buffer.Span)
                Assert.Equal(0, (nint)p % alignment);
        }
        buffer.Dispose();
        buffer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => buffer.Span.Length);
    }

    private static int[] Bits(float[] values) =>
        [.. values.Select(x => float.IsNaN(x) ? -1 : BitConverter.SingleToInt32Bits(x))];

    private static float[] Cycle(float[] values, int length) =>
        [.. Enumerable.Range(0, length).Select(i => values[i % values.Length])];
}
