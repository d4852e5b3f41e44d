namespace Distributed.Data;

/// <summary>
/// Reads the portable anymaps of Netpbm: PPM (colour) and PGM (grey), plain (P3, P2) and raw (P6, P5), of up to 16 bits
/// a sample, brought to 8.
/// </summary>
internal static class PnmReader
{
    private const int MaximumSample = 65535;

    public static DecodedImage Read(byte[] content, string path)
    {
        bool isGrey = content[1] is (byte)'2' or (byte)'5';
        bool isPlain = content[1] is (byte)'2' or (byte)'3';
        if (content[1] is (byte)'1' or (byte)'4')
        {
            throw new DataException($"{path}: this is a PBM image of two colours, which is not read; convert it to " +
                "PNG.")
            { IsCorrupt = true };
        }

        int position = 2;
        int width = Number(content, ref position, path), height = Number(content, ref position, path);
        int most = Number(content, ref position, path);
        ImageLimits.Check("PNM", width, height, path);
        if (most is < 1 or > MaximumSample)
        {
            throw Broken(path, $"has samples up to {most} where 1 to {MaximumSample} are allowed");
        }

        int channels = isGrey ? 1 : 3, bytes = most > byte.MaxValue ? 2 : 1;
        long length = (long)width * height * channels;

        // One byte of white space ends a raw header; a plain sample takes two bytes, but for the last.
        position += isPlain ? 0 : 1;
        if (content.Length - position < (isPlain ? (2 * length) - 1 : length * bytes))
        {
            throw Broken(path, "is cut off");
        }

        byte[] pixels = new byte[length];
        for (int index = 0; index < pixels.Length; index++)
        {
            int sample = isPlain ? Number(content, ref position, path)
                : bytes == 1 ? content[position + index]
                : (content[position + (2 * index)] << 8) | content[position + (2 * index) + 1];
            pixels[index] = sample <= most ? (byte)(((sample * byte.MaxValue) + (most / 2)) / most)
                : throw Broken(path, $"has a sample {sample} above its largest of {most}");
        }

        return new DecodedImage(width, height, channels, pixels);
    }

    /// <summary>The next decimal number; white space and comments before it are skipped.</summary>
    private static int Number(byte[] content, ref int position, string path)
    {
        bool isComment = false;
        while (position < content.Length && (isComment || content[position] is not (>= (byte)'0' and <= (byte)'9')))
        {
            byte letter = content[position++];
            if (!isComment && letter != '#' && letter is not ((byte)' ' or (>= 9 and <= 13)))
            {
                throw Broken(path, "has something else where a number was expected");
            }

            isComment = letter != '\n' && (isComment || letter == '#');
        }

        int start = position;
        long number = 0;
        while (position < content.Length && content[position] is >= (byte)'0' and <= (byte)'9'
            && number <= int.MaxValue)
        {
            number = (number * 10) + content[position++] - '0';
        }

        return position > start && number <= int.MaxValue ? (int)number
            : throw Broken(path, position > start ? "has a number that is too large" : "is cut off");
    }

    private static DataException Broken(string path, string what) =>
        new($"{path}: the PNM file {what}; make the file again.") { IsCorrupt = true };
}
