using System.Diagnostics;
using Distributed.Protocol;
using Xunit;

namespace Distributed.Runtime.Tests;

public class TraceLaneTests
{
    [Fact]
    public void Spans_come_out_in_order_with_their_times()
    {
        TraceLane lane = new("compute 0");
        long earliest = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks / 10;
        long began = Stopwatch.GetTimestamp();
        lane.Add(TraceActivity.Compute, began, new StepNumber(7), 2, 3);
        lane.Add(TraceActivity.Prepare, began);
        TraceSpan[] taken = new TraceSpan[4];
        Assert.Equal(2, lane.Take(taken));
        Assert.Equal(0, lane.Take(taken));
        TraceSpan first = taken[0];
        Assert.Equal(
            (TraceActivity.Compute, 7L, 2, 3), (first.Activity, first.Step.Value, first.First, first.Count));
        Assert.Equal(TraceActivity.Prepare, taken[1].Activity);
        Assert.True(first.Microseconds >= 0 && taken[1].Microseconds >= first.Microseconds);

        // The clock of the time stamps may drift a little from the system's.
        Assert.InRange(first.StartMicroseconds, earliest - 60_000_000, earliest + 60_000_000);
    }

    [Fact]
    public void What_finds_no_room_is_counted()
    {
        TraceLane lane = new("compute 0");
        for (int i = 0; i < TraceLane.Capacity + 5; i++)
            lane.Add(TraceActivity.Compute, Stopwatch.GetTimestamp(), first: i);
        Assert.Equal(5, lane.Lost);
        TraceSpan[] taken = new TraceSpan[2 * TraceLane.Capacity];
        Assert.Equal(TraceLane.Capacity, lane.Take(taken));
        Assert.Equal(
            Enumerable.Range(0, TraceLane.Capacity), taken.Take(TraceLane.Capacity).Select(span => span.First));
        lane.Add(TraceActivity.Push, Stopwatch.GetTimestamp());
        Assert.Equal(1, lane.Take(taken));
    }

    [Fact]
    public void One_thread_adds_while_another_takes()
    {
        const int Spans = 300_000;
        TraceLane lane = new("compute 0");
        Thread adding = new(() =>
        {
            for (int i = 0; i < Spans; i++) lane.Add(TraceActivity.Compute, 0, new StepNumber(i), i, i);
        });
        adding.Start();
        TraceSpan[] taken = new TraceSpan[100];
        int last = -1, count = 0;
        while (true)
        {
            bool isOver = !adding.IsAlive;
            int got = lane.Take(taken);
            for (int i = 0; i < got; i++)
            {
                TraceSpan span = taken[i];
                Assert.True(span.First > last && span.Count == span.First && span.Step.Value == span.First);
                last = span.First;
            }

            count += got;
            if (got == 0 && isOver) break;
        }

        Assert.Equal(Spans, count + lane.Lost);
    }
}
