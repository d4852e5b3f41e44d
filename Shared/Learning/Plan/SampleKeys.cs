using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// What the random numbers of a micro-batch are a function of: the run's seed, the epoch, and each sample's index in
/// the data set. The default has no samples: layers that draw random numbers, dropout, are off.
/// </summary>
public readonly ref struct SampleKeys(ulong seed, int epoch, ReadOnlySpan<int> samples)
{
    private readonly ReadOnlySpan<int> _samples = samples;

    /// <summary>Whether nothing random happens.</summary>
    public bool IsEmpty => _samples.IsEmpty;

    /// <summary>How many samples have a key.</summary>
    public int Count => _samples.Length;

    /// <summary>The samples' indices.</summary>
    internal ReadOnlySpan<int> Samples => _samples;

    /// <summary>What dropout on a device draws by, beside those.</summary>
    internal DropoutKey Dropout(int layer) => new(seed, epoch, layer);

    /// <summary>The random numbers of one layer for the micro-batch's i-th sample.</summary>
    internal CounterRandom Random(RandomPurpose purpose, int layer, int i) =>
        new(seed, purpose, layer, epoch, _samples[i]);
}
