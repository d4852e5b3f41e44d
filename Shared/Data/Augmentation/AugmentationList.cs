using System.Globalization;
using System.Text.Json;

namespace Distributed.Data;

/// <summary>One augmentation with its parameter.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Value">How much.</param>
public readonly record struct Augmentation(AugmentationKind Kind, double Value);

/// <summary>
/// What is done to training samples, in order: as text <c>crop:4,flip,cutout:8</c>, as JSON
/// <c>[{"name":"crop","padding":4},...]</c>. Equal lists make equal samples.
/// </summary>
public sealed class AugmentationList : IEquatable<AugmentationList>
{
    /// <summary>Nothing is done.</summary>
    public static readonly AugmentationList None = new([]);

    private AugmentationList(IReadOnlyList<Augmentation> items) => Items = items;

    /// <summary>The augmentations, in order.</summary>
    public IReadOnlyList<Augmentation> Items { get; }

    /// <summary>Reads the text form; <c>none</c> is the empty list.</summary>
    /// <exception cref="DataException">It has a mistake; the sentence names it and says what is expected.</exception>
    public static AugmentationList Parse(string text)
    {
        if (text.Trim() is "" or "none")
        {
            return None;
        }

        List<Augmentation> items = [];
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            string[] halves = part.Split(':', 2);
            AugmentationKind kind = Find(halves[0]);
            double value = kind.Default;
            if (halves.Length == 2 && !double.TryParse(
                halves[1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value))
            {
                value = double.NaN;
            }

            Add(items, kind, value, halves[^1]);
        }

        return new AugmentationList(items);
    }

    /// <summary>Reads the JSON form.</summary>
    /// <exception cref="DataException">It has a mistake; the sentence names it and says what is expected.</exception>
    public static AugmentationList FromJson(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Array)
        {
            throw new DataException("expected a list of augmentations, [{\"name\": ...}, ...]");
        }

        List<Augmentation> items = [];
        foreach (JsonElement item in element.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Object || !item.TryGetProperty("name", out JsonElement name)
                || name.ValueKind != JsonValueKind.String)
            {
                throw new DataException("an augmentation must be an object with a \"name\"");
            }

            AugmentationKind kind = Find(name.GetString()!);
            double value = kind.Default;
            foreach (JsonProperty field in item.EnumerateObject())
            {
                if (field.Name == kind.Parameter)
                {
                    value = field.Value.ValueKind == JsonValueKind.Number ? field.Value.GetDouble() : double.NaN;
                    Add(items, kind, value, field.Value.GetRawText());
                }
                else if (field.Name != "name")
                {
                    throw new DataException($"{kind.Name} has no \"{field.Name}\"; it has \"{kind.Parameter}\"");
                }
            }

            if (!item.TryGetProperty(kind.Parameter, out _))
            {
                Add(items, kind, value, "");
            }
        }

        return items.Count == 0 ? None : new AugmentationList(items);
    }

    /// <summary>Writes the JSON form.</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartArray();
        foreach ((AugmentationKind kind, double value) in Items)
        {
            writer.WriteStartObject();
            writer.WriteString("name", kind.Name);
            writer.WriteNumber(kind.Parameter, value);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    /// <inheritdoc/>
    public override string ToString() => Items.Count == 0 ? "none" : string.Join(',', Items.Select(
        item => string.Create(CultureInfo.InvariantCulture, $"{item.Kind.Name}:{item.Value:R}")));

    /// <inheritdoc/>
    public bool Equals(AugmentationList? other) => other is not null && Items.SequenceEqual(other.Items);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as AugmentationList);

    /// <inheritdoc/>
    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);

    private static AugmentationKind Find(string name) => AugmentationKind.Find(name) ?? throw new DataException(
        $"there is no augmentation '{name}'; known are {string.Join(", ", AugmentationKind.All.Select(x => x.Name))}");

    private static void Add(List<Augmentation> items, AugmentationKind kind, double value, string found)
    {
        if (!kind.Allows(value))
        {
            string range = FormattableString.Invariant(kind.Range);
            throw new DataException($"the {kind.Parameter} of {kind.Name} must be {range}, got '{found}'");
        }

        if (items.Exists(item => item.Kind == kind))
        {
            throw new DataException($"{kind.Name} is given twice");
        }

        items.Add(new Augmentation(kind, value));
    }
}
