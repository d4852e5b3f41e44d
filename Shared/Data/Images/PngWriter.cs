using System.Buffers.Binary;
using System.IO.Compression;

namespace Distributed.Data;

/// <summary>Writes PNG files of 8 bits a channel, grey or red, green, blue.</summary>
public static class PngWriter
{
    /// <summary>Writes an image.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="image">The image.</param>
    public static void Write(Stream stream, DecodedImage image)
    {
        stream.Write(PngReader.Signature);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, image.Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], image.Height);
        header[8] = 8;
        header[9] = (byte)(image.Channels == 1 ? PngColor.Grey : PngColor.Rgb);
        header[10..].Clear();
        WriteChunk(stream, "IHDR"u8, header);
        using MemoryStream compressed = new();
        using (ZLibStream deflate = new(compressed, CompressionLevel.Optimal, leaveOpen: true))
        {
            int length = image.Width * image.Channels;
            for (int row = 0; row < image.Height; row++)
            {
                deflate.WriteByte(0);
                deflate.Write(image.Pixels, row * length, length);
            }
        }

        WriteChunk(stream, "IDAT"u8, compressed.GetBuffer().AsSpan(0, (int)compressed.Length));
        WriteChunk(stream, "IEND"u8, []);
    }

    private static void WriteChunk(Stream stream, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        byte[] chunk = new byte[4 + 4 + data.Length + 4];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        type.CopyTo(chunk.AsSpan(4));
        data.CopyTo(chunk.AsSpan(8));
        uint crc = Crc32.Compute(chunk.AsSpan(4, 4 + data.Length));
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + data.Length), crc);
        stream.Write(chunk);
    }
}
