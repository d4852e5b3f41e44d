using Distributed.Numerics;
using Xunit;

namespace Distributed.Learning.Tests;

public sealed class FrozenParametersTests
{
    private static readonly Model Branches = new("branches", 3, 9, 7, 4, new Sequential(
        new Conv2d(8, 3) { Padding = 1, Bias = false }, new BatchNorm2d(), new Relu(),
        new Residual(
            new Sequential(
                new Conv2d(12, 3) { Stride = 2, Padding = 1, Bias = false }, new BatchNorm2d(), new Relu(),
                new Conv2d(12, 3) { Padding = 1, Bias = false }, new BatchNorm2d()),
            new Sequential(new Conv2d(12, 1) { Stride = 2, Bias = false }, new BatchNorm2d())),
        new Relu(),
        new Concat(
            new Sequential(new Conv2d(8, 1), new Relu(), new Conv2d(4, 3) { Padding = 1 }, new Relu()),
            new Sequential(new Conv2d(8, 3) { Padding = 1 }, new Relu())),
        new MaxPool2d(2), new Flatten(), new Linear(4)));

    private static Model Find(string name) => name == "branches" ? Branches : ModelCatalogue.Find(name);

    [Theory]
    [InlineData("0.*", "0.weight", true)]
    [InlineData("0.*", "10.weight", false)]
    [InlineData("*", "anything.at.all", true)]
    [InlineData("*.bias", "3.body.0.bias", true)]
    [InlineData("*.bias", "3.body.0.weight", false)]
    [InlineData("?.weight,5.bias", "5.bias", true)]
    [InlineData("?.weight,5.bias", "12.weight", false)]
    [InlineData("", "0.weight", false)]
    public void PatternsMatchWholeNames(string patterns, string name, bool matches) =>
        Assert.Equal(matches, new FrozenParameters(patterns).Contains(name));

    [Fact]
    public void APatternForNothingAndNothingToTrainAreMistakes()
    {
        Assert.StartsWith(
            "model \"branches\" has no parameter called \"features.*\" to freeze; it has 0.weight, 1.weight, 1.bias,",
            Assert.Throws<ModelException>(() => new FrozenParameters("0.*,features.*").Check(Branches)).Message);
        Assert.Equal(
            "every parameter of model \"branches\" is frozen; leave one to train.",
            Assert.Throws<ModelException>(() => new FrozenParameters("*").Check(Branches)).Message);
        new FrozenParameters("0.*").Check(Branches);
    }

    /// <summary>What is trained has the gradient that it would have anyway, and the rest has none.</summary>
    [Theory]
    [InlineData("convnet", "0.*")]
    [InlineData("convnet", "0.*,3.*,6.*")]
    [InlineData("convnet", "*.bias")]
    [InlineData("convnet", "*.weight")]
    [InlineData("convnet", "9.*,11.*")]
    [InlineData("mlp", "1.*")]
    [InlineData("branches", "0.*,1.*")]
    [InlineData("branches", "0.*,1.*,3.shortcut.*")]
    [InlineData("branches", "0.*,1.*,3.body.*")]
    [InlineData("branches", "0.*,1.*,3.*")]
    [InlineData("branches", "3.*,8.*")]
    [InlineData("branches", "0.*,1.*,3.*,5.0.*")]
    [InlineData("branches", "0.*,1.*,3.*,5.1.*")]
    [InlineData("branches", "0.*,1.*,3.*,5.*")]
    public void TheOthersKeepTheirGradient(string name, string patterns)
    {
        var frozen = new FrozenParameters(patterns);
        using var whole = new PlanRun(Find(name), 6);
        using var part = new PlanRun(Find(name), 6, frozen);
        foreach (var run in new[] { whole, part })
        {
            run.Gradient.Span.Fill(float.NaN);
            run.Load(first: 3, samples: 6);
            run.Train(6, 0.1f);
        }
        Assert.Equal(whole.LogitBits(), part.LogitBits());
        foreach (var entry in whole.Plan.Parameters.Trainable)
        {
            var gradient = part.Gradient.Span.Slice(entry.Offset, entry.Length);
            if (frozen.Contains(entry.Name))
                Assert.Equal(-1, gradient.IndexOfAnyExcept(0f));
            else
                Assert.True(
                    gradient.SequenceEqual(whole.Gradient.Span.Slice(entry.Offset, entry.Length)), entry.Name);
        }
    }

    [Fact]
    public void BelowFrozenLayersNothingIsComputed()
    {
        var whole = ExecutionPlan.Compile(Find("convnet"), 8);
        var head = ExecutionPlan.Compile(
            Find("convnet"), 8, frozen: new FrozenParameters("0.*,3.*,6.*,9.*"));

        // No weight is packed for the way back, and no gradient of an activation is kept.
        Assert.True(head.PreparedLength < 0.7 * whole.PreparedLength);
        Assert.True(head.ArenaBytes < whole.ArenaBytes);
    }

    [Fact]
    public void AFrozenParameterStays()
    {
        var frozen = new FrozenParameters("0.*,*.bias");
        var layout = ParameterLayout.Of(Find("lenet5"));
        foreach (var optimizer in Optimizer.Names.Select(Optimizer.Find))
        {
            var (before, after, gradient) = (
                new float[layout.Length], new float[layout.Length], new float[layout.GradientLength]);
            layout.Initialize(1, before);
            layout.Initialize(1, after);
            gradient.AsSpan().Fill(0.5f);
            NativeBuffer[] states = [.. optimizer.StateNames.Select(_ => new NativeBuffer(layout.Length))];
            var update = new ParameterUpdate(optimizer, layout, frozen: frozen);
            update.Step(1, 1, 0.1, after, gradient, states);
            foreach (var entry in layout.Trainable)
            {
                var stays = before.AsSpan(entry.Offset, entry.Length)
                    .SequenceEqual(after.AsSpan(entry.Offset, entry.Length));
                Assert.True(stays == frozen.Contains(entry.Name), $"{optimizer.Name}: {entry.Name}");
            }
        }
    }
}
