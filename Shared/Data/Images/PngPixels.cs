using System.Buffers.Binary;

namespace Distributed.Data;

/// <summary>From a PNG file's decompressed rows to pixels: filters, interlacing, colours, transparency.</summary>
internal static class PngPixels
{
    /// <summary>Decodes all passes.</summary>
    /// <param name="header">The file's header.</param>
    /// <param name="raw">Filtered rows, each after the byte that names its filter; overwritten.</param>
    /// <param name="path">For messages.</param>
    public static byte[] Decode(PngHeader header, Span<byte> raw, string path)
    {
        byte[] pixels = new byte[header.Width * header.Height * header.Channels];
        foreach ((int X, int Y, int StepX, int StepY) pass in header.Passes)
        {
            (int width, int height) = header.Measure(pass);
            if (width == 0)
            {
                continue;
            }

            Span<byte> previous = new byte[header.RowLength(width)];
            for (int row = 0; row < height; row++)
            {
                byte filter = raw[0];
                Span<byte> current = raw.Slice(1, previous.Length);
                raw = raw[(1 + previous.Length)..];
                Unfilter(filter, current, previous, header.FilterStep, path);
                int y = pass.Y + (row * pass.StepY);
                for (int column = 0; column < width; column++)
                {
                    int place = ((y * header.Width) + pass.X + (column * pass.StepX)) * header.Channels;
                    Convert(header, current, column, pixels.AsSpan(place, header.Channels), path);
                }

                previous = current;
            }
        }

        return pixels;
    }

    private static void Unfilter(byte filter, Span<byte> current, ReadOnlySpan<byte> previous, int step, string path)
    {
        if (filter > 4)
        {
            throw PngReader.Broken(path, $"has the unknown filter {filter}");
        }

        for (int index = 0; index < current.Length; index++)
        {
            int left = index < step ? 0 : current[index - step];
            int above = previous[index];
            int corner = index < step ? 0 : previous[index - step];
            current[index] += (byte)(filter switch
            {
                0 => 0,
                1 => left,
                2 => above,
                3 => (left + above) / 2,
                _ => Paeth(left, above, corner),
            });
        }
    }

    /// <summary>Of the three neighbours, the one nearest to left + above - corner; ties in this order.</summary>
    private static int Paeth(int left, int above, int corner)
    {
        int estimate = left + above - corner;
        int toLeft = Math.Abs(estimate - left), toAbove = Math.Abs(estimate - above);
        int toCorner = Math.Abs(estimate - corner);
        return toLeft <= toAbove && toLeft <= toCorner ? left : toAbove <= toCorner ? above : corner;
    }

    private static void Convert(PngHeader header, ReadOnlySpan<byte> row, int column, Span<byte> pixel, string path)
    {
        int first = column * header.Samples;
        if (header.Color == PngColor.Palette)
        {
            int index = Sample(row, column, header.Depth);
            if (index * 3 >= header.Palette.Length)
            {
                throw PngReader.Broken(path, $"uses colour {index} of a palette of {header.Palette.Length / 3}");
            }

            int opacity = index < header.Transparency.Length ? header.Transparency[index] : byte.MaxValue;
            for (int channel = 0; channel < pixel.Length; channel++)
            {
                pixel[channel] = OnBlack(header.Palette[(index * 3) + channel], opacity);
            }

            return;
        }

        bool stored = header.Color is PngColor.GreyAlpha or PngColor.Rgba;
        int alpha = stored ? To8Bits(Sample(row, first + header.Samples - 1, header.Depth), header.Depth)
            : IsTransparent(header, row, first) ? 0 : byte.MaxValue;
        for (int channel = 0; channel < pixel.Length; channel++)
        {
            pixel[channel] = OnBlack(To8Bits(Sample(row, first + channel, header.Depth), header.Depth), alpha);
        }
    }

    /// <summary>Whether a pixel without an alpha of its own is the one that the tRNS chunk names.</summary>
    private static bool IsTransparent(PngHeader header, ReadOnlySpan<byte> row, int first)
    {
        for (int sample = 0; sample < header.Transparency.Length / 2; sample++)
        {
            if (Sample(row, first + sample, header.Depth)
                != BinaryPrimitives.ReadUInt16BigEndian(header.Transparency.AsSpan(sample * 2)))
            {
                return false;
            }
        }

        return header.Transparency.Length > 0;
    }

    private static int Sample(ReadOnlySpan<byte> row, int index, int depth)
    {
        if (depth == 16)
        {
            return BinaryPrimitives.ReadUInt16BigEndian(row[(index * 2)..]);
        }

        int bit = index * depth;
        return (row[bit / 8] >> (8 - depth - (bit % 8))) & ((1 << depth) - 1);
    }

    private static int To8Bits(int sample, int depth)
    {
        int maximum = (1 << depth) - 1;
        return ((sample * byte.MaxValue) + (maximum / 2)) / maximum;
    }

    private static byte OnBlack(int value, int alpha) =>
        (byte)(((value * alpha) + (byte.MaxValue / 2)) / byte.MaxValue);
}
