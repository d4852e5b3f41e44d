using Distributed.Numerics;

namespace Distributed.Data;

/// <summary>
/// Takes the validation part out of a training set. It has round(count * fraction) samples, halves rounded up, drawn
/// without replacement by the seed alone (60,000 and 0.1: 6,000); both parts list their samples in ascending order.
/// </summary>
public static class ValidationSplit
{
    /// <summary>Splits the samples 0 .. count - 1 in two.</summary>
    /// <param name="count">How many there are.</param>
    /// <param name="fraction">The validation part's share, from 0 (no validation) to less than 1.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="stream">Draws of different streams have nothing to do with each other.</param>
    /// <exception cref="DataException">The fraction is out of range or leaves nothing to train on.</exception>
    public static (int[] Training, int[] Validation) Split(
        int count, double fraction, ulong seed, int stream = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (!(fraction >= 0 && fraction < 1))
        {
            throw new DataException($"The validation share is {fraction}; it must be at least 0 and less than 1.");
        }

        int held = (int)Math.Floor((count * fraction) + 0.5);
        if (held == count && count > 0)
        {
            throw new DataException($"A validation share of {fraction} leaves none of the {count} samples to train " +
                "on; choose a smaller one.");
        }

        // The first `held` draws of a Fisher-Yates shuffle are a uniform subset.
        int[] order = new int[count];
        EpochShuffle.FillAscending(order);
        CounterRandom random = new(seed, RandomPurpose.Split, layer: stream);
        bool[] isHeld = new bool[count];
        for (int index = 0; index < held; index++)
        {
            int other = index + EpochShuffle.Below(random.UInt64((uint)index), count - index);
            (order[index], order[other]) = (order[other], order[index]);
            isHeld[order[index]] = true;
        }

        int[] training = new int[count - held];
        int[] validation = new int[held];
        int inTraining = 0, inValidation = 0;
        for (int sample = 0; sample < count; sample++)
        {
            if (isHeld[sample])
            {
                validation[inValidation++] = sample;
            }
            else
            {
                training[inTraining++] = sample;
            }
        }

        return (training, validation);
    }
}
