using System.Text.Json;

namespace Distributed.Learning;

/// <summary>
/// The rate times <see cref="Factor"/> every so many epochs, as PyTorch's <c>StepLR</c>, or at the epochs named, as its
/// <c>MultiStepLR</c>: epoch e (counted from 0) has rate * factor^floor(e / every), or factor^(milestones up to e).
/// </summary>
/// <param name="Every">Epochs between reductions, 1 or more; 0 where <paramref name="At"/> names them.</param>
/// <param name="At">Epochs trained before each reduction, ascending.</param>
/// <param name="Factor">Above 0 and below 1.</param>
public sealed record StepSchedule(int Every, IReadOnlyList<int> At, double Factor = 0.1) : Schedule
{
    private const int DefaultEvery = 30;

    /// <inheritdoc/>
    public override string Name => "step";

    /// <inheritdoc/>
    public bool Equals(StepSchedule? other) => other is not null && base.Equals(other)
        && (Every, Factor) == (other.Every, other.Factor) && At.SequenceEqual(other.At);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Every, At.Count, Factor);

    internal override double RateAfterWarmUp(in SchedulePoint point, double baseRate)
    {
        var last = Math.Max(point.TotalSteps - 1, 0);
        var epoch = Math.Clamp(point.Step, 0, last) / Math.Max(point.StepsPerEpoch, 1);
        return Reduced(baseRate, Factor, Every > 0 ? (int)(epoch / Every) : At.Count(each => each <= epoch));
    }

    internal static StepSchedule Read(JsonFields fields)
    {
        var at = fields.Integers("at");
        var every = fields.Integer("every", at.Count > 0 ? 0 : DefaultEvery);
        var schedule = new StepSchedule(every, at, fields.Number("factor", 0.1));
        if (at.Count > 0 && every != 0)
            throw new ModelException($"{fields.Where}: give \"every\" or \"at\", not both.");
        fields.Require(at.Count > 0 || every > 0, "every", "1 or more", every);
        if (at.Count > 0 && (at[0] < 1 || !at.Zip(at.Skip(1)).All(pair => pair.First < pair.Second)))
            throw new ModelException($"{fields.Where}: at must be ascending epochs from 1, got " +
                $"{string.Join(", ", at)}.");
        fields.Require(schedule.Factor is > 0 and < 1, "factor", "above 0 and below 1", schedule.Factor);
        return schedule;
    }

    internal override void WriteFields(Utf8JsonWriter writer)
    {
        if (Every > 0)
        {
            writer.WriteNumber("every", Every);
        }
        else
        {
            writer.WriteStartArray("at");
            foreach (var epoch in At)
                writer.WriteNumberValue(epoch);
            writer.WriteEndArray();
        }
        writer.WriteNumber("factor", Factor);
    }
}
