using System.Net;
using Xunit;

namespace Distributed.Runtime.Tests;

public class TokenBucketTests
{
    private readonly FakeTime _time = new();

    [Fact]
    public void It_holds_its_capacity_and_fills_with_time()
    {
        TokenBucket bucket = new(4, 2, _time);
        Assert.True(bucket.IsFull);
        Assert.True(bucket.TryTake());
        Assert.True(bucket.TryTake());
        Assert.False(bucket.TryTake());
        Assert.False(bucket.IsFull);
        Assert.Equal(TimeSpan.FromMilliseconds(250), bucket.UntilNext);
        _time.Advance(TimeSpan.FromMilliseconds(125));
        Assert.False(bucket.TryTake());
        _time.Advance(bucket.UntilNext);
        Assert.Equal(TimeSpan.Zero, bucket.UntilNext);
        Assert.True(bucket.TryTake());
        Assert.False(bucket.TryTake());
        _time.Advance(TimeSpan.FromDays(1));
        Assert.True(bucket.TryTake());
        Assert.True(bucket.TryTake());
        Assert.False(bucket.TryTake());
    }

    [Fact]
    public void Each_address_has_its_own_and_too_many_share_one()
    {
        AddressBuckets buckets = new(() => new TokenBucket(1, 1, _time));
        for (int address = 0; address < 1024; address++) Assert.True(buckets.Of(new IPAddress(address)).TryTake());
        Assert.False(buckets.Of(new IPAddress(0)).TryTake());
        TokenBucket shared = buckets.Of(new IPAddress(5000));
        Assert.Same(shared, buckets.Of(new IPAddress(5001)));

        // Those that are idle again make room.
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.NotSame(shared, buckets.Of(new IPAddress(5000)));
        Assert.NotSame(buckets.Of(new IPAddress(5001)), buckets.Of(new IPAddress(5000)));
    }
}
