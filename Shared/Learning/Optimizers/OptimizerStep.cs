namespace Distributed.Learning;

/// <summary>What an optimizer is told of one step on one range of the blocks.</summary>
/// <param name="Start">First float of the range.</param>
/// <param name="Length">Floats of the range.</param>
/// <param name="Decays">
/// Whether weight decay applies; where it does not, the trust ratios of LARS and LAMB don't either.
/// </param>
/// <param name="Number">The step, counted from 1: what bias corrections are a function of.</param>
/// <param name="GradientScale">What the gradient sum is multiplied with.</param>
/// <param name="LearningRate">The schedule's rate of this step.</param>
public readonly record struct OptimizerStep(
    int Start, int Length, bool Decays, long Number, float GradientScale, double LearningRate);

/// <summary>Parameters that weight decay leaves out.</summary>
[Flags]
public enum DecayExclusion
{
    /// <summary>Every parameter decays, as in PyTorch.</summary>
    None = 0,

    /// <summary>Biases don't decay, those of batch norm among them.</summary>
    Bias = 1,

    /// <summary>Scale and shift of batch norm don't decay.</summary>
    Norm = 2,
}

/// <summary>The words for <see cref="DecayExclusion"/>.</summary>
public static class DecayExclusions
{
    private static readonly (string Name, DecayExclusion Kind)[] All =
        [("bias", DecayExclusion.Bias), ("norm", DecayExclusion.Norm)];

    /// <summary>Every word.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(each => each.Name)];

    /// <summary>What a word stands for; null: nothing.</summary>
    public static DecayExclusion? Find(string name)
    {
        var found = Array.FindIndex(All, each => each.Name == name);
        return found < 0 ? null : All[found].Kind;
    }

    /// <summary>The words for what is excluded.</summary>
    public static IEnumerable<string> Of(DecayExclusion excluded) =>
        All.Where(each => excluded.HasFlag(each.Kind)).Select(each => each.Name);
}
