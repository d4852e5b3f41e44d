namespace Distributed.Numerics.Tests;

public class RandomTests
{
    /// <summary>Known answers published with Random123 (kat_vectors, philox4x32 10).</summary>
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u,
        0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Philox_gives_the_published_answers(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1,
        uint r0, uint r1, uint r2, uint r3) =>
        Assert.Equal((r0, r1, r2, r3), Philox4x32.Block(c0, c1, c2, c3, k0, k1));

    [Fact]
    public void Every_part_of_the_name_of_a_number_changes_it()
    {
        uint[] numbers =
        [
            new CounterRandom(1, RandomPurpose.Shuffle).UInt32(0),
            new CounterRandom(2, RandomPurpose.Shuffle).UInt32(0),
            new CounterRandom(1UL << 32 | 1, RandomPurpose.Shuffle).UInt32(0),
            new CounterRandom(1, RandomPurpose.Split).UInt32(0),
            new CounterRandom(1, RandomPurpose.Shuffle, layer: 1).UInt32(0),
            new CounterRandom(1, RandomPurpose.Shuffle, epoch: 1).UInt32(0),
            new CounterRandom(1, RandomPurpose.Shuffle, sample: 1).UInt32(0),
            new CounterRandom(1, RandomPurpose.Shuffle).UInt32(1),
            new CounterRandom(1, RandomPurpose.Shuffle).UInt32(4),
        ];
        Assert.Equal(numbers.Length, numbers.Distinct().Count());
    }

    [Fact]
    public void A_layer_that_would_run_into_the_purpose_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new CounterRandom(1, RandomPurpose.Dropout, 1 << 24));

    [Fact]
    public void Normal_numbers_have_the_moments_of_the_normal_distribution()
    {
        var random = new CounterRandom(3, RandomPurpose.Test);
        double[] sums = new double[5];
        const int count = 100_000;
        for (uint i = 0; i < count; i++)
        {
            double x = random.Normal(i), power = 1;
            for (int m = 0; m < sums.Length; m++, power *= x)
                sums[m] += power / count;
        }
        Assert.Equal(0, sums[1], 0.015);
        Assert.Equal(1, sums[2], 0.02);
        Assert.Equal(0, sums[3], 0.06);
        Assert.Equal(3, sums[4], 0.15);
    }

    [Fact]
    public void Uniform_numbers_stay_in_their_range_and_fill_it()
    {
        var random = new CounterRandom(3, RandomPurpose.Test);
        int[] counts = new int[10];
        for (uint i = 0; i < 20_000; i++)
        {
            Assert.InRange(random.Uniform(i), 0f, 0.99999994f);
            counts[random.Integer(i, 10)]++;
        }
        Assert.All(counts, count => Assert.InRange(count, 1800, 2200));
    }
}
