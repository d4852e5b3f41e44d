using System.Text.Json;
using Distributed.Numerics;
using Xunit;

namespace Distributed.Learning.Tests;

/// <summary>
/// The same networks, weights and inputs as PyTorch's, whose double-precision results are recorded. Everything crosses
/// the parameter layout's export and import, so a wrong permutation shows here too.
/// </summary>
public sealed class PyTorchTests
{
    private static readonly Model Oddities = new("oddities", 3, 11, 9, 10, new Sequential(
        new Conv2d(5, new Size2d(3, 2)) { Stride = new Size2d(2, 1), Padding = new Size2d(1, 0), Bias = false },
        new Relu(), new MaxPool2d(3) { Stride = 2, Padding = 1 }, new Relu(),
        new Conv2d(7, 2), new MaxPool2d(new Size2d(1, 2)), new Flatten(), new Relu(),
        new Linear(6) { Bias = false }, new Relu(), new Linear(10)));

    private static readonly Model Norms = new("norms", 3, 10, 10, 10, new Sequential(
        new BatchNorm2d(), new Conv2d(12, 3) { Padding = 1, Bias = false }, new BatchNorm2d(), new Relu(),
        new Residual(new Sequential(
            new Conv2d(12, 3) { Padding = 1, Bias = false }, new BatchNorm2d(), new Relu(),
            new Conv2d(12, 3) { Padding = 1, Bias = false }, new BatchNorm2d())),
        new Relu(), new AvgPool2d(3) { Stride = 2, Padding = 1 },
        new Residual(
            new Sequential(
                new Conv2d(20, 3) { Stride = 2, Padding = 1, Bias = false },
                new BatchNorm2d { Epsilon = 0.01, Momentum = 0.3 }),
            new Sequential(new Conv2d(20, 1) { Stride = 2, Bias = false }, new BatchNorm2d())),
        new Relu(), new GlobalAvgPool(), new Flatten(), new Linear(10)));

    private static readonly Model Groups = new("groups", 4, 9, 9, 10, new Sequential(
        new Conv2d(6, 3) { Groups = 2, Padding = 1 }, new Relu(),
        new Conv2d(24, 3) { Groups = 3, Padding = 1, Bias = false }, new BatchNorm2d(), new Relu(),
        new DepthwiseConv2d(3) { Padding = 1 }, new Relu(), new DepthwiseConv2d(3) { Stride = 2, Bias = false },
        new Conv2d(32, 3) { Groups = 2, Stride = 2, Padding = 1 }, new Relu(),
        new GlobalAvgPool(), new Flatten(), new Linear(10)));

    [Theory]
    [InlineData("convnet", 93322)]
    [InlineData("lenet5", 61706)]
    [InlineData("mlp", 669706)]
    [InlineData("oddities", 391)]
    [InlineData("norms", 5684)]
    [InlineData("groups", 4868)]
    public void ParameterCounts(string name, int count)
    {
        Assert.Equal(count, ParameterLayout.Of(Find(name)).Count);
        Assert.Equal(count, Network(name).GetProperty("parameters").GetInt32());
    }

    /// <summary>
    /// Counted by PyTorch: those for CIFAR as built in the papers with projections, the others torchvision's.
    /// </summary>
    [Theory]
    [InlineData("resnet20", 272474)]
    [InlineData("resnet32", 466906)]
    [InlineData("resnet44", 661338)]
    [InlineData("resnet56", 855770)]
    [InlineData("resnet110", 1730714)]
    [InlineData("resnet18", 11689512)]
    [InlineData("resnet34", 21797672)]
    [InlineData("resnet50", 25557032)]
    public void ParameterCountsOfCataloguedModels(string name, int count) =>
        Assert.Equal(count, ParameterLayout.Of(ModelCatalogue.Find(name)).Count);

    [Theory]
    [InlineData("convnet")]
    [InlineData("lenet5")]
    [InlineData("mlp")]
    [InlineData("oddities")]
    [InlineData("norms")]
    [InlineData("groups")]
    public void ForwardAndGradients(string name)
    {
        using var run = Run(name);
        var result = run.Train(run.Plan.MicroBatch, Setting("labelSmoothing"));
        var expected = Network(name);
        Near(PyTorchFixture.Probe(expected.GetProperty("logits")), run.Workspace.Logits, 1e-5, $"{name} logits");
        var loss = expected.GetProperty("losses")[0].GetDouble();
        Assert.Equal(loss, result.LossSum / result.Samples, 1e-6 * loss);
        foreach (var entry in run.Plan.Parameters.Trainable)
        {
            var gradient = Export(run, entry, run.Gradient);
            for (var i = 0; i < gradient.Length; i++)
                gradient[i] /= result.Samples;
            var probe = PyTorchFixture.Probe(expected.GetProperty("gradients").GetProperty(entry.Name));
            Near(probe, gradient, 5e-5, $"{name} gradient of {entry.Name}");
        }
    }

    [Theory]
    [InlineData("convnet")]
    [InlineData("lenet5")]
    [InlineData("mlp")]
    [InlineData("oddities")]
    [InlineData("norms")]
    [InlineData("groups")]
    public void SixStepsOfMomentum(string name)
    {
        using var run = Run(name);
        var optimizer = new Sgd(Setting("momentum"), Nesterov: true, WeightDecay: Fixture("weightDecay").GetDouble());
        using var momentum = new NativeBuffer(run.Plan.Parameters.Length);
        var update = new ParameterUpdate(optimizer, run.Plan.Parameters);
        var samples = run.Plan.MicroBatch;
        var step = 0;
        foreach (var loss in PyTorchFixture.Doubles(Network(name).GetProperty("losses")))
        {
            run.Prepare();
            var result = run.Train(samples, Setting("labelSmoothing"));
            Assert.Equal(loss, result.LossSum / samples, 1e-4 * loss);
            update.Step(
                ++step, 1f / samples, Fixture("learningRate").GetDouble(), run.Parameters.Span, run.Gradient.Span,
                new[] { momentum });
            run.Plan.Parameters.MoveRunningStatistics(run.Parameters.Span, run.Gradient.Span);
        }
        foreach (var entry in run.Plan.Parameters.Entries)
        {
            var probe = PyTorchFixture.Probe(Network(name).GetProperty("trained").GetProperty(entry.Name));
            Near(probe, Export(run, entry, run.Parameters), 1e-3, $"{name} trained {entry.Name}");
        }
        run.Prepare();
        run.Evaluate(samples);
        var evaluated = PyTorchFixture.Probe(Network(name).GetProperty("evaluated"));
        Near(evaluated, run.Workspace.Logits, 1e-3, $"{name} evaluated");
    }

    [Fact]
    public void SgdWithEverySetting()
    {
        foreach (var recorded in Fixture("sgd").EnumerateArray())
        {
            var sgd = new Sgd(
                recorded.GetProperty("momentum").GetDouble(), recorded.GetProperty("nesterov").GetBoolean(),
                recorded.GetProperty("weightDecay").GetDouble());
            var parameters = PyTorchFixture.Numbers(7, 5, 1);
            var states = sgd.StateNames.Select(_ => new NativeBuffer(5)).ToArray();
            for (var step = 0; step < 4; step++)
                sgd.Step(
                    new OptimizerStep(0, 5, true, step + 1, 1, 0.1), parameters,
                    PyTorchFixture.Numbers(20 + step, 5, 1), states);
            var expected = PyTorchFixture.Doubles(recorded.GetProperty("result"));
            for (var i = 0; i < parameters.Length; i++)
                Assert.Equal(expected[i], parameters[i], 1e-6);
        }
    }

    [Fact]
    public void SchedulesFollowTheRecordedRates()
    {
        Compare("oneCycle", new OneCycleSchedule());
        Compare("cosine", new CosineSchedule(WarmUp: 0));

        static void Compare(string name, Schedule schedule)
        {
            foreach (var recorded in Fixture(name).EnumerateObject())
            {
                var rates = PyTorchFixture.Doubles(recorded.Value);
                for (var step = 0; step < rates.Length; step++)
                    Assert.Equal(rates[step], schedule.Rate(new SchedulePoint(step, rates.Length, 1), 0.05), 1e-12);
            }
        }
    }

    private static Model Find(string name) => name switch
    {
        "oddities" => Oddities,
        "norms" => Norms,
        "groups" => Groups,
        _ => ModelCatalogue.Find(name),
    };

    private static JsonElement Fixture(string name) => PyTorchFixture.Root.GetProperty(name);

    private static float Setting(string name) => Fixture(name).GetSingle();

    private static JsonElement Network(string name) => Fixture("networks").GetProperty(name);

    /// <summary>The recorded network's weights and input, brought from PyTorch's order to ours.</summary>
    private static PlanRun Run(string name)
    {
        var model = Find(name);
        var batch = Fixture("batch").GetInt32();
        var run = new PlanRun(model, batch);
        foreach (var entry in run.Plan.Parameters.Trainable)
        {
            var fanIn = entry.Shape.Skip(1).Aggregate(1, (product, size) => product * size);
            var scale = entry.Shape.Count > 1 ? Math.Sqrt(4.0 / fanIn) : 0.1;
            var file = PyTorchFixture.Numbers(100 + entry.Index, entry.Length, scale);
            if (entry.Shape.Count == 1 && entry.Name.EndsWith("weight"))
                file = Array.ConvertAll(file, value => value + 1);
            run.Plan.Parameters.Import(entry, file, run.Parameters.Span);
        }
        run.Prepare();
        var pixels = model.Height * model.Width;
        var images = PyTorchFixture.Numbers(1, run.Workspace.Input.Length, 1.5);
        for (var i = 0; i < images.Length; i++)
        {
            var (plane, pixel) = Math.DivRem(i, pixels);
            var (sample, channel) = Math.DivRem(plane, model.Channels);
            run.Workspace.Input[(sample * pixels + pixel) * model.Channels + channel] = images[i];
        }
        for (var i = 0; i < batch; i++)
            run.Workspace.Labels[i] = (int)(PyTorchFixture.Bits(2, i) % 10);
        return run;
    }

    private static float[] Export(PlanRun run, ParameterEntry entry, NativeBuffer block)
    {
        var file = new float[entry.Length];
        run.Plan.Parameters.Export(entry, block.Span, file);
        return file;
    }

    private static void Near(Probe expected, ReadOnlySpan<float> actual, double tolerance, string what)
    {
        var distance = PyTorchFixture.Distance(expected, actual);
        Assert.True(
            distance <= tolerance, $"{what}: off by {distance:g3} of its root mean square, allowed {tolerance:g3}");
    }
}
