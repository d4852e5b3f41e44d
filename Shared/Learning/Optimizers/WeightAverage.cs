namespace Distributed.Learning;

/// <summary>
/// The exponential moving average of all weights, running statistics among them: after each step average += (1 - d) *
/// (weights - average) with d = min(decay, (1 + step) / (10 + step)), so that the first weights are soon forgotten
/// (TensorFlow's <c>ExponentialMovingAverage</c> with num_updates). It begins at the first weights.
/// </summary>
/// <param name="Decay">0: no average is kept; below 1.</param>
public readonly record struct WeightAverage(double Decay)
{
    /// <summary>What its block is called among the states of a checkpoint.</summary>
    public const string StateName = "ema";

    /// <summary>1 - d of a step, counted from 1: how much of the new weights enters.</summary>
    public float Share(long step)
    {
        var early = (1.0 + step) / (10.0 + step);
        return (float)(1 - (early < Decay ? early : Decay));
    }
}
