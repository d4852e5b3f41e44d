using System.Buffers.Binary;
using System.Numerics;

namespace Distributed.Data;

/// <summary>
/// Reads Windows bitmaps: 1, 4 and 8 bits with a palette, 16, 24 and 32 bits, with or without bit masks, bottom-up or
/// top-down, uncompressed. Alpha is ignored. Form: Microsoft's BITMAPFILEHEADER, BITMAPCOREHEADER, BITMAPINFOHEADER.
/// </summary>
internal static class BmpReader
{
    private const int FileHeader = 14;
    private const int CoreHeader = 12;
    private const int InfoHeader = 40;
    private const int PaletteEntries = 256;
    private const uint BitFields = 3;
    private const uint AlphaBitFields = 6;

    /// <summary>What the headers say.</summary>
    /// <param name="Width">Columns.</param>
    /// <param name="Height">Rows.</param>
    /// <param name="TopDown">Whether the first stored row is the top one.</param>
    /// <param name="Depth">Bits a pixel.</param>
    /// <param name="Offset">Where the pixels start.</param>
    /// <param name="Palette">Where the palette starts.</param>
    /// <param name="EntryLength">Bytes of a palette's entry.</param>
    /// <param name="Colors">Entries of the palette.</param>
    /// <param name="Masks">Bits of red, green and blue.</param>
    private sealed record Header(
        int Width, int Height, bool TopDown, int Depth, int Offset, int Palette, int EntryLength, int Colors,
        uint[] Masks);

    public static DecodedImage Read(byte[] content, string path)
    {
        Header header = ReadHeader(content, path);
        long rowLength = (((long)header.Width * header.Depth) + 31) / 32 * 4;
        if (header.Offset + (rowLength * header.Height) > content.Length
            || header.Palette + (header.EntryLength * header.Colors) > content.Length)
        {
            throw Broken(path, "is cut off");
        }

        byte[] pixels = new byte[header.Width * header.Height * 3];
        for (int row = 0; row < header.Height; row++)
        {
            int stored = header.TopDown ? row : header.Height - 1 - row;
            ReadOnlySpan<byte> source = content.AsSpan(header.Offset + (int)(stored * rowLength), (int)rowLength);
            for (int column = 0; column < header.Width; column++)
            {
                Span<byte> pixel = pixels.AsSpan(((row * header.Width) + column) * 3, 3);
                if (header.Depth <= 8)
                {
                    ReadIndexed(header, content, source, column, pixel, path);
                }
                else
                {
                    ReadDirect(header, source, column, pixel);
                }
            }
        }

        return new DecodedImage(header.Width, header.Height, 3, pixels);
    }

    private static Header ReadHeader(ReadOnlySpan<byte> content, string path)
    {
        if (content.Length < FileHeader + CoreHeader)
        {
            throw Broken(path, "is cut off");
        }

        uint offset = BinaryPrimitives.ReadUInt32LittleEndian(content[10..]);
        ReadOnlySpan<byte> info = content[FileHeader..];
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(info);
        bool isCore = size == CoreHeader;
        if ((!isCore && size is < InfoHeader or > 1024) || info.Length < size)
        {
            throw Broken(path, $"has a header of {size} bytes");
        }

        int width = isCore ? BinaryPrimitives.ReadUInt16LittleEndian(info[4..])
            : BinaryPrimitives.ReadInt32LittleEndian(info[4..]);
        int height = isCore ? BinaryPrimitives.ReadUInt16LittleEndian(info[6..])
            : BinaryPrimitives.ReadInt32LittleEndian(info[8..]);
        int depth = BinaryPrimitives.ReadUInt16LittleEndian(info[(isCore ? 10 : 14)..]);
        uint compression = isCore ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(info[16..]);
        uint colors = isCore ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(info[32..]);
        ImageLimits.Check("BMP", width, Math.Abs((long)height), path);
        bool hasMasks = compression is BitFields or AlphaBitFields && depth is 16 or 32;
        if (depth is not (1 or 4 or 8 or 16 or 24 or 32) || (compression != 0 && !hasMasks))
        {
            throw new DataException($"{path}: the BMP file has {depth} bits a pixel in compression {compression}, " +
                "which is not read; convert it to PNG.")
            { IsCorrupt = true };
        }

        // Masks follow a header of 40 bytes and are part of a longer one: in both cases at 40.
        if (hasMasks && info.Length < InfoHeader + 12)
        {
            throw Broken(path, "is cut off");
        }

        uint[] masks = hasMasks
            ? [Mask(info, 0), Mask(info, 1), Mask(info, 2)]
            : depth == 16 ? [0x7C00, 0x03E0, 0x001F] : [0xFF0000, 0xFF00, 0xFF];
        int count = depth > 8 ? 0 : (int)Math.Min(colors == 0 ? 1u << depth : colors, PaletteEntries);
        return offset <= (uint)content.Length
            ? new Header(width, Math.Abs(height), height < 0, depth, (int)offset, FileHeader + (int)size,
                isCore ? 3 : 4, count, masks)
            : throw Broken(path, "is cut off");
    }

    private static uint Mask(ReadOnlySpan<byte> info, int channel) =>
        BinaryPrimitives.ReadUInt32LittleEndian(info[(InfoHeader + (channel * sizeof(uint)))..]);

    private static void ReadIndexed(
        Header header, ReadOnlySpan<byte> content, ReadOnlySpan<byte> row, int column, Span<byte> pixel, string path)
    {
        int bit = column * header.Depth;
        int index = (row[bit / 8] >> (8 - header.Depth - (bit % 8))) & ((1 << header.Depth) - 1);
        if (index >= header.Colors)
        {
            throw Broken(path, $"uses colour {index} of a palette of {header.Colors}");
        }

        ReadOnlySpan<byte> entry = content.Slice(header.Palette + (index * header.EntryLength), 3);
        (pixel[0], pixel[1], pixel[2]) = (entry[2], entry[1], entry[0]);
    }

    private static void ReadDirect(Header header, ReadOnlySpan<byte> row, int column, Span<byte> pixel)
    {
        int bytes = header.Depth / 8;
        ReadOnlySpan<byte> stored = row.Slice(column * bytes, bytes);
        uint value = 0;
        for (int index = bytes - 1; index >= 0; index--)
        {
            value = (value << 8) | stored[index];
        }

        for (int channel = 0; channel < 3; channel++)
        {
            uint mask = header.Masks[channel];
            uint most = mask == 0 ? 1 : mask >> BitOperations.TrailingZeroCount(mask);
            uint sample = mask == 0 ? 0 : (value & mask) >> BitOperations.TrailingZeroCount(mask);
            pixel[channel] = (byte)(((sample * (ulong)byte.MaxValue) + (most / 2)) / most);
        }
    }

    private static DataException Broken(string path, string what) =>
        new($"{path}: the BMP file {what}; make the file again.") { IsCorrupt = true };
}
