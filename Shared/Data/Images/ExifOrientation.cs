using System.Buffers.Binary;

namespace Distributed.Data;

/// <summary>
/// Which way up a JPEG file's image is, by EXIF 2.32: tag 0x0112 of the first image directory, in the APP1 segment that
/// begins with "Exif". Cameras store the image as the sensor lies and note here how it was held.
/// </summary>
internal static class ExifOrientation
{
    private const int Upright = 1;
    private const byte MarkerStart = 0xFF;
    private const byte Application1 = 0xE1;
    private const byte StartOfScan = 0xDA;
    private const int TagOrientation = 0x0112;
    private const int TypeShort = 3;
    private const int EntryLength = 12;

    /// <summary>1 to 8; 1 where nothing, or nothing sound, is said.</summary>
    public static int Read(ReadOnlySpan<byte> jpeg)
    {
        int at = 2; // behind the start of the image
        while (at + 4 <= jpeg.Length && jpeg[at] == MarkerStart && jpeg[at + 1] != StartOfScan)
        {
            int length = BinaryPrimitives.ReadUInt16BigEndian(jpeg[(at + 2)..]);
            if (length < 2 || at + 2 + length > jpeg.Length)
            {
                break;
            }

            ReadOnlySpan<byte> segment = jpeg.Slice(at + 4, length - 2);
            if (jpeg[at + 1] == Application1 && segment.StartsWith("Exif\0\0"u8))
            {
                return OfDirectory(segment[6..]);
            }

            at += 2 + length;
        }

        return Upright;
    }

    /// <summary>The image as it is to be seen.</summary>
    /// <param name="image">The image as it is stored.</param>
    /// <param name="orientation">
    /// What the stored first row and first column are: 1 top and left, 2 top and right, 3 bottom and right, 4 bottom
    /// and left, 5 left and top, 6 right and top, 7 right and bottom, 8 left and bottom.
    /// </param>
    public static DecodedImage Apply(DecodedImage image, int orientation)
    {
        if (orientation == Upright)
        {
            return image;
        }

        bool isTurned = orientation >= 5;
        (int width, int height) = isTurned ? (image.Height, image.Width) : (image.Width, image.Height);
        byte[] pixels = new byte[image.Pixels.Length];
        int at = 0;
        for (int row = 0; row < height; row++)
        {
            for (int column = 0; column < width; column++, at += image.Channels)
            {
                (int fromRow, int fromColumn) = isTurned ? (column, row) : (row, column);
                fromRow = orientation is 3 or 4 or 6 or 7 ? image.Height - 1 - fromRow : fromRow;
                fromColumn = orientation is 2 or 3 or 7 or 8 ? image.Width - 1 - fromColumn : fromColumn;
                image.Pixels.AsSpan(((fromRow * image.Width) + fromColumn) * image.Channels, image.Channels)
                    .CopyTo(pixels.AsSpan(at));
            }
        }

        return new DecodedImage(width, height, image.Channels, pixels);
    }

    private static int OfDirectory(ReadOnlySpan<byte> tiff)
    {
        bool isLittle = tiff.StartsWith("II"u8);
        if (tiff.Length < 8 || !(isLittle || tiff.StartsWith("MM"u8)))
        {
            return Upright;
        }

        uint start = isLittle
            ? BinaryPrimitives.ReadUInt32LittleEndian(tiff[4..]) : BinaryPrimitives.ReadUInt32BigEndian(tiff[4..]);
        if (start > tiff.Length - 2)
        {
            return Upright;
        }

        ReadOnlySpan<byte> entries = tiff[((int)start + 2)..];
        int count = Math.Min(Short(tiff[(int)start..], isLittle), entries.Length / EntryLength);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = entries.Slice(i * EntryLength, EntryLength);
            if (Short(entry, isLittle) == TagOrientation && Short(entry[2..], isLittle) == TypeShort)
            {
                int value = Short(entry[8..], isLittle);
                return value is >= 1 and <= 8 ? value : Upright;
            }
        }

        return Upright;
    }

    private static int Short(ReadOnlySpan<byte> bytes, bool isLittle) => isLittle
        ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);
}
