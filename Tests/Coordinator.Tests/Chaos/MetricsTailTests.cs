using Xunit;

namespace Distributed.Coordinator.Tests;

/// <summary>Reading the end of a file that is being written.</summary>
public sealed class MetricsTailTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("", 0)]
    [InlineData("{\"step\":3}\n", 3)]
    [InlineData("{\"step\":3}\n{\"step\":4", 3)]
    [InlineData("{\"step\":3}\n{\"kind\":\"other\"}\n", 3)]
    [InlineData("{\"step\":3", 0)]
    public void TheLastWholeLineCounts(string text, long step)
    {
        File.WriteAllText(_folder["metrics.jsonl"], text);
        Assert.Equal(step, MetricsTail.LastStep(_folder["metrics.jsonl"]));
    }

    [Fact]
    public void OfALongFileOnlyTheEndIsRead()
    {
        File.WriteAllLines(_folder["metrics.jsonl"], Enumerable.Range(1, 5000).Select(i => $"{{\"step\":{i}}}"));
        Assert.Equal(5000, MetricsTail.LastStep(_folder["metrics.jsonl"]));
    }

    [Fact]
    public void NoFileIsNoStep() => Assert.Equal(0, MetricsTail.LastStep(_folder["none"]));
}
