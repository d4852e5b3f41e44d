using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Distributed.Data;

/// <summary>
/// Reads PNG files (ISO/IEC 15948) of every colour type, depth and interlacing into 8 bits a channel: grey for grey
/// files, else red, green, blue. Transparent pixels are laid on black; gamma and colour profiles are ignored. Each
/// chunk's CRC is checked, and sizes before anything is allocated.
/// </summary>
internal static class PngReader
{
    private const int MaximumPalette = 256;

    /// <summary>A chunk's length, type and CRC.</summary>
    private const int ChunkOverhead = 12;

    /// <summary>Deflate can't shrink data more than this.</summary>
    private const long MaximumCompression = 1032;

    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Decodes a file that starts with the signature.</summary>
    /// <exception cref="DataException">It is broken or too large.</exception>
    public static DecodedImage Read(byte[] content, string path)
    {
        (PngHeader header, MemoryStream compressed) = ReadChunks(content, path);
        byte[] pixels = PngPixels.Decode(header, Inflate(header, compressed, path), path);
        return new DecodedImage(header.Width, header.Height, header.Channels, pixels);
    }

    private static (PngHeader Header, MemoryStream Compressed) ReadChunks(byte[] content, string path)
    {
        PngHeader? header = null;
        MemoryStream compressed = new();
        for (int position = Signature.Length; ;)
        {
            ReadOnlySpan<byte> rest = content.AsSpan(position);
            uint length = rest.Length < ChunkOverhead ? uint.MaxValue : BinaryPrimitives.ReadUInt32BigEndian(rest);
            if (length > rest.Length - ChunkOverhead)
            {
                throw Broken(path, "is cut off");
            }

            ReadOnlySpan<byte> data = rest.Slice(8, (int)length);
            string type = Encoding.Latin1.GetString(rest.Slice(4, 4));
            if (Crc32.Compute(rest.Slice(4, 4 + data.Length))
                != BinaryPrimitives.ReadUInt32BigEndian(rest[(8 + data.Length)..]))
            {
                throw Broken(path, $"has a wrong checksum in its {Printable(type)} chunk");
            }

            position += ChunkOverhead + data.Length;
            if ((header is null) != (type == "IHDR"))
            {
                throw Broken(path, "doesn't start with one IHDR chunk");
            }

            if (type == "IEND")
            {
                return (header!, compressed);
            }

            if (type == "IHDR")
            {
                header = ReadHeader(data, path);
            }
            else
            {
                ReadChunk(header!, compressed, type, data, path);
            }
        }
    }

    private static void ReadChunk(
        PngHeader header, MemoryStream compressed, string type, ReadOnlySpan<byte> data, string path)
    {
        switch (type)
        {
            case "IDAT":
                compressed.Write(data);
                break;
            case "PLTE" when header.Palette.Length > 0
                || data.Length is 0 or > 3 * MaximumPalette || data.Length % 3 != 0:
                throw Broken(path, $"has a palette of {data.Length} bytes");
            case "PLTE":
                header.Palette = data.ToArray();
                break;
            case "tRNS" when header.Color == PngColor.Palette
                ? data.Length > MaximumPalette : data.Length != 2 * header.Samples:
                throw Broken(path, $"has a transparency chunk of {data.Length} bytes");
            case "tRNS":
                header.Transparency = data.ToArray();
                break;
            case [>= 'A' and <= 'Z', ..]:
                throw Broken(path, $"has the unknown critical chunk {Printable(type)}");
        }
    }

    private static PngHeader ReadHeader(ReadOnlySpan<byte> data, string path)
    {
        const int Length = 13;
        if (data.Length != Length)
        {
            throw Broken(path, $"has a header of {data.Length} bytes where {Length} were expected");
        }

        uint width = BinaryPrimitives.ReadUInt32BigEndian(data);
        uint height = BinaryPrimitives.ReadUInt32BigEndian(data[4..]);
        ImageLimits.Check("PNG", width, height, path);
        PngHeader header = new((int)width, (int)height, data[8], (PngColor)data[9], data[12] == 1);
        return header.IsAllowed && data[10] == 0 && data[11] == 0 && data[12] <= 1 ? header
            : throw Broken(path, $"has an unknown form (colour type {data[9]}, {data[8]} bits, compression " +
                $"{data[10]}, filter {data[11]}, interlacing {data[12]})");
    }

    private static byte[] Inflate(PngHeader header, MemoryStream compressed, string path)
    {
        if (header.Color == PngColor.Palette && header.Palette.Length == 0)
        {
            throw Broken(path, "lacks its palette");
        }

        // At most 8 bytes a pixel and a byte a row, so it fits an array.
        long length = header.RawLength;
        if (length > compressed.Length * MaximumCompression)
        {
            throw Broken(path, "has too few pixels");
        }

        byte[] raw = GC.AllocateUninitializedArray<byte>((int)length);
        compressed.Position = 0;
        try
        {
            using ZLibStream plain = new(compressed, CompressionMode.Decompress);
            return plain.ReadAtLeast(raw, raw.Length, throwOnEndOfStream: false) == raw.Length ? raw
                : throw Broken(path, "has too few pixels");
        }
        catch (InvalidDataException error)
        {
            throw new DataException(
                $"{path}: the PNG file's compressed pixels are broken; make the file again.", error)
            { IsCorrupt = true };
        }
    }

    private static string Printable(string type) => type.All(char.IsAsciiLetter) ? type : "unnamed";

    public static DataException Broken(string path, string what) =>
        new($"{path}: the PNG file {what}; make the file again.") { IsCorrupt = true };
}
