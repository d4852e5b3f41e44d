using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Distributed.Runtime;

/// <summary>
/// Exports over OTLP what the meter and the activity source of <see cref="Telemetry.SourceName"/> give. The only class
/// that names OpenTelemetry.
/// </summary>
internal sealed class OtlpExport : IDisposable
{
    /// <summary>A collector that does not answer holds the end of the process up for so long.</summary>
    private const int FlushMilliseconds = 2000;

    private readonly MeterProvider _metrics;
    private readonly TracerProvider _traces;
    private readonly Lock _lock = new();
    private readonly Action<string> _say;
    private bool _disposed;

    public OtlpExport(string service, Action<string> say)
    {
        _say = say;
        // What the environment says comes last, and wins.
        ResourceBuilder resource = ResourceBuilder.CreateEmpty()
            .AddService(service).AddTelemetrySdk().AddEnvironmentVariableDetector();
        _metrics = Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(resource).AddMeter(Telemetry.SourceName).AddOtlpExporter().Build();
        _traces = Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(resource).AddSource(Telemetry.SourceName).AddOtlpExporter().Build();
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed) return;
            _disposed = true;
            Task<bool> metrics = Task.Run(() => _metrics.Shutdown(FlushMilliseconds));
            bool isSent = _traces.Shutdown(FlushMilliseconds);
            if (metrics.Wait(FlushMilliseconds) && metrics.Result && isSent) return;
            _say($"The collector at {Environment.GetEnvironmentVariable(Telemetry.EndpointVariable)} did not take the "
                + $"last metrics and traces within {FlushMilliseconds} ms; they are lost.");
        }
    }
}
