using System.Text.Json;

namespace Distributed.Learning;

/// <summary>The same rate at every step.</summary>
public sealed record ConstantSchedule : Schedule
{
    /// <inheritdoc/>
    public override string Name => "constant";

    /// <inheritdoc/>
    public override double Rate(long step, long totalSteps, double baseRate) => baseRate;

    internal override void WriteFields(Utf8JsonWriter writer)
    {
    }
}
