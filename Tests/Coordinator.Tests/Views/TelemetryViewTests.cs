using System.Diagnostics;
using System.Diagnostics.Metrics;
using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Distributed.Runtime;
using Xunit;

namespace Distributed.Coordinator.Tests;

/// <summary>What a listener is told of a run.</summary>
public sealed class TelemetryViewTests : IDisposable
{
    private readonly Dictionary<string, double> _sums = [];
    private readonly Dictionary<string, List<double>> _histograms = [];
    private readonly Dictionary<string, double> _gauges = [];
    private readonly List<Activity> _spans = [];
    private readonly MeterListener _meters = new();
    private readonly ActivityListener _activities;
    private readonly TelemetryView _view;

    public TelemetryViewTests()
    {
        // Those of views before have a meter of the same name.
        bool isOurs = false;
        _meters.InstrumentPublished = (instrument, listener) =>
        {
            if (isOurs && instrument.Meter.Name == Telemetry.SourceName) listener.EnableMeasurementEvents(instrument);
        };
        _meters.SetMeasurementEventCallback<long>((instrument, value, _, _) =>
            _sums[instrument.Name] = _sums.GetValueOrDefault(instrument.Name) + value);
        _meters.SetMeasurementEventCallback<double>((instrument, value, _, _) =>
        {
            if (instrument is not Histogram<double>) _gauges[instrument.Name] = value;
            else if (_histograms.TryGetValue(instrument.Name, out List<double>? values)) values.Add(value);
            else _histograms[instrument.Name] = [value];
        });
        _meters.Start();
        _activities = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Telemetry.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = _spans.Add,
        };
        ActivitySource.AddActivityListener(_activities);
        isOurs = true;
        _view = new TelemetryView(new PlainView(TextWriter.Null, TextWriter.Null, new ManualTime()));
    }

    public void Dispose()
    {
        _view.Dispose();
        _activities.Dispose();
        _meters.Dispose();
    }

    [Fact]
    public void CountersAndHistogramsHaveWhatThisProcessDid()
    {
        _view.Begin(ViewSamples.Header with { Progress = ViewSamples.After(2, 1) with { DuplicatesDropped = 5 } });
        for (int step = 2; step <= 4; step++)
        {
            StepEnded ended = ViewSamples.Step(2, step);
            _view.Show(ended with { Progress = ended.Progress with { DuplicatesDropped = 3 + step } });
        }

        _view.Show(new WorkerRestarted("worker 1"));
        _view.Show(new CheckpointWritten(6, 0.25, null));
        _view.Show(new CheckpointWritten(7, 9, "The disk is full."));
        Assert.Equal(3, _sums["distributed.steps"]);
        Assert.Equal(32 + 32 + 4, _sums["distributed.samples"]);
        Assert.Equal(2, _sums["distributed.duplicates_dropped"]);
        Assert.Equal(1, _sums["distributed.restarts"]);
        Assert.Equal(1, _sums["distributed.checkpoints"]);
        Assert.Equal([0.25], _histograms["distributed.checkpoint.duration"]);

        // The first step's time includes the start.
        Assert.Equal([0.5, 0.5], _histograms["distributed.step.duration"]);
        Assert.All(_histograms["distributed.coordination.duration"], seconds => Assert.Equal(0.1, seconds, 1e-6));
    }

    [Fact]
    public void GaugesSayWhatIsKnown()
    {
        _meters.RecordObservableInstruments();
        Assert.Empty(_gauges);
        _view.Begin(ViewSamples.Header);
        _view.Show(ViewSamples.Worker(1, "worker 1"));
        _view.Show(ViewSamples.Worker(2, "worker 2"));
        _view.Show(ViewSamples.Worker(2, "worker 2", WorkerStanding.Gone));
        _meters.RecordObservableInstruments();
        Assert.Equal(1, _gauges["distributed.workers"]);
        Assert.False(_gauges.ContainsKey("distributed.loss"));
        Assert.False(_gauges.ContainsKey("distributed.validation.accuracy"));

        for (int step = 1; step <= 3; step++) _view.Show(ViewSamples.Step(1, step));
        _view.Show(ViewSamples.EpochEnd(1));
        _meters.RecordObservableInstruments();
        Assert.Equal(0.25, _gauges["distributed.loss"]);
        Assert.Equal(0.9, _gauges["distributed.validation.accuracy"]);
        Assert.Equal(64, _gauges["distributed.samples_per_second"], 1e-6);
    }

    [Fact]
    public void TheRunIsTheRootOfEveryOtherSpan()
    {
        _view.Begin(ViewSamples.Header);
        for (int step = 1; step <= 4; step++) _view.Show(ViewSamples.Step(1, step));
        Evaluate(DataSplit.Validation);
        _view.Show(ViewSamples.EpochEnd(1));
        _view.Show(new CheckpointWritten(4, 0.5, null));
        _view.Show(ViewSamples.Step(2, 1));
        _view.Show(ViewSamples.EpochEnd(2));
        _view.Show(new CheckpointWritten(8, 0.5, "The disk is full."));
        Evaluate(DataSplit.Test);
        _view.End(ViewSamples.Summary);

        string[] names = [.. _spans.Select(span => span.OperationName)];
        Assert.Equal(
            ["evaluation", "epoch", "checkpoint", "epoch", "checkpoint", "evaluation", "run"], names);
        Activity run = _spans[^1];
        Assert.Equal(default, run.ParentSpanId);
        Assert.All(_spans, span => Assert.Equal(run.TraceId, span.TraceId));
        Assert.Equal(_spans[1].SpanId, _spans[0].ParentSpanId);
        Assert.All(_spans[1..^1], span => Assert.Equal(run.SpanId, span.ParentSpanId));
        Assert.Equal([1, 2], _spans.Where(span => span.OperationName == "epoch")
            .Select(span => span.GetTagItem("distributed.epoch")));
        Assert.Equal(ActivityStatusCode.Unset, _spans[2].Status);
        Assert.Equal((ActivityStatusCode.Error, "The disk is full."), (_spans[4].Status, _spans[4].StatusDescription));
        Assert.InRange(_spans[2].Duration, TimeSpan.FromSeconds(0.5), TimeSpan.FromMinutes(5));
        Assert.Equal("completed", run.GetTagItem("distributed.ending"));
        Assert.Null(Activity.Current);
    }

    [Fact]
    public void ARunThatBreaksOffEndsItsSpans()
    {
        _view.Begin(ViewSamples.Header);
        _view.Show(ViewSamples.Step(1, 1));
        _view.Show(new EvaluationAdvanced(DataSplit.Validation, 0, 10));
        _view.Dispose();
        Assert.Equal(["evaluation", "epoch", "run"], _spans.Select(span => span.OperationName));
    }

    /// <summary>A step has neither span nor tags.</summary>
    [Fact]
    public void AStepsMeasurementsAllocateNothing()
    {
        RunInstruments instruments = new(_ => null);
        instruments.Begin(ViewSamples.Header);
        StepEnded step = ViewSamples.Step(1, 1);
        _meters.SetMeasurementEventCallback<long>((_, _, _, _) => { });
        _meters.SetMeasurementEventCallback<double>((_, _, _, _) => { });
        for (int i = 0; i < 100; i++) instruments.Count(step);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) instruments.Count(step);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private void Evaluate(DataSplit split)
    {
        _view.Show(new EvaluationAdvanced(split, 0, 10));
        _view.Show(new EvaluationAdvanced(split, 5, 10));
        _view.Show(new EvaluationAdvanced(split, 10, 10));
    }
}
