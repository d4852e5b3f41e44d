using Distributed.Roles.Coordinator;
using Xunit;

namespace Distributed.Roles.Tests;

public sealed class RangeDealerTests
{
    [Fact]
    public void Cuts_cover_the_range_in_order()
    {
        Random random = new(1);
        for (int n = 0; n < 500; n++)
        {
            int microBatches = random.Next(1, 200);
            int start = random.Next(microBatches), end = random.Next(start + 1, microBatches + 1);
            WorkerSpeed[] speeds = [.. Enumerable.Range(0, random.Next(1, 12))
                .Select(_ => new WorkerSpeed(random.Next(1, 9), random.NextDouble()))];
            int[] cuts = RangeDealer.Deal(start, end, microBatches, speeds, random.NextDouble() * 0.01);
            Assert.Equal(speeds.Length + 1, cuts.Length);
            Assert.Equal(start, cuts[0]);
            Assert.Equal(end, cuts[^1]);
            for (int i = 0; i < speeds.Length; i++) Assert.True(cuts[i] <= cuts[i + 1]);
        }
    }

    [Theory]
    [InlineData(2, 8, new[] { 0, 4, 8 })]
    [InlineData(4, 64, new[] { 0, 16, 32, 48, 64 })]
    [InlineData(1, 7, new[] { 0, 7 })]
    public void Equal_workers_get_equal_aligned_ranges(int workers, int microBatches, int[] expected)
    {
        WorkerSpeed[] speeds = [.. Enumerable.Repeat(new WorkerSpeed(1, 0.01), workers)];
        Assert.Equal(expected, RangeDealer.Deal(0, microBatches, microBatches, speeds, 0.0002));
    }

    [Fact]
    public void Ranges_are_in_proportion_to_speed()
    {
        int[] cuts = RangeDealer.Deal(0, 60, 60, [new(1, 0.01), new(1, 0.02), new(2, 0.01)], 0);
        // 100, 50 and 200 micro-batches a second: the slowest ends no later than one round after the ideal 60 / 350 s.
        Assert.InRange(cuts[1] - cuts[0], 16, 18);
        Assert.InRange(cuts[2] - cuts[1], 8, 9);
        Assert.InRange(cuts[3] - cuts[2], 33, 36);
    }

    [Fact]
    public void Costly_nodes_move_cuts_to_aligned_boundaries()
    {
        WorkerSpeed[] speeds = [new(1, 0.010), new(1, 0.0105)];
        int exact = RangeDealer.Deal(0, 32, 32, [new(1, 0.01), new(1, 0.013)], 0)[1];
        Assert.NotEqual(16, exact);
        Assert.Equal(16, RangeDealer.Deal(0, 32, 32, speeds, 0.1)[1]);
    }

    [Fact]
    public void More_workers_than_micro_batches_leave_some_without()
    {
        WorkerSpeed[] speeds = [.. Enumerable.Repeat(new WorkerSpeed(1, 0.01), 9)];
        int[] cuts = RangeDealer.Deal(0, 4, 4, speeds, 0.0002);
        int[] counts = [.. Enumerable.Range(0, 9).Select(i => cuts[i + 1] - cuts[i])];
        Assert.Equal(4, counts.Sum());
        Assert.Equal(1, counts.Max());
    }

    [Fact]
    public void An_empty_range_is_dealt_to_nobody()
    {
        Assert.Equal([3, 3, 3], RangeDealer.Deal(3, 3, 8, [new(1, 1), new(1, 1)], 0.1));
    }

    [Fact]
    public void Many_micro_batches_and_workers_take_bounded_work()
    {
        WorkerSpeed[] speeds = [.. Enumerable.Range(1, 64).Select(i => new WorkerSpeed(1, 0.01 + i * 0.001))];
        long before = GC.GetAllocatedBytesForCurrentThread();
        int[] cuts = RangeDealer.Deal(0, 1_000_000, 1_000_000, speeds, 0.0002);
        Assert.Equal(1_000_000, cuts[^1]);
        // Work and memory depend on workers, not on micro-batches.
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 4_000_000);
    }
}
