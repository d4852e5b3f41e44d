using Distributed.Data;
using Distributed.Execution;
using Distributed.Learning;
using Distributed.Numerics;
using Distributed.Protocol;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Distributed.Coordinator.Tests;

public sealed class TrainOptionsTests
{
    [Fact]
    public async Task WithoutOptionsTheDefaultsAreAsDocumented()
    {
        TrainOptions options = await CommandRun.Options();
        RunSpecification run = options.Specification;

        Assert.Equal("convnet", run.Model.Name);
        Assert.Equal("digits", run.Data.Name);
        Assert.Equal(0.1, run.Data.Validation);
        Assert.Equal((3, 128, 32), (run.Epochs, run.Batch, run.MicroBatch));
        Assert.Equal(new Sgd(0.9, true, 5e-4), run.Optimizer);
        Assert.Equal(0.05, run.LearningRate);
        Assert.Equal(new OneCycleSchedule(), run.Schedule);
        Assert.Equal((1UL, 0, 0.0), (run.Seed, run.Patience, run.LabelSmoothing));
        Assert.Equal(ConvolutionMode.Winograd, run.Convolution);
        Assert.Equal(("convnet-digits", "runs"), (options.Name, options.RunsFolder));
        Assert.Equal((2, Math.Max(1, Environment.ProcessorCount / 2)), (options.Workers, options.Threads));
        Assert.Equal((1, 0, 0), (options.MinimumWorkers, options.MoreEpochs, options.CheckpointEverySteps));
        Assert.False(options.Fresh);
        Assert.Equal(LogLevel.Warning, options.LogLevel);
        Assert.Null(options.Listen);
        Assert.Null(options.Initial ?? options.DataDirectory ?? options.Telemetry);
        Assert.Null(options.Health);
    }

    [Fact]
    public async Task EveryOptionReachesItsPlace()
    {
        TrainOptions options = await CommandRun.Options(
            "--model", "lenet5", "--data", "MNIST", "--data-dir", "files", "--workers", "3", "--threads", "4",
            "--listen", "127.0.0.1:5000", "--min-workers", "5", "--epochs", "7", "--batch", "64", "--micro-batch", "8",
            "--optimizer", "sgd", "--learning-rate", "1e-2", "--momentum", "0.5", "--weight-decay", "0", "--schedule",
            "cosine", "--label-smoothing", "0.1", "--augment", "none", "--validation", "0.2", "--patience", "2",
            "--seed", "18446744073709551615", "--name", "my-run", "--runs", "elsewhere", "--fresh",
            "--init", "old.safetensors", "--checkpoint-every", "10", "--engine", "local", "--convolution", "direct",
            "--log-level", "debug", "--health", "127.0.0.1:8080");

        RunSpecification run = options.Specification;
        Assert.Equal("lenet5", run.Model.Name);
        Assert.Equal(("mnist", 0.2), (run.Data.Name, run.Data.Validation));
        Assert.Equal(("files", 3, 4), (options.DataDirectory, options.Workers, options.Threads));
        Assert.Equal(("127.0.0.1:5000", 5), ($"{options.Listen}", options.MinimumWorkers));
        Assert.Equal((7, 64, 8), (run.Epochs, run.Batch, run.MicroBatch));
        Assert.Equal(new Sgd(0.5, true, 0), run.Optimizer);
        Assert.Equal(0.01, run.LearningRate);
        Assert.Equal(new CosineSchedule(), run.Schedule);
        Assert.Equal(0.1, run.LabelSmoothing);
        Assert.Equal((2, ulong.MaxValue), (run.Patience, run.Seed));
        Assert.Equal(("my-run", "elsewhere", true), (options.Name, options.RunsFolder, options.Fresh));
        Assert.Equal("127.0.0.1:8080", $"{options.Health}");
        Assert.Equal(("old.safetensors", 10), (options.Initial, options.CheckpointEverySteps));
        Assert.Equal(LogLevel.Debug, options.LogLevel);
        Assert.Equal(4, (await CommandRun.Options("--more-epochs", "4")).MoreEpochs);
    }

    [Fact]
    public async Task AFolderOfImagesNamesTheRunAndSaysHowManyClassesTheModelHas()
    {
        using TemporaryFolder place = new();
        foreach (string name in new[] { "a", "b", "c" })
        {
            Directory.CreateDirectory(place[$"My pictures/{name}"]);
            foreach (int number in Enumerable.Range(0, 5))
                File.WriteAllText(place[$"My pictures/{name}/{number}.ppm"], "P3 1 1 1 0 0 1");
        }

        TrainOptions options = await CommandRun.Options("--data", place["My pictures"], "--skip-corrupt");
        Assert.Equal(("folder", true), (options.Specification.Data.Name, options.Specification.Data.SkipCorrupt));
        Assert.Equal(place["My pictures"], options.DataDirectory);
        Assert.Equal(("convnet-Mypictures", 3), (options.Name, options.Specification.Model.Classes));
        Assert.Equal(100, (await CommandRun.Options("--data", "cifar100")).Specification.Model.Classes);
    }

    [Fact]
    public async Task AugmentationsAndTheCachesLimitReachTheirPlace()
    {
        TrainOptions options = await CommandRun.Options("--augment", "crop:2,flip", "--cache-limit", "1.5GB");
        Assert.Equal(AugmentationList.Parse("crop:2,flip:0.5"), options.Specification.Augmentation);
        Assert.Equal(1_500_000_000, options.CacheLimit);
    }

    [Fact]
    public async Task RulesOfUpdateReachTheirPlace()
    {
        TrainOptions options = await CommandRun.Options(
            "--optimizer", "adamw:beta2=0.99:epsilon=1e-6", "--weight-decay", "0.1", "--decay-exclude", "bias,norm",
            "--schedule", "step:at=3,5:factor=0.5", "--warmup", "0.5", "--clip-norm", "2", "--ema", "0.999");
        RunSpecification run = options.Specification;

        Assert.Equal(
            new AdamW(0.9, 0.99, 1e-6, 0.1) { DecayExclude = DecayExclusion.Bias | DecayExclusion.Norm },
            run.Optimizer);
        Assert.Equal(0.001, run.LearningRate);
        Assert.Equal(new StepSchedule(0, [3, 5], 0.5) { WarmUpEpochs = 0.5 }, run.Schedule);
        Assert.Equal((new GradientClip(2, 0), new WeightAverage(0.999)), (run.Clip, run.Average));
        Assert.Equal(run, RunSpecification.FromJson(run.ToJson(), "json"));
        Assert.Equal(new GradientClip(0, 0.5), (await CommandRun.Options("--clip-value", "0.5")).Specification.Clip);
        Assert.Equal(
            new RmsProp(Momentum: 0.8),
            (await CommandRun.Options("--optimizer", "rmsprop", "--momentum", "0.8")).Specification.Optimizer);
        Assert.Equal(
            new CosineSchedule(0) { WarmUpEpochs = 2 },
            (await CommandRun.Options("--schedule", "cosine", "--warmup", "2")).Specification.Schedule);
    }

    [Fact]
    public async Task WithoutMomentumThereIsNoNesterov() =>
        Assert.Equal(new Sgd(0, false), (await CommandRun.Options("--momentum", "0")).Specification.Optimizer);

    [Fact]
    public async Task TheMicroBatchFollowsTheBatch() =>
        Assert.Equal(8, (await CommandRun.Options("--batch", "32")).Specification.MicroBatch);

    [Fact]
    public async Task FilesEnvironmentAndOptionsCountInRisingOrder()
    {
        using TemporaryFolder beside = new(), current = new();
        File.WriteAllText(beside["appsettings.json"],
            """{"Distributed": {"Epochs": 4, "Batch": 16, "Seed": 4, "Workers": 4, "LearningRate": 0.4}}""");
        File.WriteAllText(current["appsettings.json"], """{"Distributed": {"epochs": 5, "Batch": 32, "Seed": 5}}""");
        Dictionary<string, string> environment = new()
        {
            ["DISTRIBUTED_EPOCHS"] = "6",
            ["DISTRIBUTED_BATCH"] = "64",
            ["DISTRIBUTED_CHECKPOINT_EVERY"] = "6",
            ["DISTRIBUTED_DATA"] = "a folder, not a data set",
        };

        CommandRun run = await CommandRun.Of(["train", "--epochs", "7"], environment, [beside.Path, current.Path]);

        Assert.Equal("", run.Error);
        TrainOptions options = run.Trained!;
        RunSpecification found = options.Specification;
        Assert.Equal((7, 64, 5UL), (found.Epochs, found.Batch, found.Seed));
        Assert.Equal((4, 0.4, 6), (options.Workers, found.LearningRate, options.CheckpointEverySteps));
        Assert.Equal("digits", found.Data.Name);
    }

    [Fact]
    public async Task LimitsComeFromFilesAndTheEnvironment()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["appsettings.json"],
            """{"Distributed": {"Epochs": 4, "Limits": {"MaxConnections": 10, "maxDepth": 8}}}""");
        Dictionary<string, string> environment = new() { ["DISTRIBUTED_LIMITS_MAX_CONNECTIONS"] = "12" };

        CommandRun run = await CommandRun.Of(["train"], environment, [folder.Path]);

        Assert.Equal("", run.Error);
        Assert.Equal(
            ProtocolLimits.Default with { MaxConnections = 12, MaxDepth = 8 }, run.Trained!.Limits);
        Assert.Equal(ProtocolLimits.Default, (await CommandRun.Options()).Limits);
    }

    [Fact]
    public async Task TheDataSetHasAVariableOfItsOwn()
    {
        CommandRun run = await CommandRun.Of(["train"], new() { ["DISTRIBUTED_DATASET"] = "mnist" });
        Assert.Equal("mnist", run.Trained!.Specification.Data.Name);
    }

    [Fact]
    public async Task ASpecificationGivesTheDefaults()
    {
        using TemporaryFolder folder = new();
        TrainOptions first = await CommandRun.Options(
            "--model", "mlp", "--batch", "64", "--micro-batch", "4", "--seed", "9", "--schedule", "constant",
            "--momentum", "0", "--validation", "0.25", "--label-smoothing", "0.2", "--learning-rate", "0.3");
        File.WriteAllText(folder["run.json"], $$"""{"specification": {{first.Specification.ToJson()}}, "name": 1}""");

        TrainOptions same = await CommandRun.Options("--spec", folder["run.json"]);
        TrainOptions other = await CommandRun.Options(
            "--spec", folder["run.json"], "--batch", "32", "--momentum", "0.8", "--seed", "1");

        Assert.Equal(first.Specification.ToJson(), same.Specification.ToJson());
        Assert.Equal((32, 8), (other.Specification.Batch, other.Specification.MicroBatch));
        Assert.Equal(1UL, other.Specification.Seed);
        Assert.Equal(new Sgd(0.8, true, 5e-4), other.Specification.Optimizer);
        Assert.Equal("mlp-digits", other.Name);
    }

    [Fact]
    public async Task AModelComesFromAFile()
    {
        using TemporaryFolder folder = new();
        string file = folder["tiny.json"];
        File.WriteAllText(file, """
            {"name": "tiny", "input": [1, 28, 28], "classes": 10,
             "layers": [{"type": "flatten"}, {"type": "linear", "outputs": 10}]}
            """);
        TrainOptions options = await CommandRun.Options("--model", file);
        Assert.Equal(("tiny", "tiny-digits"), (options.Specification.Model.Name, options.Name));
    }
}
