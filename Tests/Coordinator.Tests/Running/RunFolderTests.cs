using System.Text.Json;
using Distributed.Checkpoints;
using Distributed.Execution;
using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Xunit;

namespace Distributed.Coordinator.Tests;

public sealed class RunFolderTests : IDisposable
{
    private readonly TemporaryFolder _runs = new();
    private readonly RunSpecification _specification = RunSamples.Specification();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public void ANewRunIsRecordedAndKnownAgain()
    {
        using (RunFolder folder = Open())
        {
            Assert.Null(folder.Recorded);
            folder.RequireSame(_specification);
            folder.Record(_specification, RunSamples.Options(_specification));
        }

        using RunFolder again = Open();
        Assert.False(again.IsFinished);
        again.RequireSame(RunSamples.Specification());
        using JsonDocument written = JsonDocument.Parse(File.ReadAllText(_runs["run/run.json"]));
        Assert.Equal(2, written.RootElement.GetProperty("settings").GetProperty("workers").GetInt32());
        Assert.DoesNotContain(Directory.EnumerateFiles(again.Folder), path => path.Contains("temporary"));
    }

    [Fact]
    public void AnotherSpecificationIsRefusedWithTheDifferences()
    {
        using RunFolder folder = Open();
        folder.Record(_specification, RunSamples.Options(_specification));
        SpecificationException error = Assert.Throws<SpecificationException>(
            () => folder.RequireSame(_specification with { Seed = 8, Batch = 64 }));
        Assert.Contains("batch: the run has 32, the command asks for 64; seed: the run has 7, the command asks for 8",
            error.Message);
        Assert.Contains("--fresh", error.Message);
    }

    [Fact]
    public void FreshKeepsOldRunsBeside()
    {
        for (int run = 0; run < 3; run++)
        {
            using RunFolder folder = RunFolder.Open(_runs.Path, "run", fresh: true);
            Assert.Equal(run == 0 ? null : _runs[$"run.{run}"], folder.MovedTo);
            Assert.Null(folder.Recorded);
            folder.Record(_specification with { Seed = (ulong)run }, RunSamples.Options(_specification));
        }

        using RunFolder first = RunFolder.Open(_runs.Path, "run.1", fresh: false);
        Assert.Equal(0u, first.Recorded!.Seed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AFolderInUseIsRefused(bool fresh)
    {
        using RunFolder folder = Open();
        folder.Record(_specification, RunSamples.Options(_specification));
        CheckpointException error = Assert.Throws<CheckpointException>(
            () => RunFolder.Open(_runs.Path, "run", fresh).Dispose());
        Assert.Contains($"pid {Environment.ProcessId}", error.Message);
        Assert.True(File.Exists(_runs["run/run.json"]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"specification\":")]
    [InlineData("{\"specification\":{\"epochs\":3}}")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"specification\":{\"numericsClass\":\"\\ud800\"}}")]
    [InlineData("{\"specification\":\n7,\"settings\":\n[")]
    public void ABrokenRunFileIsOneSentenceAndGivesTheFolderBack(string text)
    {
        Directory.CreateDirectory(_runs["run"]);
        File.WriteAllText(_runs["run/run.json"], text);
        SpecificationException error = Assert.Throws<SpecificationException>(Open);
        Assert.StartsWith(_runs["run/run.json"] + ": the file is broken (", error.Message);
        Assert.DoesNotContain('\n', error.Message);
        using RunFolder fresh = RunFolder.Open(_runs.Path, "run", fresh: true);
        Assert.Null(fresh.Recorded);
    }

    [Fact]
    public void AFolderThatCannotBeMadeIsOneSentence()
    {
        File.WriteAllText(_runs["file"], "");
        CheckpointException error = Assert.Throws<CheckpointException>(
            () => RunFolder.Open(_runs["file"], "run", fresh: false).Dispose());
        Assert.Contains(_runs["file"], error.Message);
    }

    [Fact]
    public void AResultEndsTheRunUntilItIsExtended()
    {
        EvaluationScore test = new(DataSplit.Test, 20, 0.25, 15, new int[20], 20);
        using RunFolder folder = Open();
        folder.Record(_specification, RunSamples.Options(_specification));
        folder.Record(RunResult.Of(
            RunEnding.Stopped, "SIGTERM", _specification, RunSamples.Progress(1, 2, bestEpoch: 0), test: null));
        Assert.False(folder.IsFinished);
        folder.Record(RunResult.Of(
            RunEnding.Completed, "", _specification, RunSamples.Progress(3, 0, bestEpoch: 2), test) with
        {
            MicroBatchesByWorker = new Dictionary<string, long> { ["worker 1"] = 12 },
            Confusion = [[1, 2], [3, 4]],
        });
        Assert.True(folder.IsFinished);
        RunResult read = RunResult.Read(_runs["run/result.json"])!;
        Assert.Equal(0.75, read.TestAccuracy);
        Assert.Equal(12, read.MicroBatchesByWorker["worker 1"]);
        Assert.Equal([3, 4], read.Confusion![1]);
        Assert.Null(read.ValidationAccuracy);

        folder.Record(_specification with { Epochs = 4 }, RunSamples.Options(_specification));
        Assert.False(folder.IsFinished);
        Assert.False(File.Exists(_runs["run/result.json"]));
    }

    [Fact]
    public void AnExtensionThatWasInterruptedIsNotExtendedAgain()
    {
        TrainOptions options = RunSamples.Options(_specification);
        TrainOptions more = options with { MoreEpochs = 2 };
        using (RunFolder folder = Open())
        {
            Assert.Throws<SpecificationException>(() => folder.EpochsAsked(more));
            folder.Record(_specification, options);
            Assert.Throws<SpecificationException>(() => folder.EpochsAsked(more));
            folder.Record(RunResult.Of(
                RunEnding.Completed, "", _specification, RunSamples.Progress(3, 0, bestEpoch: 2), test: null));
            Assert.Equal(3, folder.EpochsAsked(options));
            Assert.Equal(5, folder.EpochsAsked(more));
            folder.Record(_specification with { Epochs = 5 }, more);
        }

        using RunFolder again = Open();
        Assert.Equal(5, again.EpochsAsked(more));
    }

    [Fact]
    public void AResultHasTheFieldsThatToolsReadAndABalancedLedger()
    {
        using RunFolder folder = Open();
        RunResult result = RunResult.Of(
            RunEnding.Stopped, "", _specification, RunSamples.Progress(1, 2, bestEpoch: 1), test: null);
        Assert.Equal(result.SamplesExpected, result.SamplesApplied);
        folder.Record(result);
        using JsonDocument written = JsonDocument.Parse(File.ReadAllText(_runs["run/result.json"]));
        string[] fields =
        [
            "status", "epochs", "steps", "trainLoss", "validationAccuracy", "bestValidationAccuracy", "testAccuracy",
            "samplesApplied", "samplesExpected", "duplicatesDropped", "weightsSha256", "bestWeightsSha256",
            "trainSeconds", "samplesPerSecond", "workers", "microBatchesByWorker", "resumedFromStep", "restarts",
            "allocatedBytesPerStep", "coordinationMs", "firstStepSeconds", "promises",
        ];
        Assert.Empty(fields.Except(written.RootElement.EnumerateObject().Select(property => property.Name)));
    }

    [Fact]
    public void ABrokenResultCountsAsNone()
    {
        Directory.CreateDirectory(_runs["run"]);
        File.WriteAllText(_runs["run/result.json"], "{\"status\":");
        using RunFolder folder = Open();
        Assert.Null(folder.Result);
    }

    /// <summary>A disk that lost the end of a file, or has zeros there, costs one sentence or nothing.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AFileTornAnywhereIsOneSentenceOrCountsAsNone(bool zeros)
    {
        using (RunFolder folder = Open())
        {
            folder.Record(_specification, RunSamples.Options(_specification));
            folder.Record(RunResult.Of(
                RunEnding.Stopped, "SIGTERM", _specification, RunSamples.Progress(1, 2, bestEpoch: 0), test: null));
        }

        byte[] run = File.ReadAllBytes(_runs["run/run.json"]), result = File.ReadAllBytes(_runs["run/result.json"]);
        for (int length = 0; length < run.Length; length++)
        {
            File.WriteAllBytes(_runs["run/run.json"], Torn(run, length));
            SpecificationException error = Assert.Throws<SpecificationException>(Open);
            Assert.StartsWith(_runs["run/run.json"] + ": the file is broken (", error.Message);
            Assert.DoesNotContain('\n', error.Message);
        }

        File.WriteAllBytes(_runs["run/run.json"], run);
        for (int length = 0; length < result.Length; length++)
        {
            File.WriteAllBytes(_runs["run/result.json"], Torn(result, length));
            using RunFolder folder = Open();
            Assert.Null(folder.Result);
            folder.RequireSame(_specification);
        }

        byte[] Torn(byte[] whole, int length) =>
            [.. whole.AsSpan(0, length), .. new byte[zeros ? whole.Length - length : 0]];
    }

    /// <summary>What a process left that was killed while it wrote is nobody's file.</summary>
    [Fact]
    public void HalfWrittenTemporariesAreOverwritten()
    {
        Directory.CreateDirectory(_runs["run"]);
        foreach (string name in (string[])["run.json", "result.json", "token"])
            File.WriteAllText(_runs[$"run/.temporary-{name}"], "{\"specif");
        using RunFolder folder = Open();
        Assert.Null(folder.Recorded);
        folder.Record(_specification, RunSamples.Options(_specification));
        (string token, string path) = folder.KeepToken(null);
        Assert.Equal(token, File.ReadAllText(path));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.Equal((token, path), folder.KeepToken(null));
        Assert.Equal(("another", path), folder.KeepToken("another"));
        File.WriteAllText(path, "");
        Assert.NotEmpty(folder.KeepToken(null).Token);
    }

    private RunFolder Open() => RunFolder.Open(_runs.Path, "run", fresh: false);
}
