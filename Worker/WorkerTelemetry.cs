using System.Diagnostics;
using System.Diagnostics.Metrics;
using Distributed.Roles.Worker;
using Distributed.Runtime;

namespace Distributed.Worker;

/// <summary>A worker's metrics, and its sessions as spans. Disposing exports what is left.</summary>
internal sealed class WorkerTelemetry : IDisposable
{
    private readonly IDisposable _export;
    private readonly ActivitySource _source = new(Telemetry.SourceName);
    private readonly Counter<long> _microBatches;
    private readonly Counter<long> _gradients;
    private readonly Counter<long> _bytes;
    private readonly Counter<long> _rejoins;
    private readonly Histogram<double> _computeSeconds;
    private Activity? _session;
    private bool _hasTakenPart;

    /// <param name="export">Exports them; disposed with this.</param>
    public WorkerTelemetry(IDisposable export)
    {
        _export = export;
        Meter meter = new(Telemetry.SourceName);
        _microBatches = meter.CreateCounter<long>(
            "distributed.worker.micro_batches", "{micro_batch}", "Micro-batches whose gradient was computed");
        _gradients = meter.CreateCounter<long>(
            "distributed.worker.gradients", "{gradient}", "Gradients pushed, each a sum over some micro-batches");
        _bytes = meter.CreateCounter<long>("distributed.worker.pushed", "By", "Bytes of the gradients pushed");
        _rejoins = meter.CreateCounter<long>(
            "distributed.worker.rejoins", "{session}", "Times it joined again after a session had ended");
        _computeSeconds = meter.CreateHistogram(
            "distributed.worker.compute.duration", "s", "Time of one thread's job: some micro-batches of a step", null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = Telemetry.SecondsBuckets });

        // A local worker whose coordinator has let go of it may end on another thread than its main one.
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Dispose();
    }

    /// <summary>It takes part from now on.</summary>
    public void BeginSession()
    {
        _rejoins.Add(_hasTakenPart ? 1 : 0);
        _hasTakenPart = true;
        _session = _source.StartActivity("session", ActivityKind.Internal, parentContext: default);

        // Events come on many threads: the span is no thread's current one.
        Activity.Current = null;
    }

    /// <summary>The session has ended, if one had begun.</summary>
    public void EndSession() => Interlocked.Exchange(ref _session, null)?.Stop();

    /// <summary>Counts what was computed.</summary>
    public void Count(in WorkerInput input)
    {
        if (input.Kind != WorkerInputKind.Computed) return;
        _microBatches.Add(input.Node.Count);
        _computeSeconds.Record(input.Statistics.ComputeMicroseconds / 1e6);
    }

    /// <summary>Counts a gradient that was pushed.</summary>
    public void CountPush(long bytes)
    {
        _gradients.Add(1);
        _bytes.Add(bytes);
    }

    public void Dispose()
    {
        EndSession();
        _export.Dispose();
    }
}
