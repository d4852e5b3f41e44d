using Distributed.Numerics;

namespace Distributed.Data;

/// <summary>What share of itself a sample keeps under mixup: Beta(a, a), from two gamma variates.</summary>
internal static class MixupShare
{
    /// <summary>Elements of random numbers that one gamma variate may use; hardly any uses more than a few.</summary>
    private const uint Elements = 1 << 16;

    /// <summary>A share from 0 to 1.</summary>
    public static float Draw(CounterRandom random, double alpha)
    {
        double left = LogGamma(random, alpha, 0), right = LogGamma(random, alpha, Elements);
        return (float)(1 / (1 + ElementaryFunctions.Exp(right - left)));
    }

    /// <summary>
    /// The logarithm of a gamma variate: Marsaglia and Tsang, "A simple method for generating gamma variables" (2000),
    /// for a + 1, and U^(1/a) of it, which in logarithms can't vanish.
    /// </summary>
    private static double LogGamma(CounterRandom random, double alpha, uint first)
    {
        double d = alpha + (2.0 / 3), c = 1 / Math.Sqrt(9 * d);
        double boost = ElementaryFunctions.Log(1 - random.UniformDouble(first)) / alpha;
        for (uint element = first + 2; ; element += 4)
        {
            double x = random.Normal(element), root = 1 + (c * x), v = root * root * root;
            double u = 1 - random.UniformDouble(element + 2);
            if (root > 0)
            {
                double logV = ElementaryFunctions.Log(v);
                if (ElementaryFunctions.Log(u) < (0.5 * x * x) + d - (d * v) + (d * logV))
                {
                    return ElementaryFunctions.Log(d) + logV + boost;
                }
            }
        }
    }
}
