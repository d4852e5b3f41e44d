using System.Security.Cryptography;
using System.Text;
using Xunit;

namespace Distributed.Data.Tests;

/// <summary>Runs where libjpeg-turbo is; says how to install it where it is not.</summary>
public sealed class JpegFactAttribute : FactAttribute
{
    public JpegFactAttribute()
    {
        if (!JpegReader.IsAvailable)
        {
            Skip = "needs libjpeg-turbo's libturbojpeg (Debian: apt-get install libturbojpeg0)";
        }
    }
}

/// <summary>JPEG, BMP, PPM and PGM; PNG and IDX have their own tests.</summary>
public sealed class ImageFormatTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public static TheoryData<string, int, int, int, string> Expected
    {
        get
        {
            TheoryData<string, int, int, int, string> rows = [];
            foreach (string line in File.ReadLines(TestData.Fixture("images/expected.txt")))
            {
                string[] row = line.Split(' ');
                if (!row[0].EndsWith(".jpg", StringComparison.Ordinal) || JpegReader.IsAvailable)
                {
                    rows.Add(row[0], int.Parse(row[1]), int.Parse(row[2]), int.Parse(row[3]), row[4]);
                }
            }

            return rows;
        }
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Expected))]
    public void DecodesAsPillowDoes(string name, int width, int height, int channels, string hash)
    {
        DecodedImage image = ImageFiles.Read(TestData.Fixture($"images/{name}"));
        Assert.Equal((width, height, channels), (image.Width, image.Height, image.Channels));
        Assert.Equal(hash, Convert.ToHexStringLower(SHA256.HashData(image.Pixels)));
    }

    [Fact]
    public void ReadsPlainMapsWithCommentsAndOtherScales()
    {
        DecodedImage image = Read("P3 # red, then blue\n2 1\n# largest\n15\n15 0 0  0 0 15\n");
        Assert.Equal([255, 0, 0, 0, 0, 255], image.Pixels);
        Assert.Equal([0, 128, 255], Read("P2 3 1 255 0 128 255").Pixels);
        byte[] wide = [.. "P5 2 1 65535\n"u8, 0xFF, 0xFF, 0x80, 0x00];
        Assert.Equal([255, 128], ImageFiles.Read(_folder.Write("wide", wide)).Pixels);
    }

    [Theory]
    [InlineData("P6 2 2 255\n12345", "is cut off")]
    [InlineData("P3 1 1 3 4 0 0", "has a sample 4 above its largest of 3")]
    [InlineData("P2 x", "has something else where a number was expected")]
    [InlineData("P5 99999999999 1 255 ", "has a number that is too large")]
    [InlineData("P5 65537 1 255 ", "65537 x 1")]
    [InlineData("P5 1 1 70000 ", "has samples up to 70000")]
    [InlineData("P4 1 1 ", "PBM image of two colours")]
    public void SaysWhatIsWrongWithAMap(string content, string expected) => Assert.Contains(
        expected, Assert.Throws<DataException>(() => Read(content)).Message, StringComparison.Ordinal);

    /// <summary>Every format, cut at every length and with a bit flipped anywhere: pixels or one sentence.</summary>
    [Theory]
    [InlineData("raw.ppm", true)]
    [InlineData("raw.pgm", true)]
    [InlineData("rgb-24.bmp", true)]
    [InlineData("palette-8.bmp", true)]
    [InlineData("bits-1.bmp", true)]
    public void BrokenFilesAreOneSentence(string name, bool detectsCuts) => Break(name, detectsCuts);

    [JpegFact]
    public void BrokenJpegFilesAreOneSentence()
    {
        foreach (string name in new[] { "rgb-420.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg" })
        {
            Break(name, detectsCuts: true);
        }
    }

    [JpegFact]
    public void RefusesAbsurdJpegSizesBeforeAllocating()
    {
        byte[] jpeg = File.ReadAllBytes(TestData.Fixture("images/rgb-444.jpg"));
        int frame = jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        new byte[] { 0xFD, 0xE8, 0xFD, 0xE8 }.CopyTo(jpeg, frame + 5);
        string path = _folder.Write("image", jpeg);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("the JPEG image is 65000 x 65000", Message(path), StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    private void Break(string name, bool detectsCuts)
    {
        byte[] content = File.ReadAllBytes(TestData.Fixture($"images/{name}"));
        for (int length = 0; length < content.Length; length++)
        {
            // A JPEG file may lack its last marker.
            bool isCut = length < content.Length - 2;
            Try(_folder.Write("cut", content.AsSpan(0, length)), detectsCuts && isCut);
        }

        for (int index = 0; index < content.Length; index++)
        {
            byte[] broken = [.. content];
            broken[index] ^= (byte)(1 << (index % 8));
            Try(_folder.Write("flipped", broken), mustFail: false);
        }
    }

    private static void Try(string path, bool mustFail)
    {
        try
        {
            ImageFiles.Read(path);
            Assert.False(mustFail, $"{path} was read though it is cut off at {new FileInfo(path).Length} bytes.");
        }
        catch (DataException error)
        {
            Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    private DecodedImage Read(string content) =>
        ImageFiles.Read(_folder.Write("image", Encoding.ASCII.GetBytes(content)));

    private static string Message(string path) =>
        Assert.Throws<DataException>(() => ImageFiles.Read(path)).Message;
}
