using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Distributed.Checkpoints;

/// <summary>
/// The header of a safetensors file (https://github.com/huggingface/safetensors): 8 bytes little-endian length, then
/// that many bytes of JSON:
/// <c>{"__metadata__":{string:string},"name":{"dtype","shape","data_offsets":[begin,end]}}</c>.
/// The tensors' bytes follow without a gap, in any order of name.
/// </summary>
internal static class SafeTensorsHeader
{
    public const string MetadataKey = "__metadata__";

    /// <summary>The format's own limit on the JSON's length.</summary>
    public const int MaximumLength = 100_000_000;

    /// <summary>The most dimensions a tensor may have here.</summary>
    public const int MaximumRank = 16;

    private const int Alignment = 8;

    private static readonly JsonReaderOptions StrictJson = new() { MaxDepth = 8 };

    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Bytes of one element of a type the format knows; 0 for any other.</summary>
    private static int ElementBytes(string type) => type switch
    {
        "F64" or "I64" or "U64" or "C64" => 8,
        "F32" or "I32" or "U32" => 4,
        "F16" or "BF16" or "I16" or "U16" => 2,
        "I8" or "U8" or "BOOL" or "F8_E4M3" or "F8_E5M2" or "F8_E8M0" => 1,
        _ => 0,
    };

    /// <summary>The whole start of a file: the length, the JSON, and spaces up to a multiple of 8 bytes.</summary>
    public static byte[] Format(
        IEnumerable<KeyValuePair<string, string>> metadata, IEnumerable<TensorEntry> tensors)
    {
        ArrayBufferWriter<byte> buffer = new();
        buffer.Write(stackalloc byte[sizeof(ulong)]);
        using (Utf8JsonWriter json = new(buffer, Compact))
        {
            json.WriteStartObject();
            json.WriteStartObject(MetadataKey);
            foreach ((string key, string value) in metadata)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
            foreach (TensorEntry tensor in tensors)
            {
                WriteTensor(json, tensor);
            }

            json.WriteEndObject();
        }

        buffer.Write("       "u8[..(-buffer.WrittenCount & (Alignment - 1))]);
        byte[] header = buffer.WrittenSpan.ToArray();
        int length = header.Length - sizeof(ulong);
        if (length > MaximumLength)
        {
            throw new ArgumentException($"The metadata takes {length} bytes; the format allows {MaximumLength}.");
        }

        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)length);
        return header;
    }

    private static void WriteTensor(Utf8JsonWriter json, TensorEntry tensor)
    {
        json.WriteStartObject(tensor.Name);
        json.WriteString("dtype", tensor.DataType);
        json.WriteStartArray("shape");
        foreach (int size in tensor.Shape)
        {
            json.WriteNumberValue(size);
        }

        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(tensor.Offset);
        json.WriteNumberValue(tensor.Offset + tensor.ByteLength);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>
    /// Reads the JSON and checks it against the length of the data: known types, shapes that agree with the offsets,
    /// no duplicate name, no gap, no overlap, nothing left over.
    /// </summary>
    /// <exception cref="CheckpointException">Anything else, in one sentence that names the file.</exception>
    public static (Dictionary<string, string> Metadata, List<TensorEntry> Tensors) Parse(
        ReadOnlySpan<byte> header, long dataLength, string path)
    {
        Dictionary<string, string> metadata = new(StringComparer.Ordinal);
        Dictionary<string, TensorEntry> tensors = new(StringComparer.Ordinal);
        bool metadataSeen = false;
        try
        {
            Utf8JsonReader json = new(header, StrictJson);
            Expect(ref json, JsonTokenType.StartObject, path);
            while (NextProperty(ref json, path) is { } name)
            {
                if (name == MetadataKey)
                {
                    _ = metadataSeen ? throw Broken(path, "has two __metadata__ entries") : metadataSeen = true;
                    ReadMetadata(ref json, metadata, path);
                }
                else if (!tensors.TryAdd(name, ReadTensor(ref json, name, path)))
                {
                    throw Broken(path, $"names tensor '{name}' twice");
                }
            }

            _ = json.Read();
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            throw new CheckpointException(
                $"{path}: the header is not valid JSON, so this is not a safetensors file or it is broken; " +
                "use another checkpoint.", error);
        }

        List<TensorEntry> ordered = [.. tensors.Values.OrderBy(tensor => tensor.Offset)
            .ThenBy(tensor => tensor.ByteLength)];
        CheckOffsets(ordered, dataLength, path);
        ordered.Sort((left, right) => string.CompareOrdinal(left.Name, right.Name));
        return (metadata, ordered);
    }

    private static void ReadMetadata(ref Utf8JsonReader json, Dictionary<string, string> metadata, string path)
    {
        Expect(ref json, JsonTokenType.StartObject, path);
        while (NextProperty(ref json, path) is { } key)
        {
            Expect(ref json, JsonTokenType.String, path);
            if (!metadata.TryAdd(key, json.GetString()!))
            {
                throw Broken(path, $"has the metadata entry '{key}' twice");
            }
        }
    }

    private static TensorEntry ReadTensor(ref Utf8JsonReader json, string name, string path)
    {
        string? type = null;
        List<long>? shape = null;
        List<long>? offsets = null;
        Expect(ref json, JsonTokenType.StartObject, path);
        while (NextProperty(ref json, path) is { } property)
        {
            switch (property)
            {
                case "dtype" when type is null:
                    Expect(ref json, JsonTokenType.String, path);
                    type = json.GetString();
                    break;
                case "shape" when shape is null:
                    shape = ReadNumbers(ref json, name, path);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadNumbers(ref json, name, path);
                    break;
                default:
                    throw Broken(path, $"has an unexpected or repeated field '{property}' in tensor '{name}'");
            }
        }

        if (type is null || shape is null || offsets is not [long begin, long end] || end < begin)
        {
            throw Broken(path, $"lacks a valid dtype, shape or data_offsets for tensor '{name}'");
        }

        long expected = ElementBytes(type);
        if (expected == 0)
        {
            throw Broken(path, $"has the unknown element type '{type}' in tensor '{name}'");
        }

        foreach (long size in shape)
        {
            // Any product beyond the file's own bytes is wrong; stopping there keeps it from overflowing.
            expected = size > int.MaxValue || (size != 0 && expected > long.MaxValue / size) ? -1 : expected * size;
            if (expected < 0)
            {
                throw Broken(path, $"gives tensor '{name}' an impossible shape [{string.Join(", ", shape)}]");
            }
        }

        return expected == end - begin
            ? new TensorEntry(name, type, [.. shape.Select(size => (int)size)], begin, expected)
            : throw Broken(path, $"gives tensor '{name}' of {type} [{string.Join(", ", shape)}] {end - begin} bytes " +
                $"where {expected} are needed");
    }

    private static List<long> ReadNumbers(ref Utf8JsonReader json, string name, string path)
    {
        List<long> numbers = [];
        Expect(ref json, JsonTokenType.StartArray, path);
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (json.TokenType != JsonTokenType.Number || !json.TryGetInt64(out long number) || number < 0 ||
                numbers.Count == MaximumRank)
            {
                throw Broken(path, $"has a wrong number in the shape or offsets of tensor '{name}'");
            }

            numbers.Add(number);
        }

        return numbers;
    }

    private static void CheckOffsets(List<TensorEntry> tensors, long dataLength, string path)
    {
        long position = 0;
        foreach (TensorEntry tensor in tensors)
        {
            if (tensor.Offset != position)
            {
                throw Broken(path, $"has a gap or an overlap: tensor '{tensor.Name}' starts at byte {tensor.Offset} " +
                    $"of the data where {position} was expected");
            }

            position += tensor.ByteLength;
        }

        if (position > dataLength)
        {
            throw new CheckpointException($"{path}: the file is cut off: its tensors need {position} bytes but " +
                $"{dataLength} are there; use another checkpoint.");
        }

        if (position < dataLength)
        {
            throw Broken(path, $"has {dataLength - position} bytes after its last tensor");
        }
    }

    private static string? NextProperty(ref Utf8JsonReader json, string path)
    {
        if (!json.Read() || json.TokenType is not (JsonTokenType.PropertyName or JsonTokenType.EndObject))
        {
            throw Broken(path, "has a header of another form than safetensors defines");
        }

        return json.TokenType == JsonTokenType.PropertyName ? json.GetString() : null;
    }

    private static void Expect(ref Utf8JsonReader json, JsonTokenType type, string path)
    {
        if (!json.Read() || json.TokenType != type)
        {
            throw Broken(path, "has a header of another form than safetensors defines");
        }
    }

    public static CheckpointException Broken(string path, string what) =>
        new($"{path}: the file {what}, so it is broken or not a safetensors file; use another checkpoint.");
}
