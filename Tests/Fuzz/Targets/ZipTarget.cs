using System.IO.Compression;
using System.Security.Cryptography;
using Distributed.Data;

namespace Distributed.Fuzz;

/// <summary>A zip file of images, a folder a class: its parts, classes and names, and every image decoded.</summary>
internal sealed class ZipTarget : FileTarget
{
    private const int MostDecoded = 64;

    public override string Name => "zip";

    public override IReadOnlyList<byte[]> Words { get; } =
    [
        "PK\x01\x02"u8.ToArray(), "PK\x03\x04"u8.ToArray(), "PK\x05\x06"u8.ToArray(), "PK\x06\x06"u8.ToArray(),
        "PK\x06\x07"u8.ToArray(), "train/"u8.ToArray(), "test/"u8.ToArray(), "val/"u8.ToArray(), "/a/x.png"u8.ToArray(),
        "../"u8.ToArray(), "\\"u8.ToArray(), "\n"u8.ToArray(), [255, 255, 255, 255], [1, 0, 28, 0],
        [8, 0], [0, 0], [1, 8], "P5 1 1 255 x"u8.ToArray(),
    ];

    /// <summary>What Deflate can shrink to that length, of any kind of image but JPEG, which is a target of its own.
    /// </summary>
    public override long MostAllocated(int length) => (4 << 20) + (16L * 1032 * length);

    public override Outcome Read(byte[] input)
    {
        string path = Within("images.zip");
        File.WriteAllBytes(path, input);
        List<string> broken = [];
        Outcome outcome = Outcome.Of(error => (error as DataException)?.Message, () =>
        {
            ImageSource source = ImageFolder.Open("folder", path, (3, 8, 8), seed: 1);
            using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            source.AppendIdentity(hash);
            byte[] pixels = new byte[source.SampleLength];
            int count = Math.Min(MostDecoded, source.TrainCount + source.TestCount);
            for (int index = 0; index < count; index++) Decode(source, index, pixels, broken);
        });
        return outcome with { Refusals = [.. outcome.Refusals, .. broken] };
    }

    protected override IEnumerable<byte[]> MakeSeeds()
    {
        using MemoryStream png = new();
        PngWriter.Write(png, new DecodedImage(5, 4, 3, new byte[60]));
        byte[] bitmap = [.. "P5 2 2 255 abcd"u8];
        byte[][] images = [png.ToArray(), bitmap];
        string[] places = ["train/a/1", "train/b/2", "train/b/3", "val/a/4", "test/b/5"];
        yield return Archive(places, images, CompressionLevel.Optimal);
        yield return Archive(places, images, CompressionLevel.NoCompression);
        yield return Archive(
            [.. Enumerable.Range(0, 12).Select(index => $"all/{index % 2}/{index}")], images, CompressionLevel.Optimal);
    }

    private static void Decode(ImageSource source, int index, byte[] pixels, List<string> broken)
    {
        try
        {
            source.NameOf(index);
            int label = source.Decode(index, pixels);
            if (label < 0 || label >= source.ClassNames.Count)
                throw new InvalidOperationException($"The label is {label}.");
        }
        catch (DataException error)
        {
            broken.Add(error.Message);
        }
    }

    private static byte[] Archive(string[] places, byte[][] images, CompressionLevel level)
    {
        using MemoryStream stream = new();
        using (ZipArchive archive = new(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            for (int index = 0; index < places.Length; index++)
            {
                byte[] image = images[index % images.Length];
                string ending = image == images[0] ? "png" : "pgm";
                using Stream entry = archive.CreateEntry($"{places[index]}.{ending}", level).Open();
                entry.Write(image);
            }
        }

        return stream.ToArray();
    }
}
