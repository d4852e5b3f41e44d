using System.Runtime.InteropServices;

namespace Distributed.Learning;

/// <summary>
/// A batch norm's statistics of the samples that a gradient block sums over, as doubles in that block: how many values
/// a channel had, each channel's mean, each channel's sum of squared deviations from it. And the running statistics
/// that they move.
/// </summary>
/// <param name="Name">The layer's name.</param>
/// <param name="Offset">Where they start in a gradient block, in floats; a multiple of 16.</param>
/// <param name="Momentum">Share of a step's statistics in the new running ones.</param>
/// <param name="Mean">The running mean.</param>
/// <param name="Variance">The running variance, unbiased.</param>
internal sealed record BatchStatistics(
    string Name, int Offset, double Momentum, ParameterEntry Mean, ParameterEntry Variance)
{
    /// <summary>Floats in a gradient block, without padding.</summary>
    public int Length => checked((1 + 2 * Mean.Length) * (sizeof(double) / sizeof(float)));

    /// <summary>Count, means, sums of squares.</summary>
    public Span<double> In(Span<float> gradient) => MemoryMarshal.Cast<float, double>(gradient.Slice(Offset, Length));

    /// <inheritdoc cref="In(Span{float})"/>
    public ReadOnlySpan<double> In(ReadOnlySpan<float> gradient) =>
        MemoryMarshal.Cast<float, double>(gradient.Slice(Offset, Length));
}
