using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Distributed.Learning;

/// <summary>
/// Reads one JSON object field by field. Every mistake is a <see cref="ModelException"/> that names the place, the
/// field, what was expected and what was found; <see cref="End"/> refuses fields that nobody asked for.
/// </summary>
internal sealed class JsonFields
{
    private const int MaximumDepth = 64;
    private const int MaximumTextLength = 4 << 20;
    private readonly JsonElement _element;
    private readonly List<string> _known = [];

    public JsonFields(JsonElement element, string where)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw new ModelException($"{where}: expected an object {{...}}, got {Describe(element)}.");
        _element = element;
        Where = where;
    }

    /// <summary>The place of this object, the start of every error sentence.</summary>
    public string Where { get; }

    /// <summary>Parses a text; malformed JSON is one sentence with its line.</summary>
    public static JsonElement Parse(string text, string where)
    {
        if (text.Length > MaximumTextLength)
            throw new ModelException(
                $"{where}: the text has {text.Length} characters; at most {MaximumTextLength} are read.");
        try
        {
            var options = new JsonDocumentOptions { MaxDepth = MaximumDepth, AllowDuplicateProperties = false };
            using var document = StrictJson.Parse(text, options);
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            // The parser appends "LineNumber: .. | BytePositionInLine: .." to its sentence, counted from 0.
            var reason = e.Message.Split(" LineNumber:")[0].TrimEnd('.', ' ');
            throw new ModelException(e.LineNumber is { } line
                ? $"{where}: not valid JSON, line {line + 1}, column {e.BytePositionInLine + 1}: {reason}."
                : $"{where}: not valid JSON: {reason}.");
        }
    }

    /// <summary>The JSON text that <paramref name="write"/> writes, indented when a person reads it.</summary>
    public static string Text(Action<Utf8JsonWriter> write, bool indented = false)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = indented }))
            write(writer);
        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    /// <summary>A text that must be there.</summary>
    public string Text(string name)
    {
        var value = Required(name);
        return value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong(name, "a text", value);
    }

    /// <summary>A whole number; required when there is no default.</summary>
    public int Integer(string name, int? otherwise = null) =>
        TryGet(name, out var value) ? Integer(name, value)
        : otherwise ?? throw Missing(name);

    /// <summary>A finite number.</summary>
    public double Number(string name, double otherwise)
    {
        if (!TryGet(name, out var value))
            return otherwise;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number)
            ? number
            : throw Wrong(name, "a finite number", value);
    }

    /// <summary>A finite number of at least 0 and below 1.</summary>
    public double Share(string name, double otherwise)
    {
        var share = Number(name, otherwise);
        Require(share is >= 0 and < 1, name, "at least 0 and below 1", share);
        return share;
    }

    /// <summary>Refuses a setting out of range.</summary>
    public void Require(bool holds, string name, string range, double value)
    {
        if (!holds)
            throw new ModelException(
                string.Create(CultureInfo.InvariantCulture, $"{Where}: {name} must be {range}, got {value}."));
    }

    /// <summary>A text or an array of texts; empty where it is missing.</summary>
    public IReadOnlyList<string> Texts(string name) =>
        [.. Items(name, "a text or an array of texts", JsonValueKind.String).Select(item => item.GetString()!)];

    /// <summary>A whole number or an array of them; empty where it is missing.</summary>
    public IReadOnlyList<int> Integers(string name) =>
        [.. Items(name, "a whole number or an array of them", JsonValueKind.Number)
            .Select(item => Integer(name, item))];

    /// <summary>true or false.</summary>
    public bool Flag(string name, bool otherwise)
    {
        if (!TryGet(name, out var value))
            return otherwise;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : throw Wrong(name, "true or false", value);
    }

    /// <summary>A number for both directions, or [height, width].</summary>
    public Size2d Size(string name, Size2d? otherwise = null)
    {
        if (!TryGet(name, out var value))
            return otherwise ?? throw Missing(name);
        if (value.ValueKind != JsonValueKind.Array)
            return Integer(name, value);
        if (value.GetArrayLength() != 2)
            throw Wrong(name, "a whole number or [height, width]", value);
        return new Size2d(Integer(name, value[0]), Integer(name, value[1]));
    }

    /// <summary>Whether a field is there.</summary>
    public bool Has(string name) => TryGet(name, out _);

    /// <summary>Whether a field is there and a number.</summary>
    public bool IsNumber(string name) => TryGet(name, out var value) && value.ValueKind == JsonValueKind.Number;

    /// <summary>An array that must be there.</summary>
    public JsonElement Array(string name)
    {
        var value = Required(name);
        return value.ValueKind == JsonValueKind.Array ? value : throw Wrong(name, "an array [...]", value);
    }

    /// <summary>A whole number out of an array or field.</summary>
    public int Integer(string name, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number)
            ? number
            : throw Wrong(name, "a whole number below 2147483648", value);

    /// <summary>Refuses every field that was not read.</summary>
    public void End()
    {
        foreach (var property in _element.EnumerateObject())
        {
            if (!_known.Contains(property.Name))
                throw new ModelException(
                    $"{Where}: unknown field \"{property.Name}\"; known here: {string.Join(", ", _known)}.");
        }
    }

    private bool TryGet(string name, out JsonElement value)
    {
        _known.Add(name);
        return _element.TryGetProperty(name, out value);
    }

    private IEnumerable<JsonElement> Items(string name, string expected, JsonValueKind kind)
    {
        if (!TryGet(name, out var value))
            return [];
        if (value.ValueKind == kind)
            return [value];
        return value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == kind)
            ? value.EnumerateArray()
            : throw Wrong(name, expected, value);
    }

    private JsonElement Required(string name) => TryGet(name, out var value) ? value : throw Missing(name);

    private ModelException Missing(string name) => new($"{Where}: the field \"{name}\" is missing.");

    private ModelException Wrong(string name, string expected, JsonElement value) =>
        new($"{Where}: the field \"{name}\" must be {expected}, got {Describe(value)}.");

    private static string Describe(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= 40 ? text : string.Create(CultureInfo.InvariantCulture, $"{text[..37]}...");
    }
}
