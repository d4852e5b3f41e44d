namespace Distributed.Numerics.Tests;

public class LinearTests
{
    /// <summary>
    /// Odd extents around panels, tiles, strips and blocks, with few samples (weights read in place) and with many.
    /// </summary>
    public static TheoryData<LinearShape, int> Shapes()
    {
        var data = new TheoryData<LinearShape, int>();
        foreach (int batch in new[] { 1, 3, 8, 16, 17, 32, 33, 50, 70 })
        {
            data.Add(new LinearShape(57, 10), batch);
            data.Add(new LinearShape(13, 77), batch);
            data.Add(new LinearShape(1, 1), batch);
        }
        data.Add(new LinearShape(129, 64), 31);
        data.Add(new LinearShape(300, 40), 7);
        data.Add(new LinearShape(1025, 33), 5);
        data.Add(new LinearShape(1025, 33), 34);
        data.Add(new LinearShape(2, 1000), 32);
        return data;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Every_sum_is_taken_in_the_documented_order(LinearShape s, int batch)
    {
        float[] x = TestData.Random(batch * s.Inputs), w = TestData.Random(s.WeightLength, 1);
        float[] bias = TestData.Random(s.Outputs, 2), dy = TestData.Random(batch * s.Outputs, 3);
        foreach (bool relu in new[] { false, true })
        {
            float[] y = Dirty(dy.Length);
            LinearForward.Run(s, batch, x, w, relu ? bias : [], y, relu, Dirty(LinearForward.ScratchLength(s, batch)));
            Assert.Equal(Table(batch, s.Outputs, (n, o) =>
            {
                float sum = relu ? bias[o] : 0;
                for (int i = 0; i < s.Inputs; i++)
                    sum = MathF.FusedMultiplyAdd(x[n * s.Inputs + i], w[i * s.Outputs + o], sum);
                return relu && sum <= 0 ? 0 : sum;
            }), y);
        }
        float[] dx = Dirty(x.Length);
        LinearBackwardData.Run(s, batch, dy, w, dx, Dirty(LinearBackwardData.ScratchLength(s, batch)));
        Assert.Equal(Table(batch, s.Inputs, (n, i) =>
        {
            float sum = 0;
            for (int o = 0; o < s.Outputs; o++)
                sum = MathF.FusedMultiplyAdd(dy[n * s.Outputs + o], w[i * s.Outputs + o], sum);
            return sum;
        }), dx);
        Assert.Equal(Table(s.Inputs, s.Outputs, (i, o) =>
        {
            float sum = 0;
            for (int n = 0; n < batch; n++)
                sum = MathF.FusedMultiplyAdd(x[n * s.Inputs + i], dy[n * s.Outputs + o], sum);
            return sum;
        }), BackwardWeights(s, batch, batch, x, dy));
    }

    /// <summary>One call for several leaves gives the bits of one call a leaf and additions along the tree.</summary>
    [Theory]
    [InlineData(40, 70)]
    [InlineData(15, 12)]
    [InlineData(3, 5)]
    public void Leaves_are_added_along_the_canonical_tree(int inputs, int outputs)
    {
        var s = new LinearShape(inputs, outputs);
        const int leaf = 6;
        for (int leaves = 1; leaves <= LeafTree.MaxLeaves; leaves++)
            foreach (int last in new[] { 1, 4, leaf })
            {
                int batch = (leaves - 1) * leaf + last;
                float[] x = TestData.Random(batch * inputs), dy = TestData.Random(batch * outputs, 1);
                Assert.Equal(Sum(0, leaves), BackwardWeights(s, batch, leaf, x, dy));

                float[] Sum(int start, int end)
                {
                    int samples = Math.Min(end * leaf, batch) - start * leaf;
                    if (end - start == 1)
                    {
                        return BackwardWeights(s, samples, leaf, x.AsSpan(start * leaf * inputs, samples * inputs),
                            dy.AsSpan(start * leaf * outputs, samples * outputs));
                    }
                    int middle = start + (1 << int.Log2(end - start - 1));
                    float[] left = Sum(start, middle);
                    Elementwise.Add(left, Sum(middle, end), left);
                    return left;
                }
            }
    }

    [Fact]
    public void Spans_of_the_wrong_length_and_too_many_leaves_are_refused()
    {
        var s = new LinearShape(6, 4);
        float[] x = new float[12], y = new float[8], w = new float[24], scratch = new float[5000];
        LinearForward.Run(s, 2, x, w, new float[4], y, false, scratch);
        foreach (int off in new[] { -1, 1 })
        {
            Refused(() => LinearForward.Run(s, 2, new float[12 + off], w, [], y, false, scratch));
            Refused(() => LinearForward.Run(s, 2, x, new float[24 + off], [], y, false, scratch));
            Refused(() => LinearForward.Run(s, 2, x, w, new float[4 + off], y, false, scratch));
            Refused(() => LinearForward.Run(s, 2, x, w, [], new float[8 + off], false, scratch));
            Refused(() => LinearBackwardData.Run(s, 2, new float[8 + off], w, x, scratch));
            Refused(() => LinearBackwardData.Run(s, 2, y, new float[24 + off], x, scratch));
            Refused(() => LinearBackwardData.Run(s, 2, y, w, new float[12 + off], scratch));
            Refused(() => LinearBackwardWeights.Run(s, 2, 2, new float[12 + off], y, w, scratch));
            Refused(() => LinearBackwardWeights.Run(s, 2, 2, x, new float[8 + off], w, scratch));
            Refused(() => LinearBackwardWeights.Run(s, 2, 2, x, y, new float[24 + off], scratch));
        }
        Refused(() => LinearForward.Run(s, 2, x, w, [], y, false, []));
        Refused(() => LinearBackwardData.Run(s, 2, y, w, x, []));
        Refused(() => LinearBackwardWeights.Run(s, 2, 2, x, y, w, []));
        Refused(() => LinearForward.Run(s, 0, [], w, [], [], false, scratch));
        Refused(() => LinearBackwardWeights.Run(s, 2, 0, x, y, w, scratch));
        Refused(() => LinearBackwardWeights.Run(s, 9, 1, new float[54], new float[36], w, scratch));
        Refused(() => LinearForward.Run(new LinearShape(0, 4), 2, [], [], [], y, false, scratch));
    }

    private static float[] BackwardWeights(LinearShape s, int batch, int leaf, ReadOnlySpan<float> x,
        ReadOnlySpan<float> dy)
    {
        float[] dw = Dirty(s.WeightLength);
        LinearBackwardWeights.Run(s, batch, leaf, x, dy, dw, Dirty(LinearBackwardWeights.ScratchLength(s, batch)));
        return dw;
    }

    private static float[] Table(int rows, int columns, Func<int, int, float> element) =>
        [.. Enumerable.Range(0, rows * columns).Select(i => element(i / columns, i % columns))];

    private static float[] Dirty(int length)
    {
        float[] values = new float[length];
        Array.Fill(values, float.NaN);
        return values;
    }

    private static void Refused(Action action) => Assert.ThrowsAny<ArgumentException>(action);
}
