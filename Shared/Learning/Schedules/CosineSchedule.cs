using System.Text.Json;

namespace Distributed.Learning;

/// <summary>
/// Half a cosine from the base rate towards 0 (Loshchilov and Hutter 2016, one period), behind a linear warm-up. With
/// W = floor(warmUp * total) steps of warm-up, step s has rate * (s + 1) / W before W, and from there on
/// rate * (1 + cos(pi * (s - W) / (total - W))) / 2, as PyTorch's <c>CosineAnnealingLR</c> with T_max = total - W.
/// </summary>
/// <param name="WarmUp">Share of the steps that warm up, 0 to below 1.</param>
public sealed record CosineSchedule(double WarmUp = 0.05) : Schedule
{
    /// <inheritdoc/>
    public override string Name => "cosine";

    internal override double RateAfterWarmUp(in SchedulePoint point, double baseRate)
    {
        var totalSteps = point.TotalSteps;
        var step = Math.Clamp(point.Step, 0, Math.Max(totalSteps - 1, 0));
        var warm = (long)(WarmUp * totalSteps);
        if (step < warm)
            return baseRate * (step + 1) / warm;
        return CosineBetween(baseRate, 0, (double)(step - warm) / Math.Max(totalSteps - warm, 1));
    }

    internal static CosineSchedule Read(JsonFields fields)
    {
        var warmUp = fields.Number("warmUp", 0.05);
        return warmUp is >= 0 and < 1
            ? new CosineSchedule(warmUp)
            : throw new ModelException($"{fields.Where}: warmUp must be at least 0 and below 1, got {warmUp}.");
    }

    internal override void WriteFields(Utf8JsonWriter writer) => writer.WriteNumber("warmUp", WarmUp);
}
