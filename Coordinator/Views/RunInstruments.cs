using System.Diagnostics.Metrics;
using Distributed.Roles.Coordinator;
using Distributed.Runtime;

namespace Distributed.Coordinator;

/// <summary>
/// A run's metrics: counters of what this process did, histograms of times in seconds, and gauges read from what a view
/// knows. Every member is called under the view's lock, but gauges, which take it. Nothing disposes the meter, so that
/// the last export, as the process ends, still reads the gauges.
/// </summary>
internal sealed class RunInstruments
{
    private static readonly InstrumentAdvice<double> Seconds =
        new() { HistogramBucketBoundaries = Telemetry.SecondsBuckets };

    private readonly Meter _meter = new(Telemetry.SourceName);
    private readonly Counter<long> _steps;
    private readonly Counter<long> _samples;
    private readonly Counter<long> _duplicates;
    private readonly Counter<long> _dealtTwice;
    private readonly Counter<long> _checkpoints;
    private readonly Counter<long> _restarts;
    private readonly Histogram<double> _stepSeconds;
    private readonly Histogram<double> _coordinationSeconds;
    private readonly Histogram<double> _checkpointSeconds;
    private long _duplicatesCounted;
    private bool _pauseBeforeStep = true;

    /// <summary>Creates the instruments.</summary>
    /// <param name="state">Asks what the view knows, under its lock; null: it knows nothing yet.</param>
    public RunInstruments(Func<Func<RunState, double>, double?> state)
    {
        _steps = _meter.CreateCounter<long>("distributed.steps", "{step}", "Steps applied");
        _samples = _meter.CreateCounter<long>("distributed.samples", "{sample}", "Training samples applied");
        _duplicates = _meter.CreateCounter<long>(
            "distributed.duplicates_dropped", "{result}", "Duplicate or late results dropped");
        _dealtTwice = _meter.CreateCounter<long>(
            "distributed.dealt_twice", "{micro-batch}", "Micro-batches dealt a second time because they were late");
        _checkpoints = _meter.CreateCounter<long>("distributed.checkpoints", "{checkpoint}", "Checkpoints saved");
        _restarts = _meter.CreateCounter<long>("distributed.restarts", "{process}", "Local workers started again");
        _stepSeconds = _meter.CreateHistogram(
            "distributed.step.duration", "s", "Time of a step, pauses for evaluations left out", null, Seconds);
        _coordinationSeconds = _meter.CreateHistogram(
            "distributed.coordination.duration", "s", "Time of a step beyond its slowest worker's compute", null,
            Seconds);
        _checkpointSeconds = _meter.CreateHistogram(
            "distributed.checkpoint.duration", "s", "Time from asking for a checkpoint to its being on disk", null,
            Seconds);
        Gauge("distributed.samples_per_second", "{sample}/s", "Training samples a second, lately",
            known => known.SamplesPerSecond);
        Gauge("distributed.workers", "{worker}", "Workers that take part",
            known => known.Workers.Count(worker => worker.Standing == WorkerStanding.Active));
        Gauge("distributed.loss", "1", "Mean training loss of the epoch so far", known => known.Loss);
        Gauge("distributed.validation.accuracy", "1", "Validation accuracy after the last epoch",
            known => known.LastEpoch?.ValidationAccuracy ?? double.NaN);

        void Gauge(string name, string unit, string description, Func<RunState, double> read) =>
            _meter.CreateObservableGauge<double>(
                name, () => state(read) is { } value && double.IsFinite(value) ? [new(value)] : [], unit, description);
    }

    /// <summary>The run begins, with what was dropped before.</summary>
    public void Begin(RunHeader header)
    {
        _duplicatesCounted = header.Progress?.DuplicatesDropped ?? 0;

        // So that collectors know of it before it rises.
        _restarts.Add(0);
    }

    /// <summary>Counts an event.</summary>
    public void Count(RunEvent happened)
    {
        switch (happened)
        {
            case StepEnded step: Count(step); break;
            case EpochEnded or EvaluationAdvanced: _pauseBeforeStep = true; break;
            case CheckpointWritten { Failure: null } written:
                _checkpoints.Add(1);
                _checkpointSeconds.Record(written.Seconds);
                break;
            case WorkerRestarted: _restarts.Add(1); break;
            case StragglerHelped late: _dealtTwice.Add(late.MicroBatches); break;
        }
    }

    private void Count(StepEnded step)
    {
        _steps.Add(1);
        _samples.Add(step.Statistics.Samples);
        _duplicates.Add(step.Progress.DuplicatesDropped - _duplicatesCounted);
        _duplicatesCounted = step.Progress.DuplicatesDropped;

        // The time of a step that follows an evaluation, or the start, includes it.
        if (!_pauseBeforeStep)
        {
            _stepSeconds.Record(step.Seconds);
            _coordinationSeconds.Record(Math.Max(0, step.Seconds - step.SlowestComputeSeconds));
        }

        _pauseBeforeStep = false;
    }
}
