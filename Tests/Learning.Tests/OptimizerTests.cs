using System.Text.Json;
using Distributed.Numerics;
using Xunit;

namespace Distributed.Learning.Tests;

public sealed class OptimizerTests
{
    [Fact]
    public void StepsOnRangesGiveTheBitsOfOneStep()
    {
        const int Length = 1000;
        var (whole, pieces) = (PyTorchFixture.Numbers(1, Length, 1), PyTorchFixture.Numbers(1, Length, 1));
        NativeBuffer[] wholeStates = [new(Length)], pieceStates = [new(Length)];
        var sgd = new Sgd();
        for (var step = 0; step < 3; step++)
        {
            var gradient = PyTorchFixture.Numbers(step + 2, Length, 1);
            sgd.Step(0, Length, whole, gradient, wholeStates, 0.25f, 0.1f);
            foreach (var (start, length) in new[] { (400, 333), (0, 400), (733, 267) })
                sgd.Step(start, length, pieces, gradient, pieceStates, 0.25f, 0.1f);
        }
        Assert.Equal(whole, pieces);
        Assert.Equal(wholeStates[0].Span, pieceStates[0].Span);
    }

    [Fact]
    public void StatesAreNamed()
    {
        Assert.Equal(["momentum"], new Sgd().StateNames);
        Assert.Empty(new Sgd(Momentum: 0, Nesterov: false).StateNames);
    }

    [Fact]
    public void JsonRoundTrip()
    {
        Optimizer[] optimizers = [new Sgd(), new Sgd(0, false, 0), new Sgd(0.5, false, 0.25)];
        foreach (var optimizer in optimizers)
            Assert.Equal(optimizer, Optimizer.FromJson(Parse(JsonFields.Text(optimizer.WriteTo)), "spec"));
        Schedule[] schedules = [new ConstantSchedule(), new CosineSchedule(0.25), new OneCycleSchedule(0.3, 10, 100)];
        foreach (var schedule in schedules)
            Assert.Equal(schedule, Schedule.FromJson(Parse(JsonFields.Text(schedule.WriteTo)), "spec"));
    }

    [Fact]
    public void EveryNameHasDefaults()
    {
        Assert.All(Optimizer.Names, name => Assert.Equal(name, Optimizer.Find(name).Name));
        Assert.All(Schedule.Names, name => Assert.Equal(name, Schedule.Find(name).Name));
        Assert.Equal(new Sgd(), Optimizer.Find("sgd"));
        Assert.Equal(new OneCycleSchedule(), Schedule.Find("one-cycle"));
    }

    [Theory]
    [InlineData("""{"name":"adamant"}""", "spec: unknown optimizer \"adamant\"; known: sgd.")]
    [InlineData("""{"name":"sgd","momentum":1}""", "spec: momentum must be at least 0 and below 1, got 1.")]
    [InlineData("""{"name":"sgd","momentum":0,"nesterov":true}""", "spec: nesterov needs a momentum above 0.")]
    [InlineData("""{"name":"sgd","weightDecay":-1}""", "spec: weightDecay must be 0 or more, got -1.")]
    [InlineData("""{"name":"sgd","rate":1}""",
        "spec: unknown field \"rate\"; known here: name, momentum, nesterov, weightDecay.")]
    [InlineData("""{"name":"sgd","momentum":1e999}""",
        "spec: the field \"momentum\" must be a finite number, got 1e999.")]
    public void OptimizerMistakes(string json, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<ModelException>(() => Optimizer.FromJson(Parse(json), "spec")).Message);

    [Theory]
    [InlineData("""{"name":"step"}""", "spec: unknown schedule \"step\"; known: constant, cosine, one-cycle.")]
    [InlineData("""{"name":"cosine","warmUp":1}""", "spec: warmUp must be at least 0 and below 1, got 1.")]
    [InlineData("""{"name":"one-cycle","peakShare":0}""", "spec: peakShare must be above 0 and below 1, got 0.")]
    [InlineData("""{"name":"one-cycle","divFactor":0.5}""", "spec: divFactor and finalDivFactor must be 1 or more.")]
    public void ScheduleMistakes(string json, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<ModelException>(() => Schedule.FromJson(Parse(json), "spec")).Message);

    [Fact]
    public void CosineWarmsUpInAStraightLine()
    {
        var schedule = new CosineSchedule(WarmUp: 0.1);
        for (var step = 0; step < 10; step++)
            Assert.Equal(0.5 * (step + 1) / 10, schedule.Rate(step, 100, 0.5), 1e-12);
        Assert.Equal(0.5, schedule.Rate(10, 100, 0.5), 1e-12);
        Assert.Equal(0.25, schedule.Rate(55, 100, 0.5), 1e-12);
        Assert.InRange(schedule.Rate(99, 100, 0.5), 0, 0.001);
    }

    [Fact]
    public void RatesAreDefinedForEveryLength()
    {
        foreach (var schedule in Schedule.Names.Select(Schedule.Find))
        {
            for (var total = 1; total < 30; total++)
            {
                for (var step = 0; step < total; step++)
                    Assert.InRange(schedule.Rate(step, total, 0.1), 0, 0.1 * (1 + 1e-12));
                Assert.Equal(schedule.Rate(total - 1, total, 0.1), schedule.Rate(total + 5, total, 0.1));
            }
        }
    }

    private static JsonElement Parse(string json) => JsonFields.Parse(json, "spec");
}
