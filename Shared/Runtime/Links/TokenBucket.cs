using System.Net;

namespace Distributed.Runtime;

/// <summary>A token bucket: so many a second, and no more than its capacity at once. It begins full. For one thread.
/// </summary>
/// <param name="perSecond">Tokens that come in a second.</param>
/// <param name="capacity">Tokens that it holds.</param>
/// <param name="time">The clock.</param>
internal sealed class TokenBucket(double perSecond, double capacity, TimeProvider time)
{
    private double _taken;
    private long _filled = time.GetTimestamp();

    /// <summary>Whether nothing was taken lately.</summary>
    public bool IsFull => Fill() >= capacity;

    /// <summary>How long until a token is there; zero: one is.</summary>
    public TimeSpan UntilNext =>
        Fill() >= 1 ? TimeSpan.Zero : TimeSpan.FromSeconds((1 - capacity + _taken) / perSecond);

    /// <summary>Takes a token; false where there is none.</summary>
    public bool TryTake()
    {
        if (Fill() < 1) return false;
        _taken++;
        return true;
    }

    private double Fill()
    {
        long now = time.GetTimestamp();
        _taken = Math.Max(0, _taken - (perSecond * time.GetElapsedTime(_filled, now).TotalSeconds));
        _filled = now;
        return capacity - _taken;
    }
}

/// <summary>A bucket for each address, so that a busy one takes nothing from the others. For one thread.</summary>
/// <param name="create">Makes one.</param>
internal sealed class AddressBuckets(Func<TokenBucket> create)
{
    /// <summary>Where more addresses than this are busy at once, they share what is left: nobody can fill the memory.
    /// </summary>
    private const int MostAddresses = 1024;

    private readonly Dictionary<IPAddress, TokenBucket> _buckets = [];
    private readonly TokenBucket _shared = create();

    /// <summary>An address's.</summary>
    public TokenBucket Of(IPAddress address)
    {
        if (_buckets.TryGetValue(address, out TokenBucket? bucket)) return bucket;
        if (_buckets.Count >= MostAddresses)
        {
            foreach ((IPAddress idle, _) in _buckets.Where(each => each.Value.IsFull).ToArray()) _buckets.Remove(idle);
            if (_buckets.Count >= MostAddresses) return _shared;
        }

        return _buckets[address] = create();
    }
}
