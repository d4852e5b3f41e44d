using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// The learning rate as a function of the step, as data. To add one, write its file and its row in
/// <see cref="Catalogue"/>.
/// </summary>
public abstract record Schedule
{
    private static readonly Dictionary<string, Func<JsonFields, Schedule>> Catalogue = new()
    {
        ["constant"] = _ => new ConstantSchedule(),
        ["cosine"] = CosineSchedule.Read,
        ["one-cycle"] = OneCycleSchedule.Read,
    };

    /// <summary>The names of the schedules.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Catalogue.Keys];

    /// <summary>The schedule's name, for instance "one-cycle".</summary>
    public abstract string Name { get; }

    /// <summary>The rate of one step.</summary>
    /// <param name="step">0 for the run's first; beyond the last, the last one's rate holds.</param>
    /// <param name="totalSteps">Steps of the whole run.</param>
    /// <param name="baseRate">The rate the user asked for: the largest one.</param>
    public abstract double Rate(long step, long totalSteps, double baseRate);

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
        var schedule = Create(fields.Text("name"), fields, where);
        fields.End();
        return schedule;
    }

    /// <summary>Writes the schedule with all its settings as one JSON object.</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("name", Name);
        WriteFields(writer);
        writer.WriteEndObject();
    }

    /// <summary>Writes the settings behind the name.</summary>
    internal abstract void WriteFields(Utf8JsonWriter writer);

    /// <summary>
    /// From <paramref name="from"/> to <paramref name="to"/> along half a cosine, for a share of 0 to 1.
    /// </summary>
    internal static double CosineBetween(double from, double to, double share) =>
        to + (from - to) / 2 * (1 + ElementaryFunctions.Cos(Math.PI * share));

    private static Schedule Create(string name, JsonFields fields, string where) =>
        Catalogue.TryGetValue(name, out var read)
            ? read(fields)
            : throw new ModelException($"{where}: unknown schedule \"{name}\"; known: {string.Join(", ", Names)}.");
}
