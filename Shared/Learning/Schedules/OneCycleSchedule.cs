using System.Text.Json;

namespace Distributed.Learning;

/// <summary>
/// One cycle (Smith and Topin 2017), as PyTorch's <c>OneCycleLR</c> with cosine annealing: from rate / DivFactor up to
/// the rate at step PeakShare * total - 1, then down to rate / DivFactor / FinalDivFactor at the last step.
/// </summary>
/// <param name="PeakShare">Share of the steps that rise, above 0 and below 1 (PyTorch's pct_start).</param>
/// <param name="DivFactor">The peak over the first rate.</param>
/// <param name="FinalDivFactor">The first rate over the last.</param>
public sealed record OneCycleSchedule(double PeakShare = 0.2, double DivFactor = 25, double FinalDivFactor = 1e4)
    : Schedule
{
    /// <inheritdoc/>
    public override string Name => "one-cycle";

    internal override double RateAfterWarmUp(in SchedulePoint point, double baseRate)
    {
        var last = Math.Max(point.TotalSteps - 1, 0);
        var at = (double)Math.Clamp(point.Step, 0, last);
        var peak = PeakShare * point.TotalSteps - 1;
        var first = baseRate / DivFactor;
        // A run so short that it has no room to rise starts at its peak.
        if (at < peak || (at == peak && peak > 0))
            return CosineBetween(first, baseRate, at / peak);
        return CosineBetween(baseRate, first / FinalDivFactor, (at - peak) / (last - peak));
    }

    internal static OneCycleSchedule Read(JsonFields fields)
    {
        var schedule = new OneCycleSchedule(
            fields.Number("peakShare", 0.2), fields.Number("divFactor", 25), fields.Number("finalDivFactor", 1e4));
        if (schedule.PeakShare is <= 0 or >= 1)
            throw new ModelException(
                $"{fields.Where}: peakShare must be above 0 and below 1, got {schedule.PeakShare}.");
        if (schedule.DivFactor < 1 || schedule.FinalDivFactor < 1)
            throw new ModelException($"{fields.Where}: divFactor and finalDivFactor must be 1 or more.");
        return schedule;
    }

    internal override void WriteFields(Utf8JsonWriter writer)
    {
        writer.WriteNumber("peakShare", PeakShare);
        writer.WriteNumber("divFactor", DivFactor);
        writer.WriteNumber("finalDivFactor", FinalDivFactor);
    }
}
