namespace Distributed.Data;

/// <summary>
/// Reads image files, told apart by their content: PNG, JPEG, BMP, PPM and PGM, and raw IDX files of grey images, plain
/// or gzipped.
/// </summary>
public static class ImageFiles
{
    private const int FirstBytes = 1 << 16;

    private const string Formats = "a PNG, JPEG, BMP, PPM or PGM image";

    /// <summary>What the names of images end with, in lower case.</summary>
    public static IReadOnlyList<string> Extensions { get; } =
        [".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".pnm"];

    /// <summary>Reads a file that holds one image.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataException">It is missing, unreadable, broken, or holds several images.</exception>
    public static DecodedImage Read(string path) => ReadAll(path) is [var only] ? only
        : throw new DataException($"{path}: the file holds several images where one was expected.");

    /// <summary>Reads every image of a file: one of an image file, all of an IDX file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataException">It is missing, unreadable or broken.</exception>
    public static IReadOnlyList<DecodedImage> ReadAll(string path)
    {
        Span<byte> start = stackalloc byte[4];
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            int got = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            file.Position = 0;

            // 0 0 8: IDX of bytes; 1f 8b: gzip.
            if (got == start.Length
                && (start[..3].SequenceEqual<byte>([0, 0, 8]) || start[..2].SequenceEqual<byte>([0x1F, 0x8B])))
            {
                return ReadIdx(path);
            }

            return [Decode(ReadContent(file, file.Length, path), path)];
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DataException($"{path}: there is no such image; check the path.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: the image can't be read ({error.Message.TrimEnd('.')}).", error);
        }
    }

    /// <summary>Decodes the content of a file that holds one image.</summary>
    /// <exception cref="DataException">It is broken or none of the formats.</exception>
    internal static DecodedImage Decode(byte[] content, string path) => content switch
    {
        [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => PngReader.Read(content, path),
        [0xFF, 0xD8, ..] => JpegReader.Read(content, path),
        [(byte)'B', (byte)'M', ..] => BmpReader.Read(content, path),
        [(byte)'P', >= (byte)'1' and <= (byte)'6', ..] => PnmReader.Read(content, path),
        [] => throw new DataException($"{path}: the file is empty; get it again.") { IsCorrupt = true },
        _ => throw new DataException($"{path}: this is not {Formats}, nor an IDX file of images; convert it to PNG.")
        { IsCorrupt = true },
    };

    /// <summary>Reads a file's content, of which the length is known, after a look at the length.</summary>
    internal static byte[] ReadContent(Stream stream, long length, string path)
    {
        if (length > ImageLimits.MaximumFile)
        {
            throw new DataException($"{path}: the image file has {length} bytes where {ImageLimits.MaximumFile} are " +
                "allowed; make it smaller.")
            { IsCorrupt = true };
        }

        // An archive's word for the length is believed only as far as bytes come.
        byte[] content = GC.AllocateUninitializedArray<byte>(
            (int)(stream.CanSeek ? length : Math.Min(length, FirstBytes)));
        int got = 0;
        while ((got += stream.ReadAtLeast(content.AsSpan(got), content.Length - got, throwOnEndOfStream: false))
            == content.Length)
        {
            if (got == length) return content;
            Array.Resize(ref content, (int)Math.Min(length, 2L * content.Length));
        }

        throw new DataException($"{path}: the file is cut off; get it again.") { IsCorrupt = true };
    }

    private static DecodedImage[] ReadIdx(string path)
    {
        (int[] shape, byte[] pixels) = IdxFile.Read(path, 3);
        int length = shape[1] * shape[2];
        DecodedImage[] images = new DecodedImage[shape[0]];
        for (int index = 0; index < images.Length; index++)
        {
            images[index] = new DecodedImage(
                shape[2], shape[1], 1, pixels.AsSpan(index * length, length).ToArray());
        }

        return images;
    }
}
