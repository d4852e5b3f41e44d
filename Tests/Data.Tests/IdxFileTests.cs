using Xunit;

namespace Distributed.Data.Tests;

public sealed class IdxFileTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ReadsPlainAndCompressedFiles(bool compressed)
    {
        byte[] content = TestData.Images(2, 3, 4);
        string path = _folder.Write("file", compressed ? TestData.Gzip(content) : content);

        (int[] shape, byte[] elements) = IdxFile.Read(path, 3);

        Assert.Equal([2, 3, 4], shape);
        Assert.Equal(content[16..], elements);
    }

    [Fact]
    public void SaysThatAFileIsMissing() =>
        Assert.Equal($"{_folder.File("none")}: there is no such file; check --data-dir.",
            Message(_folder.File("none"), 3));

    [Fact]
    public void SaysThatAFolderIsNotAFile() =>
        Assert.Contains("can't be read", Message(_folder.Path, 3), StringComparison.Ordinal);

    [Fact]
    public void SaysThatLabelsAreNotImages()
    {
        string path = _folder.Write("file", TestData.Labels(1, 2, 3));
        Assert.Equal($"{path}: this is not an IDX file of bytes in 3 dimensions: it starts with 0x00000801 where " +
            "0x00000803 was expected; get the right file.", Message(path, 3));
    }

    [Fact]
    public void SaysThatBytesFollow()
    {
        string path = _folder.Write("file", [.. TestData.Labels(1, 2, 3), 0]);
        Assert.Equal($"{path}: its header promises 3 bytes but more follow; get it again.", Message(path, 1));
        path = _folder.Write("file.gz", TestData.Gzip([.. TestData.Labels(1, 2, 3), 0]));
        Assert.Equal($"{path}: its header promises 3 bytes but more follow; get it again.", Message(path, 1));
    }

    /// <summary>4 billion images of 4 billion pixels must be refused before memory is asked for.</summary>
    [Theory]
    [InlineData(-1, -1, -1)]
    [InlineData(70000, 28, 28000)]
    [InlineData(0, 28, 28)]
    public void RefusesAbsurdSizesBeforeAllocating(int count, int height, int width)
    {
        byte[] header = TestData.Header(0x803, count, height, width);
        Assert.Contains("where 1 to 1073741824 in all are allowed", Message(_folder.Write("file", header), 3),
            StringComparison.Ordinal);
        Assert.Contains("where 1 to 1073741824 in all are allowed",
            Message(_folder.Write("file.gz", TestData.Gzip(header)), 3), StringComparison.Ordinal);
    }

    [Fact]
    public void RefusesAPromiseThatTheFileCannotHoldBeforeAllocating()
    {
        byte[] header = TestData.Header(0x803, 1000, 1000, 1000);
        Assert.Contains("more than it can hold", Message(_folder.Write("file", header), 3), StringComparison.Ordinal);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("more than it can hold", Message(_folder.Write("file.gz", TestData.Gzip(header)), 3),
            StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void DetectsTruncationAtEveryLength(bool compressed)
    {
        byte[] content = TestData.Images(2, 3, 4);
        content = compressed ? TestData.Gzip(content) : content;
        for (int length = 0; length < content.Length; length++)
        {
            string message = Message(_folder.Write("file", content.AsSpan(0, length)), 3);
            Assert.True(message.Contains("cut off", StringComparison.Ordinal), $"{length}: {message}");
        }
    }

    [Fact]
    public void NeverFailsInAnotherWayWhateverByteIsWrong()
    {
        byte[] content = TestData.Gzip(TestData.Images(2, 3, 4));
        for (int index = 0; index < content.Length; index++)
        {
            byte[] broken = [.. content];
            broken[index] ^= 0x55;
            try
            {
                IdxFile.Read(_folder.Write("file", broken), 3);
            }
            catch (DataException error)
            {
                Assert.StartsWith(_folder.File("file"), error.Message, StringComparison.Ordinal);
            }
        }
    }

    private static string Message(string path, int rank) =>
        Assert.Throws<DataException>(() => IdxFile.Read(path, rank)).Message;
}
