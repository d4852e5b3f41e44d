using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>A step, and where it stands in its run.</summary>
/// <param name="Step">0 for the run's first; beyond the last, the last one's rate holds.</param>
/// <param name="TotalSteps">Steps of the whole run.</param>
/// <param name="StepsPerEpoch">Steps of an epoch.</param>
/// <param name="Reductions">How often the metric stood still so far; see <see cref="PlateauSchedule"/>.</param>
public readonly record struct SchedulePoint(long Step, long TotalSteps, int StepsPerEpoch, int Reductions = 0);

/// <summary>
/// The learning rate as a function of the step, as data, with a warm-up in front of any. To add one, write its file and
/// its row in <see cref="Catalogue"/>.
/// </summary>
public abstract record Schedule
{
    private static readonly Dictionary<string, Func<JsonFields, Schedule>> Catalogue = new()
    {
        ["constant"] = _ => new ConstantSchedule(),
        ["step"] = StepSchedule.Read,
        ["cosine"] = CosineSchedule.Read,
        ["one-cycle"] = OneCycleSchedule.Read,
        ["plateau"] = PlateauSchedule.Read,
    };

    /// <summary>The names of the schedules.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Catalogue.Keys];

    /// <summary>The schedule's name, for instance "one-cycle".</summary>
    public abstract string Name { get; }

    /// <summary>
    /// Epochs, or a part of one, over which the rate rises in a straight line: with W = round(warmUpEpochs * steps of
    /// an epoch), the rate of step s below W is multiplied with (s + 1) / W.
    /// </summary>
    public double WarmUpEpochs { get; init; }

    /// <summary>The rate of one step.</summary>
    /// <param name="point">The step, and where it stands in its run.</param>
    /// <param name="baseRate">The rate the user asked for: the largest one.</param>
    public double Rate(in SchedulePoint point, double baseRate)
    {
        var rate = RateAfterWarmUp(point, baseRate);
        if (WarmUpEpochs == 0)
            return rate;
        var warm = Math.Round(WarmUpEpochs * point.StepsPerEpoch);
        return point.Step < warm ? rate * ((point.Step + 1) / warm) : rate;
    }

    /// <summary>The schedule of that name with its default settings.</summary>
    /// <exception cref="ModelException">No schedule has that name.</exception>
    public static Schedule Find(string name)
    {
        using var document = JsonDocument.Parse("{}");
        return Create(name, new JsonFields(document.RootElement, "schedule"), "schedule");
    }

    /// <summary>Reads one from JSON; <paramref name="where"/> starts every error sentence.</summary>
    /// <exception cref="ModelException">An unknown name or field, or a setting out of range.</exception>
    public static Schedule FromJson(JsonElement element, string where)
    {
        var fields = new JsonFields(element, where);
        var schedule = Create(fields.Text("name"), fields, where) with
        {
            WarmUpEpochs = fields.Number("warmUpEpochs", 0),
        };
        fields.End();
        fields.Require(schedule.WarmUpEpochs >= 0, "warmUpEpochs", "0 or more", schedule.WarmUpEpochs);
        return schedule;
    }

    /// <summary>Writes the schedule with all its settings as one JSON object.</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("name", Name);
        WriteFields(writer);
        if (WarmUpEpochs != 0)
            writer.WriteNumber("warmUpEpochs", WarmUpEpochs);
        writer.WriteEndObject();
    }

    /// <summary>The rate without the warm-up.</summary>
    internal abstract double RateAfterWarmUp(in SchedulePoint point, double baseRate);

    /// <summary>Writes the settings behind the name.</summary>
    internal abstract void WriteFields(Utf8JsonWriter writer);

    /// <summary>
    /// From <paramref name="from"/> to <paramref name="to"/> along half a cosine, for a share of 0 to 1.
    /// </summary>
    internal static double CosineBetween(double from, double to, double share) =>
        to + (from - to) / 2 * (1 + ElementaryFunctions.Cos(Math.PI * share));

    /// <summary>rate * factor^times, multiplied one by one.</summary>
    internal static double Reduced(double rate, double factor, int times)
    {
        for (var i = 0; i < times && rate > 0; i++)
            rate *= factor;
        return rate;
    }

    private static Schedule Create(string name, JsonFields fields, string where) =>
        Catalogue.TryGetValue(name, out var read)
            ? read(fields)
            : throw new ModelException($"{where}: unknown schedule \"{name}\"; known: {string.Join(", ", Names)}.");
}
