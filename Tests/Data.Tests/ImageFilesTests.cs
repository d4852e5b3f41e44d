using System.Buffers.Binary;
using System.Security.Cryptography;
using Xunit;

namespace Distributed.Data.Tests;

public sealed class ImageFilesTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public static TheoryData<string, int, int, int, string> Expected => Rows("expected.txt");

    public static TheoryData<string, int, int, int, string> Resized => Rows("resized.txt");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Expected))]
    public void ReadsPngOfEveryForm(string name, int width, int height, int channels, string hash)
    {
        DecodedImage image = ImageFiles.Read(TestData.Fixture($"png/{name}"));
        Assert.Equal((width, height, channels), (image.Width, image.Height, image.Channels));
        Assert.Equal(hash, Hash(image));
    }

    [Theory]
    [MemberData(nameof(Resized))]
    public void ResizesAsPillowDoes(string name, int width, int height, int channels, string hash)
    {
        DecodedImage image = ImageFiles.Read(TestData.Fixture($"png/{name}")).Resize(width, height);
        Assert.Equal((width, height, channels), (image.Width, image.Height, image.Channels));
        Assert.Equal(hash, Hash(image));
    }

    [Fact]
    public void ConvertsBetweenGreyAndColour()
    {
        DecodedImage colour = new(2, 1, 3, [255, 0, 0, 10, 20, 30]);
        Assert.Equal([76, 18], colour.ToChannels(1).Pixels);
        Assert.Equal([76, 76, 76, 18, 18, 18], colour.ToChannels(1).ToChannels(3).Pixels);
        Assert.Same(colour, colour.ToChannels(3));
        Assert.Same(colour, colour.Resize(2, 1));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void WritesWhatItReads(int channels)
    {
        DecodedImage image = new(5, 4, channels, [.. Enumerable.Range(0, 20 * channels).Select(i => (byte)(i * 7))]);
        using (FileStream file = File.Create(_folder.File("image.png")))
        {
            PngWriter.Write(file, image);
        }

        DecodedImage again = ImageFiles.Read(_folder.File("image.png"));
        Assert.Equal((5, 4, channels), (again.Width, again.Height, again.Channels));
        Assert.Equal(image.Pixels, again.Pixels);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ReadsTheImagesOfAnIdxFile(bool compressed)
    {
        byte[] content = TestData.Images(2, 3, 4);
        string path = _folder.Write("images", compressed ? TestData.Gzip(content) : content);
        IReadOnlyList<DecodedImage> images = ImageFiles.ReadAll(path);
        Assert.Equal([(4, 3, 1), (4, 3, 1)], images.Select(image => (image.Width, image.Height, image.Channels)));
        Assert.Equal(content[28..], images[1].Pixels);
        Assert.Equal($"{path}: the file holds several images where one was expected.", Message(path));
    }

    [Fact]
    public void SaysThatAFileIsMissingOrSomethingElse()
    {
        Assert.Equal($"{_folder.File("none")}: there is no such image; check the path.", Message(_folder.File("none")));
        Assert.Contains("can't be read", Message(_folder.Path), StringComparison.Ordinal);
        string path = _folder.Write("text", "GIF89a, not a PNG"u8);
        Assert.Equal(
            $"{path}: this is not a PNG, JPEG, BMP, PPM or PGM image, nor an IDX file of images; convert it to PNG.",
            Message(path));
        Assert.Equal($"{_folder.File("empty")}: the file is empty; get it again.", Message(_folder.Write("empty")));
    }

    [Theory]
    [InlineData(0, 5, "the PNG image is 0 x 5")]
    [InlineData(65537, 1, "the PNG image is 65537 x 1")]
    [InlineData(65536, 65536, "the PNG image is 65536 x 65536")]
    [InlineData(-1, -1, "the PNG image is 4294967295 x 4294967295")]
    [InlineData(8000, 8000, "has too few pixels")]
    public void RefusesAbsurdSizesBeforeAllocating(int width, int height, string expected)
    {
        byte[] png = File.ReadAllBytes(TestData.Fixture("png/grey-8.png"));
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), height);
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), Crc32.Compute(png.AsSpan(12, 17)));
        string path = _folder.Write("image.png", png);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains(expected, Message(path), StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Theory]
    [InlineData("grey-8.png", 24, 3, "has an unknown form (colour type 0, 3 bits")]
    [InlineData("grey-8.png", 25, 5, "has an unknown form (colour type 5, 8 bits")]
    [InlineData("grey-8.png", 28, 2, "interlacing 2)")]
    [InlineData("grey-8.png", 12, (int)'X', "doesn't start with one IHDR chunk")]
    [InlineData("palette-8.png", 12, (int)'i', "doesn't start with one IHDR chunk")]
    public void SaysWhatIsWrongInTheHeader(string name, int position, byte value, string expected)
    {
        byte[] png = File.ReadAllBytes(TestData.Fixture($"png/{name}"));
        png[position] = value;
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), Crc32.Compute(png.AsSpan(12, 17)));
        Assert.Contains(expected, Message(_folder.Write("image.png", png)), StringComparison.Ordinal);
    }

    [Fact]
    public void DetectsTruncationAtEveryLengthAndEveryWrongByte()
    {
        foreach (string name in new[] { "palette-4-transparent.png", "rgb-16-interlaced.png" })
        {
            byte[] png = File.ReadAllBytes(TestData.Fixture($"png/{name}"));
            for (int length = 0; length < png.Length; length++)
            {
                Message(_folder.Write("image.png", png.AsSpan(0, length)));
            }

            for (int index = 0; index < png.Length; index++)
            {
                byte[] broken = [.. png];
                broken[index] ^= 0x20;
                Message(_folder.Write("image.png", broken));
            }
        }
    }

    private static TheoryData<string, int, int, int, string> Rows(string name)
    {
        TheoryData<string, int, int, int, string> rows = [];
        foreach (string[] row in File.ReadLines(TestData.Fixture($"png/{name}")).Select(line => line.Split(' ')))
        {
            rows.Add(row[0], int.Parse(row[1]), int.Parse(row[2]), int.Parse(row[3]), row[4]);
        }

        return rows;
    }

    private static string Hash(DecodedImage image) => Convert.ToHexStringLower(SHA256.HashData(image.Pixels));

    private static string Message(string path) =>
        Assert.Throws<DataException>(() => ImageFiles.Read(path)).Message;
}
