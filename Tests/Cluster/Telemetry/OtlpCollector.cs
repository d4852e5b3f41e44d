using System.Collections.Concurrent;
using System.Net;

namespace Distributed.Cluster;

/// <summary>A metric of one process, as it was last exported: its sum, or its gauge's value, or its histogram's count.
/// </summary>
internal sealed record ExportedMetric(string Process, string Name, string Unit, double Value);

/// <summary>A span of one process.</summary>
internal sealed record ExportedSpan(string Process, string Name, string Trace, string Id, string Parent);

/// <summary>
/// An OTLP collector on a port of loopback: takes http/protobuf, keeps everything. A process is named by its service,
/// followed by what its resource attributes say of worker and run.
/// </summary>
internal sealed class OtlpCollector : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentQueue<ExportedMetric> _metrics = [];
    private readonly ConcurrentQueue<ExportedSpan> _spans = [];

    public OtlpCollector()
    {
        Address = $"http://127.0.0.1:{FreePort.Find()}";
        _listener.Prefixes.Add($"{Address}/");
        _listener.Start();
        _ = ReceiveAsync();
    }

    public string Address { get; }

    public IReadOnlyList<ExportedSpan> Spans => [.. _spans];

    /// <summary>The last export of every metric.</summary>
    public IReadOnlyDictionary<(string Process, string Name), ExportedMetric> Metrics =>
        _metrics.GroupBy(metric => (metric.Process, metric.Name))
            .ToDictionary(group => group.Key, group => group.Last());

    public void Dispose() => _listener.Close();

    private async Task ReceiveAsync()
    {
        while (_listener.IsListening)
        {
            try
            {
                HttpListenerContext context = await _listener.GetContextAsync();
                using MemoryStream body = new();
                await context.Request.InputStream.CopyToAsync(body);
                ProtobufMessage export = new(body.ToArray());
                if (context.Request.Url!.AbsolutePath == "/v1/metrics") TakeMetrics(export);
                else if (context.Request.Url.AbsolutePath == "/v1/traces") TakeSpans(export);
                context.Response.Close();
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
            {
                // Closed, or the exporter went away: a test misses what did not come.
            }
        }
    }

    // Field numbers: opentelemetry-proto, metrics.proto and trace.proto.
    private void TakeMetrics(ProtobufMessage export)
    {
        foreach (ProtobufMessage resource in export.Messages(1))
        {
            string process = Process(resource.Message(1));
            foreach (ProtobufMessage metric in resource.Messages(2).SelectMany(scope => scope.Messages(2)))
                _metrics.Enqueue(new ExportedMetric(process, metric.Text(1), metric.Text(3), Value(metric)));
        }
    }

    private void TakeSpans(ProtobufMessage export)
    {
        foreach (ProtobufMessage resource in export.Messages(1))
        {
            string process = Process(resource.Message(1));
            foreach (ProtobufMessage span in resource.Messages(2).SelectMany(scope => scope.Messages(2)))
            {
                _spans.Enqueue(new ExportedSpan(
                    process, span.Text(5), span.Hexadecimal(1), span.Hexadecimal(2), span.Hexadecimal(4)));
            }
        }
    }

    private static string Process(ProtobufMessage resource)
    {
        Dictionary<string, string> attributes = resource.Messages(1)
            .ToDictionary(pair => pair.Text(1), pair => pair.Message(2).Text(1));
        return string.Join(' ', new[] { "service.name", "distributed.worker", "distributed.run" }
            .Select(name => attributes.GetValueOrDefault(name, "-")));
    }

    private static double Value(ProtobufMessage metric)
    {
        const int Gauge = 5, Sum = 7, Histogram = 9;
        foreach (int kind in (int[])[Gauge, Sum])
        {
            foreach (ProtobufMessage data in metric.Messages(kind))
                return data.Messages(1).Sum(point => point.Double(4) ?? point.Integer(6) ?? 0.0);
        }

        return metric.Message(Histogram).Messages(1).Sum(point => point.Integer(4) ?? 0);
    }
}
