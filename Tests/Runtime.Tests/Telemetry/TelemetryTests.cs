using System.Diagnostics.Metrics;
using Xunit;

namespace Distributed.Runtime.Tests;

public sealed class TelemetryTests
{
    /// <summary>What a training step records must not cost it anything on the managed heap.</summary>
    [Fact]
    public void Recording_for_an_exporter_allocates_nothing()
    {
        using IDisposable export = Telemetry.Export("test", _ => { });
        using Meter meter = new(Telemetry.SourceName);
        Counter<long> counter = meter.CreateCounter<long>("counter");
        Histogram<double> histogram = meter.CreateHistogram(
            "histogram", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = Telemetry.SecondsBuckets });
        Assert.True(counter.Enabled && histogram.Enabled);
        for (int i = 0; i < 100; i++) Record(i);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10_000; i++) Record(i);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Record(int value)
        {
            counter.Add(value);
            histogram.Record(value * 1e-3);
        }
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("localhost:4317")]
    [InlineData("ftp://localhost")]
    [InlineData("/v1/metrics")]
    public void What_is_no_URL_is_refused(string url)
    {
        LinkException mistake = Assert.Throws<LinkException>(() => Telemetry.IsAsked(url));
        Assert.Equal(
            $"--telemetry: expected a URL such as http://localhost:4317, got '{url}'.", mistake.Message);
    }
}
