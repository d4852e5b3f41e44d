using System.Text.Json;

namespace Distributed.Learning;

/// <summary>
/// The rate times <see cref="Factor"/> whenever the validation loss (without a validation part the training loss) has
/// not fallen for more than <see cref="Patience"/> epochs, as PyTorch's <c>ReduceLROnPlateau</c> in mode min: an epoch
/// counts as better below best * (1 - threshold). The coordinator counts the reductions from the run's history.
/// </summary>
/// <param name="Factor">Above 0 and below 1.</param>
/// <param name="Patience">Epochs without improvement that are borne, 0 or more.</param>
/// <param name="Threshold">Relative improvement that counts, 0 to below 1.</param>
/// <param name="Minimum">The rate goes no lower, 0 or more.</param>
public sealed record PlateauSchedule(
    double Factor = 0.1, int Patience = 10, double Threshold = 1e-4, double Minimum = 0) : Schedule
{
    /// <inheritdoc/>
    public override string Name => "plateau";

    internal override double RateAfterWarmUp(in SchedulePoint point, double baseRate)
    {
        var rate = Reduced(baseRate, Factor, point.Reductions);
        return rate < Minimum ? Minimum : rate;
    }

    internal static PlateauSchedule Read(JsonFields fields)
    {
        var schedule = new PlateauSchedule(
            fields.Number("factor", 0.1), fields.Integer("patience", 10), fields.Share("threshold", 1e-4),
            fields.Number("minimum", 0));
        fields.Require(schedule.Factor is > 0 and < 1, "factor", "above 0 and below 1", schedule.Factor);
        fields.Require(schedule.Patience >= 0, "patience", "0 or more", schedule.Patience);
        fields.Require(schedule.Minimum >= 0, "minimum", "0 or more", schedule.Minimum);
        return schedule;
    }

    internal override void WriteFields(Utf8JsonWriter writer)
    {
        writer.WriteNumber("factor", Factor);
        writer.WriteNumber("patience", Patience);
        writer.WriteNumber("threshold", Threshold);
        writer.WriteNumber("minimum", Minimum);
    }
}
