using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Distributed.Learning;

/// <summary>
/// Parses JSON that may be anything. The system's parser takes texts that are no valid Unicode (RFC 8259, 8.1 and 8.2),
/// and throws something else whenever one of them is looked at; here they are malformed JSON like any other.
/// </summary>
public static class StrictJson
{
    private const int MaximumDepth = 64;

    /// <summary>Parses a text.</summary>
    /// <exception cref="JsonException">It is not valid JSON.</exception>
    public static JsonDocument Parse(string text, JsonDocumentOptions options = default) =>
        Parse(Encoding.UTF8.GetBytes(text), options);

    /// <summary>Parses UTF-8, which the document keeps.</summary>
    /// <exception cref="JsonException">It is not valid JSON.</exception>
    public static JsonDocument Parse(byte[] utf8, JsonDocumentOptions options = default)
    {
        RequireUnicode(utf8);
        return JsonDocument.Parse(utf8, options);
    }

    private static void RequireUnicode(byte[] utf8)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = MaximumDepth });
        while (reader.Read())
        {
            if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName)) continue;
            if (!Utf8.IsValid(reader.ValueSpan)) throw Invalid();
            if (!reader.ValueIsEscaped) continue;
            try
            {
                _ = reader.GetString();
            }
            catch (InvalidOperationException) // half of a surrogate pair
            {
                throw Invalid();
            }
        }
    }

    private static JsonException Invalid() => new("a text in it is no valid Unicode");
}
