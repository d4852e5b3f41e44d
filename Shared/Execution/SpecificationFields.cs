using System.Text.Json;

namespace Distributed.Execution;

/// <summary>
/// Reads one JSON object of a specification field by field. Every mistake is one sentence that names the place, the
/// field, what was expected and what was found.
/// </summary>
internal readonly struct SpecificationFields
{
    private readonly JsonElement _element;
    private readonly string _where;
    private readonly string _path;

    public SpecificationFields(JsonElement element, string where, string path = "")
    {
        (_element, _where, _path) = (element, where, path);
        if (element.ValueKind != JsonValueKind.Object)
            throw Mistake(path.Length == 0 ? "it" : $"\"{path[..^1]}\"", "an object {...}", element);
    }

    /// <summary>The fields of an object within this one.</summary>
    public SpecificationFields Within(string name) => new(Value(name), _where, $"{_path}{name}.");

    /// <summary>Whether there is such a field.</summary>
    public bool Has(string name) => _element.TryGetProperty(name, out _);

    /// <summary>A value of any kind.</summary>
    public JsonElement Value(string name) => _element.TryGetProperty(name, out JsonElement value)
        ? value
        : throw new SpecificationException($"{_where}: not a run's specification (\"{_path}{name}\" is missing).");

    /// <summary>A text.</summary>
    public string Text(string name) => TextOrNull(name) ?? throw Mistake($"\"{_path}{name}\"", "a text", Value(name));

    /// <summary>The lower-case name of a value.</summary>
    public T Word<T>(string name)
        where T : struct, Enum
    {
        string text = Text(name);
        foreach (T value in Enum.GetValues<T>())
            if (value.ToString().ToLowerInvariant() == text) return value;
        string words = string.Join(", ", Enum.GetNames<T>()).ToLowerInvariant();
        throw Mistake($"\"{_path}{name}\"", $"one of {words}", Value(name));
    }

    /// <summary>A text, or <paramref name="otherwise"/> where there is none.</summary>
    public string Text(string name, string otherwise) =>
        Has(name) ? Text(name) : otherwise;

    /// <summary>A SHA-256 in hexadecimal digits, or null.</summary>
    public string? Hash(string name)
    {
        string? hash = TextOrNull(name);
        return hash is null || (hash.Length == 64 && hash.All(char.IsAsciiHexDigitLower))
            ? hash
            : throw Mistake($"\"{_path}{name}\"", "64 lower-case hexadecimal digits or null", Value(name));
    }

    /// <summary>A whole number of at least <paramref name="least"/>.</summary>
    public int Integer(string name, int least)
    {
        JsonElement value = Value(name);
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= least
            ? number
            : throw Mistake($"\"{_path}{name}\"", $"a whole number from {least} to {int.MaxValue}", value);
    }

    /// <summary>A whole number of 64 bits.</summary>
    public ulong Seed(string name)
    {
        JsonElement value = Value(name);
        return value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out ulong number)
            ? number
            : throw Mistake($"\"{_path}{name}\"", $"a whole number from 0 to {ulong.MaxValue}", value);
    }

    /// <summary>A finite number of at least 0.</summary>
    public double Number(string name)
    {
        JsonElement value = Value(name);
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number)
            && double.IsFinite(number) && number >= 0
                ? number
                : throw Mistake($"\"{_path}{name}\"", "a finite number of at least 0", value);
    }

    /// <summary>A finite number of at least 0, or <paramref name="otherwise"/> where there is none.</summary>
    public double Number(string name, double otherwise) =>
        Has(name) ? Number(name) : otherwise;

    /// <summary>A share: from 0 to below 1.</summary>
    public double Share(string name)
    {
        double share = Number(name);
        return share < 1 ? share : throw Mistake($"\"{_path}{name}\"", "a number from 0 to below 1", Value(name));
    }

    /// <summary>A share, or <paramref name="otherwise"/> where there is none.</summary>
    public double Share(string name, double otherwise) =>
        Has(name) ? Share(name) : otherwise;

    /// <summary>True or false; false where it is missing.</summary>
    public bool Flag(string name)
    {
        if (!_element.TryGetProperty(name, out JsonElement value)) return false;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : throw Mistake($"\"{_path}{name}\"", "true or false", value);
    }

    /// <summary>An array of finite numbers.</summary>
    public float[] Numbers(string name)
    {
        JsonElement array = Value(name);
        if (array.ValueKind != JsonValueKind.Array) throw Mistake($"\"{_path}{name}\"", "an array of numbers", array);
        List<float> numbers = [];
        foreach (JsonElement value in array.EnumerateArray())
        {
            bool isNumber = value.ValueKind == JsonValueKind.Number;
            if (!isNumber || !value.TryGetSingle(out float number) || !float.IsFinite(number))
                throw Mistake($"\"{_path}{name}\"", "an array of finite numbers", array);
            numbers.Add(number);
        }

        return [.. numbers];
    }

    private string? TextOrNull(string name)
    {
        JsonElement value = Value(name);
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            // Another kind of value, or a text that is no valid Unicode.
            throw Mistake($"\"{_path}{name}\"", "a text", value);
        }
    }

    private SpecificationException Mistake(string field, string expected, JsonElement found)
    {
        string text = found.GetRawText();
        if (text.Length > 40) text = $"{text[..40]}...";
        return new SpecificationException(
            $"{_where}: not a run's specification ({field} must be {expected}, got {text.ReplaceLineEndings(" ")}).");
    }
}
