using Xunit;

namespace Distributed.Data.Tests;

public sealed class ExifOrientationTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>The image is stored as 0 1 2 over 3 4 5.</summary>
    [Theory]
    [InlineData(1, 3, "012345")]
    [InlineData(2, 3, "210543")]
    [InlineData(3, 3, "543210")]
    [InlineData(4, 3, "345012")]
    [InlineData(5, 2, "031425")]
    [InlineData(6, 2, "304152")]
    [InlineData(7, 2, "524130")]
    [InlineData(8, 2, "251403")]
    public void ImagesAreTurnedUpright(int orientation, int width, string pixels)
    {
        byte[] stored = [.. Enumerable.Range(0, 18).Select(i => (byte)i)];
        DecodedImage image = ExifOrientation.Apply(new DecodedImage(3, 2, 3, stored), orientation);
        Assert.Equal(width, image.Width);
        Assert.Equal(pixels, string.Concat(image.Pixels.Where((_, i) => i % 3 == 0).Select(value => value / 3)));
        Assert.All(image.Pixels.Chunk(3), pixel => Assert.Equal([0, 1, 2], pixel.Select(value => value % 3)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TheTagIsFoundInEitherOrderOfBytesAndNothingBrokenHurts(bool isLittle)
    {
        byte[] start = [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 7, 7];
        byte[] file = [.. start, .. Segment(isLittle, 6), 0xFF, 0xDA, 0, 2];
        Assert.Equal(6, ExifOrientation.Read(file));
        Assert.Equal(1, ExifOrientation.Read([.. start, .. Segment(isLittle, 9), 0xFF, 0xDA, 0, 2]));
        Assert.Equal(1, ExifOrientation.Read([.. start, 0xFF, 0xDA, 0, 2, .. Segment(isLittle, 6)]));
        for (int length = 0; length < file.Length; length++)
        {
            Assert.InRange(ExifOrientation.Read(file.AsSpan(0, length)), 1, 8);
            for (int bit = 0; bit < 8; bit++)
            {
                byte[] flipped = [.. file];
                flipped[length] ^= (byte)(1 << bit);
                Assert.InRange(ExifOrientation.Read(flipped), 1, 8);
            }
        }
    }

    [JpegFact]
    public void AJpegFileIsReadUpright()
    {
        byte[] jpeg = File.ReadAllBytes(TestData.Fixture("images/rgb-420.jpg"));
        DecodedImage stored = ImageFiles.Read(_folder.Write("stored.jpg", jpeg));
        DecodedImage turned = ImageFiles.Read(
            _folder.Write("turned.jpg", [.. jpeg[..2], .. Segment(isLittle: true, 8), .. jpeg[2..]]));
        Assert.Equal((stored.Height, stored.Width), (turned.Width, turned.Height));
        Assert.Equal(stored.Pixels[^3..], turned.Pixels[((stored.Height - 1) * 3)..(stored.Height * 3)]);
    }

    /// <summary>An APP1 segment whose directory has another entry, then the orientation.</summary>
    private static byte[] Segment(bool isLittle, byte orientation)
    {
        byte[] Number(int value, int bytes)
        {
            IEnumerable<byte> little = Enumerable.Range(0, bytes).Select(i => (byte)(value >> (8 * i)));
            return [.. isLittle ? little : little.Reverse()];
        }

        byte[] tiff =
        [
            .. isLittle ? "II"u8 : "MM"u8, .. Number(42, 2), .. Number(8, 4), .. Number(2, 2),
            .. Number(0x0100, 2), .. Number(4, 2), .. Number(1, 4), .. Number(500, 4),
            .. Number(0x0112, 2), .. Number(3, 2), .. Number(1, 4), .. Number(orientation, 2), 0, 0,
            .. Number(0, 4),
        ];
        int length = tiff.Length + 8;
        return [0xFF, 0xE1, (byte)(length >> 8), (byte)length, .. "Exif\0\0"u8, .. tiff];
    }
}
