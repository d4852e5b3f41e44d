using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Distributed.Data;
using Distributed.Learning;
using Xunit;

namespace Distributed.Execution.Tests;

public class RunSpecificationTests
{
    /// <summary>No field has the value that it has when nothing is said.</summary>
    private static readonly RunSpecification Full = new()
    {
        NumericsClass = "another class",
        Model = new Model("tiny", 3, 8, 6, 4, new Sequential(
            new Conv2d(5, 3) { Padding = 1 }, new Relu(), new MaxPool2d(2), new Flatten(), new Linear(4))),
        Data = new DataSpecification
        {
            Name = "some \"data\"",
            Validation = 0.1,
            SkipCorrupt = true,
            Sha256 = new string('a', 64),
            TrainingSamples = 90,
            ValidationSamples = 10,
            TestSamples = 20,
            Mean = [0.1f, 1f / 3, 0.99999994f],
            Deviation = [0.3f, 1e-20f, 0.5f],
        },
        Epochs = 5,
        Batch = 32,
        MicroBatch = 8,
        Optimizer = new Sgd(0.8, false, 1e-3),
        ClipNorm = 1.5,
        ClipValue = 0.5,
        Ema = 0.99,
        ClassWeights = "balanced",
        Frozen = "0.*",
        LearningRate = 1.0 / 3,
        Schedule = new OneCycleSchedule(0.3, 20, 1e3),
        LabelSmoothing = 0.05,
        Augmentation = AugmentationList.Parse("crop:2,flip"),
        Patience = 2,
        Seed = ulong.MaxValue,
        Convolution = Numerics.ConvolutionMode.Strict,
        InitialWeightsSha256 = new string('b', 64),
    };

    /// <summary>Fields that are written only where they have another value than their standard one.</summary>
    private static readonly string[] Optional =
        ["clipNorm", "clipValue", "ema", "classWeights", "frozen", "augmentation", "data.skipCorrupt"];

    [Fact]
    public void WhatHasItsStandardValueIsLeftOut()
    {
        JsonObject json = JsonNode.Parse(TestRun.Specification("linear").ToJson())!.AsObject();
        Assert.Empty(json.Select(property => property.Key).Intersect(Optional));
    }

    [Fact]
    public void EveryFieldOutlivesJson()
    {
        foreach (bool indented in (bool[])[false, true])
            Assert.Equal(Full, RunSpecification.FromJson(Full.ToJson(indented), "run.json"));
        RunSpecification early = TestRun.Specification("lenet5");
        Assert.Equal(early, RunSpecification.FromJson(early.ToJson(), "run.json"));
    }

    [Fact]
    public void EveryFieldIsWritten()
    {
        // A field that JSON left out would be equal afterwards only because it has its default.
        using JsonDocument json = JsonDocument.Parse(Full.ToJson());
        Assert.Equal(Settable(typeof(RunSpecification)), Names(json.RootElement));
        Assert.Equal(Settable(typeof(DataSpecification)), Names(json.RootElement.GetProperty("data")));
        foreach (PropertyInfo property in typeof(RunSpecification).GetProperties().Where(found => found.CanWrite))
        {
            object? standard = property.GetValue(TestRun.Specification("linear"));
            Assert.NotEqual(standard, property.GetValue(Full));
        }

        static IEnumerable<string> Settable(Type type) => type.GetProperties().Where(property => property.CanWrite)
            .Select(property => JsonNamingPolicy.CamelCase.ConvertName(property.Name)).Order();
        static IEnumerable<string> Names(JsonElement element) =>
            element.EnumerateObject().Select(property => property.Name).Order();
    }

    [Fact]
    public void DifferencesAreOneSentenceEach()
    {
        Assert.Empty(RunSpecification.Differences(Full, Full with { Data = Full.Data with { } }));
        RunSpecification asked = Full with
        {
            Batch = 64,
            Data = Full.Data with { Sha256 = null, Mean = [0.5f] },
            Optimizer = new Sgd(0.8, true, 1e-3),
            Schedule = new ConstantSchedule(),
        };
        Assert.Equal(
            [
                $"data.sha256: the run has \"{Full.Data.Sha256}\", the command asks for null",
                "data.mean: the run has [0.1,0.33333334,0.99999994], the command asks for [0.5]",
                "batch: the run has 32, the command asks for 64",
                "optimizer.nesterov: the run has false, the command asks for true",
                "schedule.name: the run has \"one-cycle\", the command asks for \"constant\"",
                "schedule.peakShare: the run has 0.3, the command asks for nothing",
                "schedule.divFactor: the run has 20, the command asks for nothing",
                "schedule.finalDivFactor: the run has 1000, the command asks for nothing",
            ],
            RunSpecification.Differences(Full, asked));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{\"epochs\": }")]
    public void MalformedJsonIsOneSentence(string text) =>
        Assert.StartsWith("run.json: not valid JSON (", Sentence(text), StringComparison.Ordinal);

    [Theory]
    [InlineData("[1]", "it must be an object {...}, got [1]")]
    [InlineData("null", "it must be an object {...}, got null")]
    [InlineData("{}", "\"numericsClass\" is missing")]
    public void AnotherDocumentIsOneSentence(string text, string reason) =>
        Assert.Equal($"run.json: not a run's specification ({reason}).", Sentence(text));

    [Theory]
    [InlineData("numericsClass", "null", "a text")]
    [InlineData("numericsClass", "7", "a text")]
    [InlineData("data", "[]", "an object {...}")]
    [InlineData("epochs", "0", "a whole number from 1 to 2147483647")]
    [InlineData("epochs", "\"3\"", "a whole number from 1 to 2147483647")]
    [InlineData("batch", "0", "a whole number from 1 to 2147483647")]
    [InlineData("batch", "1e99", "a whole number from 1 to 2147483647")]
    [InlineData("microBatch", "-4", "a whole number from 1 to 2147483647")]
    [InlineData("learningRate", "-1", "a finite number of at least 0")]
    [InlineData("learningRate", "\"fast\"", "a finite number of at least 0")]
    [InlineData("labelSmoothing", "1", "a number from 0 to below 1")]
    [InlineData("patience", "-1", "a whole number from 0 to 2147483647")]
    [InlineData("seed", "-1", "a whole number from 0 to 18446744073709551615")]
    [InlineData("convolution", "{}", "a text")]
    [InlineData("convolution", "\"fft\"", "one of winograd, strict, direct")]
    [InlineData("initialWeightsSha256", "\"\"", "64 lower-case hexadecimal digits or null")]
    [InlineData("data.name", "null", "a text")]
    [InlineData("data.validation", "1", "a number from 0 to below 1")]
    [InlineData("data.sha256", "\"abc\"", "64 lower-case hexadecimal digits or null")]
    [InlineData("data.trainingSamples", "1.5", "a whole number from 0 to 2147483647")]
    [InlineData("data.testSamples", "-1", "a whole number from 0 to 2147483647")]
    [InlineData("data.mean", "0.5", "an array of numbers")]
    [InlineData("data.deviation", "[1,\"x\"]", "an array of finite numbers")]
    public void AWrongFieldIsOneSentence(string field, string value, string expected) => Assert.Equal(
        $"run.json: not a run's specification (\"{field}\" must be {expected}, got {value}).",
        Sentence(Change(field, JsonNode.Parse(value))));

    [Fact]
    public void AMissingFieldIsOneSentence()
    {
        using JsonDocument json = JsonDocument.Parse(Full.ToJson());
        string[] fields =
        [
            .. json.RootElement.EnumerateObject().Select(property => property.Name),
            .. json.RootElement.GetProperty("data").EnumerateObject().Select(property => $"data.{property.Name}"),
        ];
        foreach (string field in fields.Except(Optional))
        {
            Assert.Equal(
                $"run.json: not a run's specification (\"{field}\" is missing).",
                Sentence(Change(field, null, remove: true)));
        }
    }

    [Fact]
    public void ARecipeNamesItsDataWithoutSayingWhatIsInThem()
    {
        JsonObject json = JsonNode.Parse(Full.ToJson())!.AsObject();
        json["data"] = new JsonObject { ["name"] = "mnist", ["validation"] = 0.25 };
        RunSpecification recipe = RunSpecification.FromJson(json.ToJsonString(), "recipe.json");
        Assert.Equal(Full with { Data = new DataSpecification { Name = "mnist", Validation = 0.25 } }, recipe);
    }

    [Theory]
    [InlineData("model", "{\"name\":\"m\"}", "run.json: model")]
    [InlineData("optimizer", "{\"name\":\"lion\"}", "run.json: optimizer")]
    [InlineData("schedule", "{\"name\":\"steep\"}", "run.json: schedule")]
    public void APartThatMakesNoSenseIsOneSentence(string field, string value, string start)
    {
        string text = Change(field, JsonNode.Parse(value));
        ModelException error = Assert.Throws<ModelException>(() => RunSpecification.FromJson(text, "run.json"));
        Assert.StartsWith(start, error.Message, StringComparison.Ordinal);
    }

    public static TheoryData<Schedule> Schedules =>
        [new ConstantSchedule(), new CosineSchedule(0.25), new OneCycleSchedule()];

    [Theory]
    [MemberData(nameof(Schedules))]
    public void TheRateIsTheSchedulesWithStepsFromOne(Schedule schedule)
    {
        // 90 samples in mini-batches of 32 are 3 steps an epoch.
        RunSpecification specification = Full with { Schedule = schedule, Epochs = 4 };
        Assert.Equal((3, 12L), (specification.StepsPerEpoch, specification.TotalSteps));
        for (int step = 1; step <= 12; step++)
        {
            SchedulePoint point = new(step - 1, 12, 3, step % 2);
            Assert.Equal(schedule.Rate(point, specification.LearningRate), specification.Rate(step, step % 2));
        }
    }

    [Fact]
    public void TheWarmUpIsSeenFromTheFirstStep()
    {
        CosineSchedule schedule = new(0.25);
        RunSpecification specification = Full with { Schedule = schedule, Epochs = 4, LearningRate = 3 };
        Assert.Equal([1.0, 2.0, 3.0, 3.0], Enumerable.Range(1, 4).Select(step => specification.Rate(step, 0)));
    }

    private static string Sentence(string text) =>
        Assert.Throws<SpecificationException>(() => RunSpecification.FromJson(text, "run.json")).Message;

    private static string Change(string field, JsonNode? value, bool remove = false)
    {
        JsonObject json = JsonNode.Parse(Full.ToJson())!.AsObject();
        string[] path = field.Split('.');
        JsonObject owner = path.Length == 1 ? json : json[path[0]]!.AsObject();
        if (remove) owner.Remove(path[^1]);
        else owner[path[^1]] = value;
        return json.ToJsonString();
    }
}
