using System.Diagnostics;
using System.Text.Json;
using Distributed.Protocol;
using Distributed.Roles;
using Distributed.Roles.Coordinator;
using Xunit;

namespace Distributed.Coordinator.Tests;

public sealed class TraceWriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _warnings = [];

    private string File => _folder["trace.json"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void WorkersAndTheCoordinatorHaveTheirLanes()
    {
        using (TraceWriter trace = Open())
        {
            trace.Write(new WorkerId(4), "worker \"2\"", Spans(lane: 1, first: 3));
            trace.ParameterServer.Add(TraceActivity.Optimize, Stopwatch.GetTimestamp(), new StepNumber(9));
            trace.Write(new StepEnded(new TrainingProgress { Step = 9 }, new NodeStatistics(8, 1, 4, 100), 0.25, 0.1));
        }

        Assert.Equal(
            [
                "process_name 4 1 worker \"2\"", "thread_name 4 1 compute 0", "compute 4 1 9/3+2",
                "process_name 0 1 coordinator", "thread_name 0 1 steps", "step 0 1 9",
                "thread_name 0 0 parameter server", "optimizer step 0 0 9",
            ],
            Events());
    }

    [Fact]
    public void ValidationsAndCheckpointsAreThereWithTheirTimes()
    {
        using (TraceWriter trace = Open())
        {
            trace.Write(new EvaluationAdvanced(DataSplit.Validation, 0, 100));
            trace.Write(new EvaluationAdvanced(DataSplit.Validation, 60, 100));
            trace.Write(new EvaluationAdvanced(DataSplit.Validation, 100, 100));
            trace.Write(new CheckpointWritten(9, 1.5, "the disk is full"));
        }

        Assert.Equal(
            [
                "process_name 0 2 coordinator", "thread_name 0 2 evaluations", "validation 0 2 ",
                "thread_name 0 3 checkpoints", "failed checkpoint 0 3 9",
            ],
            Events());
        using JsonDocument document = JsonDocument.Parse(System.IO.File.ReadAllBytes(File));
        Assert.Equal(1_500_000, document.RootElement[4].GetProperty("dur").GetInt64());
    }

    [Fact]
    public void WhatFoundNoRoomIsSaidOnce()
    {
        using (TraceWriter trace = Open())
        {
            trace.Write(new WorkerId(1), "worker 1", Spans(lane: 0, first: 0) with { Lost = 3 });
            trace.Write(new WorkerId(1), "worker 1", Spans(lane: 0, first: 2) with { Lost = 3 });
            trace.Write(new WorkerId(1), "worker 1", Spans(lane: 0, first: 4) with { Lost = 4 });
        }

        Assert.Equal(
            ["3 spans found no room 1 0 ", "1 spans found no room 1 0 "],
            Events().Where(each => each.Contains("room", StringComparison.Ordinal)));
    }

    /// <summary>However much of the file is there when the run goes on, what it appends can be read with it.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ARunThatGoesOnAppends(bool ended)
    {
        using (TraceWriter trace = Open())
        {
            trace.Write(new WorkerId(1), "worker 1", Spans(lane: 0, first: 0));
            trace.Write(new WorkerId(1), "worker 1", Spans(lane: 0, first: 2));
        }

        byte[] whole = System.IO.File.ReadAllBytes(File);
        string[] events = Events();
        Assert.Equal(4, events.Length);
        int ending = "\n]\n".Length;
        for (int length = ended ? whole.Length : 0; length <= (ended ? whole.Length : whole.Length - ending); length++)
        {
            System.IO.File.WriteAllBytes(File, whole[..length]);
            using (TraceWriter trace = Open(fence: 2))
                trace.Write(new WorkerId(1), "worker 1", Spans(lane: 0, first: 4));
            string[] now = Events();
            int kept = now.Length - 3;
            Assert.Equal(events[..kept], now[..kept]);
            Assert.Equal(
                [
                    "process_name 200001 0 worker 1 (fence 2)", "thread_name 200001 0 compute 0",
                    "compute 200001 0 9/4+2",
                ],
                now[kept..]);
            if (ended) Assert.Equal(events.Length, kept);
        }
    }

    [Fact]
    public void AFileThatIsFullCanBeReadAndNothingMoreIsWritten()
    {
        using (TraceWriter trace = new(new TraceFile(File, _warnings.Add, mostBytes: 2048), new Fence(0)))
        {
            for (int i = 0; i < 100; i++) trace.Write(new WorkerId(1), "worker 1", Spans(lane: 0, first: i));
        }

        Assert.Equal($"{File}: the trace is full (0 MiB); the run goes on without it.", Assert.Single(_warnings));
        Assert.InRange(Events().Length, 10, 99);
        Assert.InRange(new FileInfo(File).Length, 1024, 2048 + 1);
    }

    [Fact]
    public void AFileThatCannotBeWrittenIsTheUsersMistake()
    {
        Directory.CreateDirectory(File);
        UsageException mistake = Assert.Throws<UsageException>(() => Open());
        Assert.StartsWith($"{File}: the file can't be written", mistake.Message);
    }

    private static TraceSpans Spans(int lane, int first) => new(
        new Fence(1), lane, "compute 0",
        [new TraceSpan(TraceActivity.Compute, 1_000_000, 500, new StepNumber(9), first, 2)], 0);

    private TraceWriter Open(int fence = 0) => new(new TraceFile(File, _warnings.Add), new Fence(fence));

    // NAME PROCESS LANE, and the name that is given, or STEP/FIRST+COUNT.
    private string[] Events()
    {
        using JsonDocument document = JsonDocument.Parse(System.IO.File.ReadAllBytes(File));
        return [.. document.RootElement.EnumerateArray().Select(each =>
            $"{each.GetProperty("name")} {each.GetProperty("pid")} {each.GetProperty("tid")} {Arguments(each)}")];
    }

    private static string Arguments(JsonElement each)
    {
        if (!each.TryGetProperty("args", out JsonElement arguments)) return "";
        if (arguments.TryGetProperty("name", out JsonElement name)) return name.GetString()!;
        string step = arguments.GetProperty("step").ToString();
        return arguments.TryGetProperty("firstMicroBatch", out JsonElement first)
            ? $"{step}/{first}+{arguments.GetProperty("microBatches")}" : step;
    }
}
