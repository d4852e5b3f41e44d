namespace Distributed.Data;

/// <summary>Reads image files: PNG, and raw IDX files of grey images, plain or gzipped.</summary>
public static class ImageFiles
{
    /// <summary>Reads a file that holds one image.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataException">It is missing, unreadable, broken, or holds several images.</exception>
    public static DecodedImage Read(string path) => ReadAll(path) is [var only] ? only
        : throw new DataException($"{path}: the file holds several images where one was expected.");

    /// <summary>Reads every image of a file: one of a PNG file, all of an IDX file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataException">It is missing, unreadable or broken.</exception>
    public static IReadOnlyList<DecodedImage> ReadAll(string path)
    {
        Span<byte> start = stackalloc byte[PngReader.Signature.Length];
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            int got = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            if (start[..got].SequenceEqual(PngReader.Signature))
            {
                file.Position = 0;
                return [PngReader.Read(file, path)];
            }

            // 0 0 8: IDX of bytes; 1f 8b: gzip.
            if (got < 4 || !(start[..3].SequenceEqual<byte>([0, 0, 8]) || start[..2].SequenceEqual<byte>([0x1F, 0x8B])))
            {
                throw new DataException(
                    $"{path}: this is neither a PNG image nor an IDX file of images; convert it to PNG.");
            }
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DataException($"{path}: there is no such image; check the path.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: the image can't be read ({error.Message.TrimEnd('.')}).", error);
        }

        return ReadIdx(path);
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
