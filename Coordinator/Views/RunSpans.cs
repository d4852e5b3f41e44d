using System.Diagnostics;
using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Distributed.Runtime;

namespace Distributed.Coordinator;

/// <summary>
/// A run as a trace: the run is the root, epochs, checkpoints and the test lie within it, validations within their
/// epochs. Steps are too short and too many for spans. Every member is called under the view's lock.
/// </summary>
internal sealed class RunSpans : IDisposable
{
    private readonly ActivitySource _source = new(Telemetry.SourceName);
    private Activity? _run;
    private Activity? _epoch;
    private Activity? _evaluation;
    private DateTimeOffset _epochBegan;
    private int _epochNumber;

    /// <summary>The run begins.</summary>
    public void Begin(RunHeader header)
    {
        _epochNumber = (header.Progress?.Epoch ?? 0) + 1;
        _epochBegan = DateTimeOffset.UtcNow;
        _run = Start("run", null, _epochBegan)?
            .SetTag("distributed.model", header.Model)
            .SetTag("distributed.data", header.Data)
            .SetTag("distributed.batch", header.Batch)
            .SetTag("distributed.epochs", header.Epochs)
            .SetTag("distributed.resumed_from_step", header.ResumedFromStep);
    }

    /// <summary>Takes an event in.</summary>
    public void Add(RunEvent happened)
    {
        switch (happened)
        {
            case StepEnded: BeginEpoch(); break;
            case EpochEnded epoch: End(epoch); break;
            case EvaluationAdvanced evaluation: Add(evaluation); break;
            case CheckpointWritten written: Add(written); break;
        }
    }

    /// <summary>The run has ended.</summary>
    public void End(RunSummary summary)
    {
        EndParts();
        _run?.SetTag("distributed.ending", summary.Ending.ToString().ToLowerInvariant());
        _run?.SetTag("distributed.steps", summary.Progress.Step);
        if (summary.Test is { } test) _run?.SetTag("distributed.test.accuracy", test.Accuracy);
        if (summary.Ending is RunEnding.Failed or RunEnding.UserError)
            _run?.SetStatus(ActivityStatusCode.Error, summary.Reason);
        Stop(ref _run);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        EndParts();
        Stop(ref _run);
        _source.Dispose();
    }

    /// <summary>With its first step: nobody knows before whether there will be another epoch.</summary>
    private void BeginEpoch() =>
        _epoch ??= Start("epoch", _run, _epochBegan)?.SetTag("distributed.epoch", _epochNumber);

    private void End(EpochEnded epoch)
    {
        _epoch?.SetTag("distributed.loss", epoch.Record.TrainLoss);
        if (double.IsFinite(epoch.Record.ValidationAccuracy))
            _epoch?.SetTag("distributed.validation.accuracy", epoch.Record.ValidationAccuracy);
        EndParts();
        _epochNumber = epoch.Record.Epoch + 1;
        _epochBegan = DateTimeOffset.UtcNow;
    }

    private void Add(EvaluationAdvanced evaluation)
    {
        bool isTest = evaluation.Split == DataSplit.Test;
        if (evaluation.Done == 0)
        {
            if (!isTest) BeginEpoch();
            Stop(ref _evaluation);
            _evaluation = Start("evaluation", isTest ? _run : _epoch, DateTimeOffset.UtcNow)?
                .SetTag("distributed.split", RunText.Split(evaluation.Split))
                .SetTag("distributed.samples", evaluation.Count);
        }

        if (evaluation.Done == evaluation.Count) Stop(ref _evaluation);
    }

    private void Add(CheckpointWritten written)
    {
        Activity? span = Start("checkpoint", _run, DateTimeOffset.UtcNow.AddSeconds(-written.Seconds))?
            .SetTag("distributed.step", written.Step);
        if (written.Failure is { } failure) span?.SetStatus(ActivityStatusCode.Error, failure);
        Stop(ref span);
    }

    private void EndParts()
    {
        Stop(ref _evaluation);
        Stop(ref _epoch);
    }

    /// <summary>Events come on many threads: no span is any thread's current one.</summary>
    private Activity? Start(string name, Activity? parent, DateTimeOffset began)
    {
        Activity? current = Activity.Current;
        Activity.Current = null;
        try
        {
            return _source.StartActivity(name, ActivityKind.Internal, parent?.Context ?? default, startTime: began);
        }
        finally
        {
            Activity.Current = current;
        }
    }

    private static void Stop(ref Activity? span)
    {
        Activity? current = Activity.Current;
        span?.Stop();
        span = null;
        Activity.Current = current;
    }
}
