using System.Buffers.Binary;
using System.IO.Compression;
using Distributed.Fuzz;
using Xunit;

namespace Distributed.Data.Tests;

/// <summary>Whatever a file of data holds: it is read, or refused in one clear sentence that names it, and no word for
/// a length makes it ask for memory.</summary>
public class FuzzTests
{
    [Fact]
    public void AnyIdxFileIsReadOrRefusedInOneSentence() => Hold(new IdxTarget(), 1_000);

    [Fact]
    public void AnyCifarFileIsReadOrRefusedInOneSentence() => Hold(new CifarTarget(), 150);

    [Fact]
    public void AnyPngFileIsReadOrRefusedInOneSentence() => Hold(new ImageTarget("png"), 2_000);

    [JpegFact]
    public void AnyJpegFileIsReadOrRefusedInOneSentence() => Hold(new ImageTarget("jpeg"), 500);

    [Fact]
    public void AnyBitmapIsReadOrRefusedInOneSentence() => Hold(new ImageTarget("bitmap"), 2_000);

    [Fact]
    public void AnyZipFileIsReadOrRefusedInOneSentence() => Hold(new ZipTarget(), 500);

    [Fact]
    public void ANameInAZipFileDoesNotBreakTheSentence()
    {
        string message = Message(Zip("train/a\nb.png", [1]));
        Assert.Contains("train/a b.png: the image is in no class's folder", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    /// <summary>A few hundred bytes that claim to be an image of 200 MB must not have that much asked for.</summary>
    [Fact]
    public void AZipFilesWordForALengthIsNotBelieved()
    {
        byte[] zip = Zip("a/1.png", new byte[100]);
        int directory = zip.AsSpan().LastIndexOf("PK\x01\x02"u8);
        BinaryPrimitives.WriteInt32LittleEndian(zip.AsSpan(directory + 24), 200_000_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("a/1.png", Message(zip), StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
    }

    private static string Message(byte[] zip)
    {
        using TestFolder folder = new();
        string path = folder.Write("images.zip", zip);
        return Assert.Throws<DataException>(() =>
        {
            FileTree.Of(path).Read(0);
            _ = ImageFolder.Open("folder", path, (3, 8, 8), seed: 1).TrainCount;
        }).Message;
    }

    private static byte[] Zip(string name, byte[] content)
    {
        using MemoryStream stream = new();
        using (ZipArchive archive = new(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            using Stream entry = archive.CreateEntry(name).Open();
            entry.Write(content);
        }

        return stream.ToArray();
    }

    private static void Hold(FuzzTarget target, int count)
    {
        using (target) FuzzProperties.Hold(target, count);
    }
}
