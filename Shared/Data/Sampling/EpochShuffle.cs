using Distributed.Numerics;

namespace Distributed.Data;

/// <summary>
/// The order of an epoch's samples, a function of (seed, epoch): the shuffle of Fisher and Yates, of which step i draws
/// one of i + 1 places as the high half of (i + 1) times 64 random bits. No place is likelier than another by more than
/// (i + 1) / 2^64.
/// </summary>
public static class EpochShuffle
{
    /// <summary>Writes the samples in the epoch's order; allocates nothing.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="epoch">The epoch.</param>
    /// <param name="indices">The samples, for instance the training part.</param>
    /// <param name="shuffled">As long; gets each of them once. It may be the same memory.</param>
    public static void Permute(ulong seed, int epoch, ReadOnlySpan<int> indices, Span<int> shuffled)
    {
        if (shuffled.Length != indices.Length)
        {
            throw new ArgumentException(
                $"{indices.Length} samples don't go into {shuffled.Length} places.", nameof(shuffled));
        }

        indices.CopyTo(shuffled);
        CounterRandom random = new(seed, RandomPurpose.Shuffle, epoch: epoch);
        for (int index = shuffled.Length - 1; index > 0; index--)
        {
            int other = Below(random.UInt64((uint)index), index + 1);
            (shuffled[index], shuffled[other]) = (shuffled[other], shuffled[index]);
        }
    }

    /// <summary>From 64 random bits to an integer in 0 .. bound - 1.</summary>
    internal static int Below(ulong bits, int bound) => (int)Math.BigMul(bits, (ulong)bound, out _);

    internal static void FillAscending(Span<int> indices)
    {
        for (int index = 0; index < indices.Length; index++)
        {
            indices[index] = index;
        }
    }
}
