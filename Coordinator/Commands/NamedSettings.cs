using System.Globalization;
using System.Text.Json;

namespace Distributed.Coordinator;

/// <summary>
/// A name with settings, as an option's value: <c>NAME[:KEY=VALUE...]</c>, such as <c>step:every=30:factor=0.5</c>; a
/// value with commas is a list. It becomes the JSON object that a specification has in this place.
/// </summary>
internal static class NamedSettings
{
    /// <summary>The object; null where a part has no <c>KEY=</c> or no value, or a key comes twice.</summary>
    public static JsonElement? Parse(string text)
    {
        string[] parts = text.Split(':');
        Dictionary<string, string> settings = [];
        foreach (string part in parts.Skip(1))
        {
            int equals = part.IndexOf('=');
            bool isSound = equals > 0 && equals < part.Length - 1 && part[..equals] != "name"
                && settings.TryAdd(part[..equals], part[(equals + 1)..]);
            if (!isSound) return null;
        }

        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream))
        {
            writer.WriteStartObject();
            writer.WriteString("name", parts[0]);
            foreach ((string key, string value) in settings)
            {
                writer.WritePropertyName(key);
                WriteValue(writer, value);
            }

            writer.WriteEndObject();
        }

        using JsonDocument document = JsonDocument.Parse(stream.ToArray());
        return document.RootElement.Clone();
    }

    private static void WriteValue(Utf8JsonWriter writer, string text)
    {
        if (text.Contains(','))
        {
            writer.WriteStartArray();
            foreach (string item in text.Split(',')) WriteValue(writer, item);
            writer.WriteEndArray();
        }
        else if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int whole))
        {
            writer.WriteNumberValue(whole);
        }
        else if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            && double.IsFinite(number))
        {
            writer.WriteNumberValue(number);
        }
        else if (bool.TryParse(text, out bool flag))
        {
            writer.WriteBooleanValue(flag);
        }
        else
        {
            writer.WriteStringValue(text);
        }
    }
}
