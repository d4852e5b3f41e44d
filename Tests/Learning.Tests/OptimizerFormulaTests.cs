using System.Text.Json;
using Distributed.Numerics;
using Xunit;

namespace Distributed.Learning.Tests;

/// <summary>
/// Optimizers, clipping and schedules against PyTorch's, whose results are recorded, or against a paper.
/// </summary>
public sealed class OptimizerFormulaTests
{
    private const int Steps = 7;

    private static readonly JsonElement Fixture = PyTorchFixture.Read("optimizers.json");

    /// <summary>One 6x6 weight and a bias: as many parameters as were recorded, in file order.</summary>
    private static readonly Model Small = new("small", 1, 1, 6, 1, new Sequential(
        new Flatten(), new Linear(6) { Bias = false }, new Linear(1) { Bias = false }));

    [Fact]
    public void EveryOptimizerFollowsPyTorch()
    {
        foreach (var recorded in Fixture.GetProperty("optimizers").EnumerateArray())
        {
            var optimizer = Optimizer.FromJson(recorded.GetProperty("settings"), "fixture");
            var clip = new GradientClip(
                recorded.GetProperty("clipNorm").GetDouble(), recorded.GetProperty("clipValue").GetDouble());
            var expected = PyTorchFixture.Doubles(recorded.GetProperty("result"));
            var actual = Run(optimizer, clip, recorded.GetProperty("rate").GetDouble(), expected.Length);
            for (var i = 0; i < expected.Length; i++)
                Assert.True(
                    Math.Abs(expected[i] - actual[i]) < 2e-6, $"{optimizer}: {actual[i]} at {i}, not {expected[i]}");
        }
    }

    [Fact]
    public void StepSchedulesFollowPyTorch()
    {
        Compare("step", new StepSchedule(3, [], 0.5));
        Compare("multiStep", new StepSchedule(0, [2, 3, 7], 0.1));

        static void Compare(string name, Schedule schedule)
        {
            var rates = PyTorchFixture.Doubles(Fixture.GetProperty(name));
            for (var epoch = 0; epoch < rates.Length; epoch++)
            {
                Assert.Equal(rates[epoch], schedule.Rate(new SchedulePoint(5 * epoch, 60, 5), 0.05), 1e-15);
                Assert.Equal(rates[epoch], schedule.Rate(new SchedulePoint(5 * epoch + 4, 60, 5), 0.05), 1e-15);
            }
        }
    }

    [Fact]
    public void TheWeightedLossIsPyTorchs()
    {
        foreach (var recorded in Fixture.GetProperty("weightedLoss").EnumerateArray())
        {
            float[] weights = [.. PyTorchFixture.Doubles(recorded.GetProperty("weights")).Select(w => (float)w)];
            int[] labels = [.. Enumerable.Range(0, 8).Select(n => (int)(PyTorchFixture.Bits(4, n) % 5))];
            float[] logits = [.. PyTorchFixture.Numbers(3, 40, 1).Select(value => 3 * value)], gradient = new float[40];
            var smoothing = recorded.GetProperty("smoothing").GetSingle();
            WeightedCrossEntropy.Run(logits, weights, labels, smoothing, gradient, out var loss, out _);

            // Torch's mean divides by the sum of the labels' weights.
            var sum = labels.Sum(label => (double)weights[label]);
            Assert.Equal(recorded.GetProperty("loss").GetDouble(), loss / sum, 1e-6);
            var expected = PyTorchFixture.Doubles(recorded.GetProperty("gradient"));
            for (var i = 0; i < expected.Length; i++)
                Assert.Equal(expected[i], gradient[i] / sum, 1e-6);
        }
    }

    /// <summary>You, Gitman and Ginsburg 2017, algorithm 1, written down again in double.</summary>
    [Fact]
    public void LarsFollowsItsPaper()
    {
        const double rate = 2, momentum = 0.9, decay = 0.01, trust = 0.02;
        var expected = new double[Length];
        var buffer = new double[Length];
        Start.CopyTo(expected, 0);
        for (var step = 0; step < Steps; step++)
        {
            var gradient = Gradient(step);
            foreach (var (from, to) in Tensors)
            {
                double weight = Norm(expected, from, to), length = Norm(gradient, from, to);
                var local = trust * weight / (length + decay * weight);
                for (var i = from; i < to; i++)
                {
                    buffer[i] = momentum * buffer[i] + rate * local * (gradient[i] + decay * expected[i]);
                    expected[i] -= buffer[i];
                }
            }
        }
        AssertNear(expected, RunTensors(new Lars(momentum, decay, trust), rate));
    }

    /// <summary>You et al. 2019, algorithm 2, written down again in double.</summary>
    [Fact]
    public void LambFollowsItsPaper()
    {
        const double rate = 0.05, beta1 = 0.9, beta2 = 0.99, epsilon = 1e-6, decay = 0.1;
        double[] expected = new double[Length], mean = new double[Length], square = new double[Length];
        Start.CopyTo(expected, 0);
        for (var step = 0; step < Steps; step++)
        {
            var gradient = Gradient(step);
            var direction = new double[Length];
            for (var i = 0; i < Length; i++)
            {
                mean[i] = beta1 * mean[i] + (1 - beta1) * gradient[i];
                square[i] = beta2 * square[i] + (1 - beta2) * gradient[i] * gradient[i];
                var corrected = square[i] / (1 - Math.Pow(beta2, step + 1));
                direction[i] = mean[i] / (1 - Math.Pow(beta1, step + 1)) / (Math.Sqrt(corrected) + epsilon)
                    + decay * expected[i];
            }
            foreach (var (from, to) in Tensors)
            {
                var ratio = Norm(expected, from, to) / Norm(direction, from, to);
                for (var i = from; i < to; i++)
                    expected[i] -= rate * ratio * direction[i];
            }
        }
        AssertNear(expected, RunTensors(new Lamb(beta1, beta2, epsilon, decay), rate));
    }

    [Theory]
    [InlineData("lars")]
    [InlineData("lamb")]
    public void ATensorOfZerosStillMoves(string name)
    {
        var layout = ParameterLayout.Of(Small);
        var parameters = new float[layout.Length];
        var gradient = new float[layout.Length];
        Array.Fill(gradient, 1);
        Step(Optimizer.Find(name), layout, parameters, gradient);
        Assert.All(parameters[..36], value => Assert.True(value < 0));
    }

    [Theory]
    [InlineData(DecayExclusion.None, true, true)]
    [InlineData(DecayExclusion.Bias, true, false)]
    [InlineData(DecayExclusion.Norm, true, true)]
    public void DecayLeavesOutWhatItIsTold(DecayExclusion excluded, bool weights, bool biases)
    {
        // Without a gradient only the decay moves anything.
        var layout = ParameterLayout.Of(ModelCatalogue.Find("lenet5"));
        foreach (var name in Optimizer.Names)
        {
            var optimizer = Optimizer.Find(name) with { WeightDecay = 0.1, DecayExclude = excluded };
            var parameters = new float[layout.Length];
            foreach (var entry in layout.Entries)
                parameters.AsSpan(entry.Offset, entry.Length).Fill(1);
            Step(optimizer, layout, parameters, new float[layout.Length]);
            foreach (var entry in layout.Entries)
            {
                var moves = parameters[entry.Offset] != 1;
                Assert.True(
                    moves == (entry.Name.EndsWith("bias", StringComparison.Ordinal) ? biases : weights),
                    $"{name}: {entry.Name} with {excluded}");
            }
        }
    }

    private static readonly int Length = 42;

    private static readonly (int From, int To)[] Tensors = [(0, 36), (36, 42)];

    private static double[] Start => [.. PyTorchFixture.Numbers(7, Length, 1).Select(value => (double)value)];

    private static double[] Gradient(int step) =>
        [.. PyTorchFixture.Numbers(20 + step, Length, 1).Select(value => (double)value)];

    private static double Norm(double[] values, int from, int to) =>
        Math.Sqrt(values[from..to].Sum(value => value * value));

    private static void AssertNear(double[] expected, float[] actual)
    {
        for (var i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], 2e-6);
    }

    /// <summary>The recorded steps on one vector of parameters.</summary>
    private static float[] Run(Optimizer optimizer, GradientClip clip, double rate, int length)
    {
        var model = new Model("vector", 1, 1, length, 1, new Sequential(new Flatten(), new Linear(1) { Bias = false }));
        var layout = ParameterLayout.Of(model);
        return Run(optimizer, clip, rate, layout, [(0, length)]);
    }

    private static float[] RunTensors(Optimizer optimizer, double rate) =>
        Run(optimizer, default, rate, ParameterLayout.Of(Small), Tensors);

    private static float[] Run(
        Optimizer optimizer, GradientClip clip, double rate, ParameterLayout layout, (int From, int To)[] tensors)
    {
        var length = tensors[^1].To;
        var parameters = Block(PyTorchFixture.Numbers(7, length, 1));
        var states = optimizer.StateNames.Select(_ => new NativeBuffer(layout.Length)).ToArray();
        var update = new ParameterUpdate(optimizer, layout, clip);
        for (var step = 0; step < Steps; step++)
        {
            // The sum over four samples.
            var sum = Block([.. PyTorchFixture.Numbers(20 + step, length, 1).Select(value => 4 * value)]);
            update.Step(step + 1, 0.25f, rate, parameters, sum, states);
        }
        return [.. layout.Entries.SelectMany(entry => parameters[entry.Offset..(entry.Offset + entry.Length)])];

        float[] Block(float[] values)
        {
            var block = new float[layout.Length];
            foreach (var (entry, (from, to)) in layout.Entries.Zip(tensors))
                values.AsSpan(from, to - from).CopyTo(block.AsSpan(entry.Offset, entry.Length));
            return block;
        }
    }

    private static void Step(Optimizer optimizer, ParameterLayout layout, float[] parameters, float[] gradient)
    {
        var states = optimizer.StateNames.Select(_ => new NativeBuffer(layout.Length)).ToArray();
        new ParameterUpdate(optimizer, layout).Step(1, 1, 0.1, parameters, gradient, states);
    }
}
