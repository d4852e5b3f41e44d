namespace Distributed.Numerics;

/// <summary>
/// What random numbers are drawn for. The numbers are part of every run's bits: never reuse or renumber one.
/// </summary>
public enum RandomPurpose : byte
{
    /// <summary>Order of samples within an epoch.</summary>
    Shuffle = 1,

    /// <summary>Which samples are held out for validation.</summary>
    Split = 2,

    /// <summary>Initial parameters.</summary>
    Initialization = 3,

    /// <summary>Augmentation of a sample.</summary>
    Augmentation = 4,

    /// <summary>Dropout masks.</summary>
    Dropout = 5,

    /// <summary>The generated digits data set.</summary>
    Digits = 6,

    /// <summary>Synthetic input of benchmarks.</summary>
    Benchmark = 7,

    /// <summary>Random inputs in tests.</summary>
    Test = 8,
}

/// <summary>
/// Random numbers as a function, not a state: Philox 4x32-10 with key = seed and counter =
/// (element block, sample, epoch, purpose in the top 8 bits and layer in the low 24). Same bits on every machine.
/// </summary>
public readonly struct CounterRandom
{
    private const int LayerBits = 24;

    private readonly uint _key0, _key1, _sample, _epoch, _stream;

    /// <summary>The numbers of one seed, purpose, layer (below 2^24), epoch and sample.</summary>
    public CounterRandom(ulong seed, RandomPurpose purpose, int layer = 0, int epoch = 0, int sample = 0)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)layer, 1u << LayerBits, nameof(layer));
        _key0 = (uint)seed;
        _key1 = (uint)(seed >> 32);
        _sample = (uint)sample;
        _epoch = (uint)epoch;
        _stream = ((uint)purpose << LayerBits) | (uint)layer;
    }

    /// <summary>32 random bits; four elements share a block.</summary>
    public uint UInt32(uint element)
    {
        var (a, b, c, d) = Block(element >> 2);
        return (element & 3) switch { 0 => a, 1 => b, 2 => c, _ => d };
    }

    /// <summary>64 random bits; two elements share a block.</summary>
    public ulong UInt64(uint element)
    {
        var (a, b, c, d) = Block(element >> 1);
        return (element & 1) == 0 ? ((ulong)b << 32) | a : ((ulong)d << 32) | c;
    }

    /// <summary>
    /// An integer in 0..bound-1: the high half of bound times 32 random bits (bias below bound / 2^32).
    /// </summary>
    public int Integer(uint element, int bound)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bound, 1);
        return (int)(((ulong)UInt32(element) * (uint)bound) >> 32);
    }

    /// <summary>Uniform in [0, 1), a multiple of 2^-24.</summary>
    public float Uniform(uint element) => (UInt32(element) >> 8) * (1.0f / (1 << 24));

    /// <summary>
    /// Bit i is set where <see cref="Uniform"/> of element + i is at least a bound, for i below 4; element is a
    /// multiple of 4.
    /// </summary>
    internal uint AtLeast(float bound, uint element)
    {
        var (a, b, c, d) = Block(element >> 2);
        uint least = (uint)Math.Ceiling((double)bound * (1 << 24));
        return (a >> 8 >= least ? 1u : 0) | (b >> 8 >= least ? 2u : 0) | (c >> 8 >= least ? 4u : 0)
            | (d >> 8 >= least ? 8u : 0);
    }

    /// <summary>Uniform in [0, 1), a multiple of 2^-53.</summary>
    public double UniformDouble(uint element) => (UInt64(element) >> 11) * (1.0 / (1UL << 53));

    /// <summary>
    /// Standard normal by Box and Muller: elements 2i and 2i+1 are sqrt(-2 ln u) cos(2 pi v) and sin, with u in (0, 1].
    /// </summary>
    public double Normal(uint element)
    {
        uint pair = element & ~1u;
        double u = 1.0 - UniformDouble(pair), v = UniformDouble(pair | 1);
        double radius = Math.Sqrt(-2.0 * ElementaryFunctions.Log(u)), angle = 2.0 * Math.PI * v;
        return radius * ((element & 1) == 0 ? ElementaryFunctions.Cos(angle) : ElementaryFunctions.Sin(angle));
    }

    private (uint, uint, uint, uint) Block(uint block) =>
        Philox4x32.Block(block, _sample, _epoch, _stream, _key0, _key1);
}
