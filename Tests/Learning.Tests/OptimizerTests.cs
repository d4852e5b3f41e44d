using System.Text.Json;
using Distributed.Numerics;
using Distributed.Tests;
using Xunit;

namespace Distributed.Learning.Tests;

public sealed class OptimizerTests
{
    [Theory]
    [InlineData("sgd")]
    [InlineData("adam")]
    [InlineData("adamw")]
    [InlineData("rmsprop")]
    public void StepsOnRangesGiveTheBitsOfOneStep(string name)
    {
        var optimizer = Optimizer.Find(name);
        const int Length = 1000;
        var (whole, pieces) = (PyTorchFixture.Numbers(1, Length, 1), PyTorchFixture.Numbers(1, Length, 1));
        NativeBuffer[] wholeStates = [.. optimizer.StateNames.Select(_ => new NativeBuffer(Length))];
        NativeBuffer[] pieceStates = [.. optimizer.StateNames.Select(_ => new NativeBuffer(Length))];
        for (var step = 0; step < 3; step++)
        {
            var gradient = PyTorchFixture.Numbers(step + 2, Length, 1);
            optimizer.Step(
                new OptimizerStep(0, Length, true, step + 1, 0.25f, 0.1), whole, gradient, wholeStates);
            foreach (var (start, length) in new[] { (400, 333), (0, 400), (733, 267) })
                optimizer.Step(
                    new OptimizerStep(start, length, true, step + 1, 0.25f, 0.1), pieces, gradient, pieceStates);
        }
        Assert.Equal(whole, pieces);
        Assert.Equal(wholeStates[0].Span, pieceStates[0].Span);
    }

    [Fact]
    public void UpdatesAllocateNothing()
    {
        var layout = ParameterLayout.Of(ModelCatalogue.Find("lenet5"));
        var (parameters, gradient) = (new float[layout.Length], new float[layout.Length]);
        foreach (var optimizer in Optimizer.Names.Select(Optimizer.Find))
        {
            NativeBuffer[] states = [.. optimizer.StateNames.Select(_ => new NativeBuffer(layout.Length))];
            foreach (var clip in new[] { new GradientClip(1, 0), new GradientClip(0, 1) })
            {
                var update = new ParameterUpdate(optimizer, layout, clip);
                update.Step(1, 1, 0.1, parameters, gradient, states);
                Assert.Equal(0, Allocation.Least(() => update.Step(2, 1, 0.1, parameters, gradient, states)));
            }
        }
    }

    [Fact]
    public void StatesAreNamed()
    {
        Assert.Equal(["mean", "meanSquare"], new Adam().StateNames);
        Assert.Equal(["meanSquare"], new RmsProp().StateNames);
        Assert.Equal(["meanSquare", "momentum"], new RmsProp(Momentum: 0.5).StateNames);
        Assert.Equal(["momentum"], new Sgd().StateNames);
        Assert.Empty(new Sgd(Momentum: 0, Nesterov: false).StateNames);
    }

    [Fact]
    public void JsonRoundTrip()
    {
        Optimizer[] optimizers =
        [
            .. Optimizer.Names.Select(Optimizer.Find), new Sgd(0, false, 0), new Sgd(0.5, false, 0.25),
            new Adam(0.8, 0.9, 0.1, 0.2), new AdamW(0.8, 0.9, 0.1, 0.2), new Lamb(0.8, 0.9, 0.1, 0.2),
            new RmsProp(0.8, 0.1, 0.7, 0.2), new Lars(0.8, 0.1, 0.02) { DecayExclude = DecayExclusion.Norm },
            new Sgd { DecayExclude = DecayExclusion.Bias | DecayExclusion.Norm },
        ];
        foreach (var optimizer in optimizers)
            Assert.Equal(optimizer, Optimizer.FromJson(Parse(JsonFields.Text(optimizer.WriteTo)), "spec"));
        Schedule[] schedules =
        [
            .. Schedule.Names.Select(Schedule.Find), new CosineSchedule(0.25), new OneCycleSchedule(0.3, 10, 100),
            new StepSchedule(2, [], 0.5), new StepSchedule(0, [3, 7], 0.5), new PlateauSchedule(0.5, 1, 0.1, 0.01),
            new ConstantSchedule { WarmUpEpochs = 1.5 },
        ];
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
    [InlineData("""{"name":"adamant"}""",
        "spec: unknown optimizer \"adamant\"; known: sgd, adam, adamw, rmsprop, lars, lamb.")]
    [InlineData("""{"name":"sgd","momentum":1}""", "spec: momentum must be at least 0 and below 1, got 1.")]
    [InlineData("""{"name":"sgd","momentum":0,"nesterov":true}""", "spec: nesterov needs a momentum above 0.")]
    [InlineData("""{"name":"sgd","weightDecay":-1}""", "spec: weightDecay must be 0 or more, got -1.")]
    [InlineData("""{"name":"sgd","rate":1}""",
        "spec: unknown field \"rate\"; known here: name, momentum, nesterov, weightDecay, decayExclude.")]
    [InlineData("""{"name":"sgd","momentum":1e999}""",
        "spec: the field \"momentum\" must be a finite number, got 1e999.")]
    [InlineData("""{"name":"adam","beta2":1}""", "spec: beta2 must be at least 0 and below 1, got 1.")]
    [InlineData("""{"name":"lamb","epsilon":0}""", "spec: epsilon must be above 0, got 0.")]
    [InlineData("""{"name":"rmsprop","epsilon":-1}""", "spec: epsilon must be above 0, got -1.")]
    [InlineData("""{"name":"lars","trust":0}""", "spec: trust must be above 0, got 0.")]
    [InlineData("""{"name":"sgd","decayExclude":["weight"]}""",
        "spec: decayExclude knows bias and norm, got \"weight\".")]
    [InlineData("""{"name":"sgd","decayExclude":3}""",
        "spec: the field \"decayExclude\" must be a text or an array of texts, got 3.")]
    public void OptimizerMistakes(string json, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<ModelException>(() => Optimizer.FromJson(Parse(json), "spec")).Message);

    [Theory]
    [InlineData("""{"name":"steps"}""",
        "spec: unknown schedule \"steps\"; known: constant, step, cosine, one-cycle, plateau.")]
    [InlineData("""{"name":"cosine","warmUp":1}""", "spec: warmUp must be at least 0 and below 1, got 1.")]
    [InlineData("""{"name":"one-cycle","peakShare":0}""", "spec: peakShare must be above 0 and below 1, got 0.")]
    [InlineData("""{"name":"one-cycle","divFactor":0.5}""", "spec: divFactor and finalDivFactor must be 1 or more.")]
    [InlineData("""{"name":"step","every":0}""", "spec: every must be 1 or more, got 0.")]
    [InlineData("""{"name":"step","every":1,"at":[2]}""", "spec: give \"every\" or \"at\", not both.")]
    [InlineData("""{"name":"step","at":[3,2]}""", "spec: at must be ascending epochs from 1, got 3, 2.")]
    [InlineData("""{"name":"step","factor":1}""", "spec: factor must be above 0 and below 1, got 1.")]
    [InlineData("""{"name":"plateau","factor":0}""", "spec: factor must be above 0 and below 1, got 0.")]
    [InlineData("""{"name":"plateau","patience":-1}""", "spec: patience must be 0 or more, got -1.")]
    [InlineData("""{"name":"plateau","minimum":-1}""", "spec: minimum must be 0 or more, got -1.")]
    [InlineData("""{"name":"constant","warmUpEpochs":-1}""", "spec: warmUpEpochs must be 0 or more, got -1.")]
    public void ScheduleMistakes(string json, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<ModelException>(() => Schedule.FromJson(Parse(json), "spec")).Message);

    [Fact]
    public void CosineWarmsUpInAStraightLine()
    {
        var schedule = new CosineSchedule(WarmUp: 0.1);
        for (var step = 0; step < 10; step++)
            Assert.Equal(0.5 * (step + 1) / 10, Rate(schedule, step, 100, 0.5), 1e-12);
        Assert.Equal(0.5, Rate(schedule, 10, 100, 0.5), 1e-12);
        Assert.Equal(0.25, Rate(schedule, 55, 100, 0.5), 1e-12);
        Assert.InRange(Rate(schedule, 99, 100, 0.5), 0, 0.001);
    }

    [Fact]
    public void RatesAreDefinedForEveryLength()
    {
        foreach (var schedule in Schedule.Names.Select(Schedule.Find))
        {
            for (var total = 1; total < 30; total++)
            {
                for (var step = 0; step < total; step++)
                    Assert.InRange(Rate(schedule, step, total, 0.1), 0, 0.1 * (1 + 1e-12));
                Assert.Equal(Rate(schedule, total - 1, total, 0.1), Rate(schedule, total + 5, total, 0.1));
            }
        }
    }

    [Fact]
    public void AWarmUpRisesInAStraightLineOnAnySchedule()
    {
        foreach (var name in Schedule.Names)
        {
            var schedule = Schedule.Find(name);
            var warm = schedule with { WarmUpEpochs = 1.5 };
            for (var step = 0; step < 40; step++)
            {
                var point = new SchedulePoint(step, 40, StepsPerEpoch: 4);
                var share = Math.Min(1, (step + 1) / 6.0);
                Assert.Equal(share * schedule.Rate(point, 0.5), warm.Rate(point, 0.5), 1e-15);
            }
        }
    }

    [Fact]
    public void ReductionsGoNoLowerThanTheMinimum()
    {
        var schedule = new PlateauSchedule(Factor: 0.5, Minimum: 0.1);
        double[] rates = [.. Enumerable.Range(0, 5).Select(r => schedule.Rate(new SchedulePoint(0, 1, 1, r), 0.5))];
        Assert.Equal([0.5, 0.25, 0.125, 0.1, 0.1], rates);
    }

    private static double Rate(Schedule schedule, long step, long total, double baseRate) =>
        schedule.Rate(new SchedulePoint(step, total, StepsPerEpoch: 1), baseRate);

    private static JsonElement Parse(string json) => JsonFields.Parse(json, "spec");
}
