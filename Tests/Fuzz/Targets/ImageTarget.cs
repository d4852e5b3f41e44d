using System.Buffers.Binary;
using Distributed.Data;

namespace Distributed.Fuzz;

/// <summary>An image's file: decoded, brought to grey and to colour, and resized.</summary>
/// <param name="format">png, jpeg or bitmap (BMP, PPM, PGM): which seeds.</param>
internal sealed class ImageTarget(string format) : FileTarget
{
    private const long MostPixels = 1L << 26;

    public override string Name => format;

    public override IReadOnlyList<byte[]> Words => format switch
    {
        "png" =>
        [
            "IHDR"u8.ToArray(), "IDAT"u8.ToArray(), "PLTE"u8.ToArray(), "tRNS"u8.ToArray(), "IEND"u8.ToArray(),
            [0, 0, 0, 0], [255, 255, 255, 255], [0, 0, 32, 0], [0, 1, 0, 0], [8, 6, 0, 0, 1], [16, 2, 0, 0, 1],
        ],
        "jpeg" =>
        [
            [255, 0xc0], [255, 0xc2], [255, 0xc4], [255, 0xd8], [255, 0xd9], [255, 0xda], [255, 0xdb], [255, 0xdd],
            [255, 0xe1], [255, 0xee], "Exif\0\0"u8.ToArray(), "II*\0"u8.ToArray(), "MM\0*"u8.ToArray(), [1, 0x12, 0, 3],
            "Adobe"u8.ToArray(), [0xff, 0xff], [0x20, 0],
        ],
        _ =>
        [
            "BM"u8.ToArray(), "P2\n"u8.ToArray(), "P3 "u8.ToArray(), "P5\n"u8.ToArray(), "P6\n"u8.ToArray(),
            [40, 0, 0, 0], [3, 0, 0, 0], [255, 255, 255, 255], "#"u8.ToArray(), "65535"u8.ToArray(),
        ],
    };

    /// <summary>
    /// JPEG can shrink any image to next to nothing, so there only the limit to an image's pixels holds; PNG's Deflate
    /// shrinks by 1,032 at most, and a bit may be a pixel of three bytes; a bitmap's bit, too.
    /// </summary>
    public override long MostAllocated(int length) => (1 << 20) + (format switch
    {
        "jpeg" => 12 * MostPixels,
        "png" => Math.Min(1032L * 8 * length, MostPixels) * 15,
        _ => 8L * length * 15,
    });

    /// <summary>libjpeg holds a progressive file's coefficients, two bytes each, beside the pixels.</summary>
    public override long? MostGrowth => format == "jpeg" ? 24 * MostPixels : null;

    public override Outcome Read(byte[] input)
    {
        string path = Within("image");
        File.WriteAllBytes(path, input);
        return Outcome.Of(error => (error as DataException)?.Message, () =>
        {
            DecodedImage image = ImageFiles.Read(path);
            image.ToChannels(1).Resize(28, 28);
            image.ToChannels(3).Resize(32, 32);
        });
    }

    /// <summary>Writes the right checksum behind every chunk of a PNG file.</summary>
    public override byte[] Repair(byte[] input)
    {
        if (format != "png") return input;
        const int Overhead = 12;
        for (int at = 8; at + Overhead <= input.Length;)
        {
            Span<byte> rest = input.AsSpan(at);
            uint length = BinaryPrimitives.ReadUInt32BigEndian(rest);
            if (length > rest.Length - Overhead) break;
            int end = 8 + (int)length;
            BinaryPrimitives.WriteUInt32BigEndian(rest[end..], Crc32.Compute(rest[4..end]));
            at += Overhead + (int)length;
        }

        return input;
    }

    protected override IEnumerable<byte[]> MakeSeeds()
    {
        string[] endings = format switch
        {
            "png" => [".png"],
            "jpeg" => [".jpg"],
            _ => [".bmp", ".ppm", ".pgm"],
        };
        foreach (string path in Directory.GetFiles(
            Path.Combine(AppContext.BaseDirectory, "Fixtures"), "*", SearchOption.AllDirectories).Order())
        {
            if (endings.Contains(Path.GetExtension(path))) yield return File.ReadAllBytes(path);
        }

        if (format == "jpeg")
        {
            foreach (byte[] image in RealImages.Some(20)) yield return image;
        }

        if (format != "png") yield break;
        using MemoryStream written = new();
        PngWriter.Write(written, new DecodedImage(5, 4, 3, new byte[60]));
        yield return written.ToArray();
    }
}
