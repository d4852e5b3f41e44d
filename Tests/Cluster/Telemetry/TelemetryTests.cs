using System.Text.Json;
using Xunit;

namespace Distributed.Cluster;

/// <summary>A collector gets the metrics and traces of every process of a run.</summary>
public sealed class TelemetryTests : IDisposable
{
    private const string RunName = "a run+1";
    private const string Coordinator = $"distributed-coordinator - {RunName}";

    private readonly RunDirectory _directory = new();
    private readonly OtlpCollector _collector = new();

    public void Dispose()
    {
        _directory.Dispose();
        _collector.Dispose();
    }

    [Fact]
    public void ARunsMetricsAndSpansReachTheCollector()
    {
        ProgramRun run = _directory.Start(
            Programs.Coordinator,
            [
                "train", "--model", "mlp", "--data", "digits", "--epochs", "1", "--batch", "32", "--threads", "1",
                "--name", RunName, "--min-workers", "2", "--telemetry", _collector.Address,
            ],
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"));
        Assert.True(run.WaitForExit() == 0, run.Transcript);
        RequireMetrics(Result());
        RequireSpans();
    }

    private void RequireMetrics(JsonElement result)
    {
        Assert.Equal(282, Value(Coordinator, "distributed.steps"));
        Assert.Equal(9000, Value(Coordinator, "distributed.samples"));
        Assert.Equal(
            result.GetProperty("duplicatesDropped").GetInt64(), Value(Coordinator, "distributed.duplicates_dropped"));
        Assert.Equal(
            result.GetProperty("validationAccuracy").GetDouble(),
            Value(Coordinator, "distributed.validation.accuracy"));
        Assert.Equal(result.GetProperty("trainLoss").GetDouble(), Value(Coordinator, "distributed.loss"));
        Assert.Equal(0, Value(Coordinator, "distributed.restarts"));
        Assert.InRange(Value(Coordinator, "distributed.checkpoints"), 1, 10);
        Assert.Equal(281, Value(Coordinator, "distributed.step.duration"));
        Assert.Equal(281, Value(Coordinator, "distributed.coordination.duration"));
        Assert.True(Value(Coordinator, "distributed.samples_per_second") > 0);
        Assert.True(_collector.Metrics.ContainsKey((Coordinator, "distributed.workers")));

        // What was computed and then lost counts for the worker, not for the run.
        JsonElement byWorker = result.GetProperty("microBatchesByWorker");
        foreach (JsonProperty worker in byWorker.EnumerateObject())
        {
            Assert.InRange(
                Value(Worker(worker.Name), "distributed.worker.micro_batches"), worker.Value.GetInt64(), 10_000);
            double gradients = Value(Worker(worker.Name), "distributed.worker.gradients");
            Assert.InRange(gradients, 1, 10_000);
            Assert.True(Value(Worker(worker.Name), "distributed.worker.pushed") >= gradients * 669_706 * sizeof(float));
            Assert.InRange(Value(Worker(worker.Name), "distributed.worker.compute.duration"), 1, 10_000);
            Assert.Equal(0, Value(Worker(worker.Name), "distributed.worker.rejoins"));
        }

        Assert.Equal(2, byWorker.EnumerateObject().Count());

        // A thread takes memory from the heap by 8 KiB; for hundreds of steps that is next to nothing.
        Assert.InRange(result.GetProperty("allocatedBytesPerStep").GetDouble(), 0, 512);
    }

    private void RequireSpans()
    {
        ExportedSpan[] spans = [.. _collector.Spans.Where(span => span.Process == Coordinator)];
        ExportedSpan root = Assert.Single(spans, span => span.Name == "run");
        Assert.Equal("", root.Parent);
        Assert.All(spans, span => Assert.Equal(root.Trace, span.Trace));
        ExportedSpan epoch = Assert.Single(spans, span => span.Name == "epoch");
        Assert.Equal(root.Id, epoch.Parent);
        Assert.Equal(
            new[] { epoch.Id, root.Id }.Order(),
            spans.Where(span => span.Name == "evaluation").Select(span => span.Parent).Order());
        Assert.Contains(spans, span => span.Name == "checkpoint");
        Assert.Equal(
            [Worker("worker 1"), Worker("worker 2")],
            _collector.Spans.Where(span => span.Name == "session").Select(span => span.Process).Order());
    }

    private static string Worker(string name) => $"distributed-worker {name} {RunName}";

    private double Value(string process, string metric) => _collector.Metrics.TryGetValue(
        (process, metric), out ExportedMetric? found) ? found.Value
        : throw new InvalidOperationException($"{process} exported no {metric}, but:\n"
            + string.Join('\n', _collector.Metrics.Keys));

    private JsonElement Result() =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(_directory.Path, "runs", RunName, "result.json"))).RootElement;
}
