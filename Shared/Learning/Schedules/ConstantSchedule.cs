using System.Text.Json;

namespace Distributed.Learning;

/// <summary>The same rate at every step.</summary>
public sealed record ConstantSchedule : Schedule
{
    /// <inheritdoc/>
    public override string Name => "constant";

    internal override double RateAfterWarmUp(in SchedulePoint point, double baseRate) => baseRate;

    internal override void WriteFields(Utf8JsonWriter writer)
    {
    }
}
