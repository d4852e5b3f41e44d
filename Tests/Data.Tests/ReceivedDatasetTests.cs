using Xunit;

namespace Distributed.Data.Tests;

/// <summary>A data set that comes as bytes from elsewhere into this host's cache.</summary>
public sealed class ReceivedDatasetTests : IDisposable
{
    private const int PieceBytes = 7;

    private readonly TestFolder _folder = new();

    /// <summary>The coordinator's: a folder with a part of its own for validation.</summary>
    private readonly Dataset _sent;

    public ReceivedDatasetTests()
    {
        foreach (string name in (string[])["train/a/1", "train/a/2", "train/b/1", "val/b/1", "test/a/1", "test/b/9"])
        {
            byte value = (byte)(name.Length + name[^1]);
            _folder.Write($"pictures/{name}.ppm",
                [.. "P6 2 2 255\n"u8, .. Enumerable.Range(0, 12).Select(i => (byte)(value + i))]);
        }

        _sent = DatasetCatalogue.Load("folder", TestData.Options(null, _folder.File("sent")) with
        {
            DataDirectory = _folder.File("pictures"),
            Shape = (3, 2, 2),
        });
    }

    private DatasetDescription Wanted => DatasetDescription.Of(_sent);

    private DatasetOptions Options => TestData.Options(null, _folder.File("cache"));

    private string[] Kept => [.. Files("cache").Where(path => path.EndsWith(".decoded", StringComparison.Ordinal))];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TheFileEqualsTheOneThatDecodingWrites()
    {
        Assert.Null(ReceivedDataset.Find(Wanted, Options));
        Dataset received = Receive();
        Assert.Equal(File.ReadAllBytes(Assert.Single(Files("sent"))), File.ReadAllBytes(Assert.Single(Kept)));
        Same(_sent, received);
        Assert.EndsWith($"data-{_sent.Sha256}.decoded", Kept[0]);
        Same(_sent, ReceivedDataset.Find(Wanted, Options)!);
    }

    [Fact]
    public void WhatIsGeneratedOrReadIntoMemoryArrivesToo()
    {
        Dataset digits = DatasetCatalogue.Load("digits", new DatasetOptions { TrainCount = 30, TestCount = 20 });
        Same(digits, Receive(digits));
    }

    [Fact]
    public void WhatTheSenderDecodesOnTheWayIsTheSame()
    {
        Dataset streamed = DatasetCatalogue.Load("folder", TestData.Options(null, _folder.File("small")) with
        {
            DataDirectory = _folder.File("pictures"),
            Shape = (3, 2, 2),
            CacheLimit = 0,
        });
        Assert.True(streamed.Train.IsStreamed);
        Same(_sent, Receive(streamed));

        SampleStream changed = new(streamed);
        _folder.Write("pictures/train/b/1.ppm", [.. "P6 2 2 255\n"u8, .. new byte[12]]);
        Assert.Contains("the image has changed", Assert.Throws<DataException>(
            () => changed.Read(new byte[streamed.Train.SampleLength * 3])).Message);
    }

    [Fact]
    public void TheBytesFromAnyPlaceOnAreThoseOfTheWhole()
    {
        byte[] whole = new byte[Wanted.Length];
        Assert.Equal(whole.Length, new SampleStream(_sent).Read(whole));
        Assert.Equal([0, 0, 1, 1, 0, 1], Enumerable.Range(0, 6).Select(
            sample => BitConverter.ToInt32(whole, (6 * 12) + (sizeof(int) * sample))));
        for (int from = 0; from <= whole.Length; from++)
        {
            byte[] rest = new byte[whole.Length - from + 1];
            Assert.Equal(whole.Length - from, new SampleStream(_sent) { Position = from }.Read(rest));
            Assert.Equal(whole[from..], rest[..^1]);
        }
    }

    [Fact]
    public void WhatBrokeOffGoesOnWhereItWas()
    {
        for (long at = 0; at < Wanted.Length; at += PieceBytes)
        {
            using ReceivedDataset part = Open();
            Assert.Equal(at, part.Position);
            byte[] piece = new byte[PieceBytes];
            part.Append(piece.AsSpan(0, new SampleStream(_sent) { Position = at }.Read(piece)));
        }

        Assert.Empty(Kept);
        Assert.Null(ReceivedDataset.Find(Wanted, Options));
        using ReceivedDataset whole = Open();
        Assert.Equal(Wanted.Length, whole.Position);
        Same(_sent, whole.Finish()!);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    [InlineData(75)]
    public void WrongBytesAreOneSentenceAndTheFileIsGone(int wrong)
    {
        using ReceivedDataset part = Open();
        byte[] bytes = Bytes(_sent);
        bytes[wrong] ^= 1;
        part.Append(bytes);
        Assert.Matches($"^folder: what came has the hash [0-9a-f]{{12}}… where {_sent.Sha256[..12]}… was announced, "
            + "and was not kept; join again.$", Assert.Throws<DataException>(() => part.Finish()).Message);
        part.Dispose();
        Assert.DoesNotContain(Files("cache"), path => !path.Contains(".lock", StringComparison.Ordinal));
    }

    /// <summary>Such as what a power cut left of a file.</summary>
    [Fact]
    public void BytesThatAnEarlierProcessLeftWrongAreReceivedAgain()
    {
        using (ReceivedDataset part = Open()) part.Append(new byte[50]);
        using ReceivedDataset next = Open();
        next.Append(Bytes(_sent).AsSpan(50));
        Assert.Null(next.Finish());
        Assert.Equal(0, next.Position);
        next.Append(Bytes(_sent));
        Same(_sent, next.Finish()!);
    }

    [Fact]
    public void OneAtATimeReceivesAndOthersFindWhatItMade()
    {
        using ReceivedDataset first = Open();
        Assert.Null(ReceivedDataset.TryOpen(Wanted, Options, out Dataset? found));
        Assert.Null(found);
        first.Append(Bytes(_sent).AsSpan(0, 30));
        Assert.Equal(30, ReceivedDataset.ProgressOfOthers(Wanted, Options));

        // Beside it, each with a file of its own; the last one's stays.
        using (ReceivedDataset beside = ReceivedDataset.TryOpen(Wanted, Options, out _, beside: true)!)
        {
            Assert.Equal(0, beside.Position);
            beside.Append(Bytes(_sent));
            Same(_sent, beside.Finish()!);
        }

        first.Append(Bytes(_sent).AsSpan(30));
        Same(_sent, first.Finish()!);
        first.Dispose();
        Assert.Null(ReceivedDataset.TryOpen(Wanted, Options, out found));
        Same(_sent, found!);
        Assert.Single(Kept);
    }

    [Fact]
    public void WhatThisHostDecodedItselfIsFound()
    {
        DatasetOptions own = TestData.Options(null, _folder.File("sent"));
        Dataset found = ReceivedDataset.Find(Wanted with { Name = "other", ClassNames = ["x", "y"] }, own)!;
        Same(_sent, found);
        Assert.Equal(("other", "x y"), (found.Name, string.Join(' ', found.ClassNames)));
    }

    [Fact]
    public void ABrokenFileOfTheCacheIsReceivedAgain()
    {
        Receive();
        byte[] broken = File.ReadAllBytes(Kept[0]);
        broken[3] ^= 1;
        string path = Kept[0];
        File.Delete(path); // a new file, since the old one is mapped
        File.WriteAllBytes(path, broken);
        Assert.Null(ReceivedDataset.Find(Wanted, Options));
        Same(_sent, Receive());
        Assert.Single(Kept);
    }

    [Fact]
    public void MoreThanTheCacheMayHoldIsOneSentence()
    {
        Assert.Equal("folder: 0 KB of decoded images are more than the 0 KB that this host's cache may hold; set "
            + "DISTRIBUTED_CACHE_LIMIT to more, or use files of this host with --data-dir.",
            Assert.Throws<DataException>(() => ReceivedDataset.TryOpen(Wanted, Options with { CacheLimit = 71 }, out _))
                .Message);
        using ReceivedDataset fits = ReceivedDataset.TryOpen(
            Wanted, Options with { CacheLimit = 72 }, out _)!;
        Assert.NotNull(fits);
    }

    [Fact]
    public void ACacheThatCannotBeWrittenIsOneSentence()
    {
        string file = _folder.Write("file");
        Assert.StartsWith($"{file}/decoded: folder can't be kept here (", Assert.Throws<DataException>(
            () => ReceivedDataset.TryOpen(Wanted, Options with { CacheRoot = file }, out _)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void SizesAreForPeople()
    {
        Assert.Equal("40 of 184 MB", ByteSize.Text(40_200_000, 184_000_000));
        Assert.Equal("0 of 197 KB", ByteSize.Text(0, 197_000));
        Assert.Equal("4,000 MB", ByteSize.Text(4_000_000_000));
    }

    private ReceivedDataset Open() => ReceivedDataset.TryOpen(Wanted, Options, out _)!;

    private static byte[] Bytes(Dataset dataset)
    {
        byte[] bytes = new byte[DatasetDescription.Of(dataset).Length];
        new SampleStream(dataset).Read(bytes);
        return bytes;
    }

    private static void Same(Dataset expected, Dataset found)
    {
        Assert.Equal(expected.Sha256, found.Sha256);
        Assert.Equal(expected.Held, found.Held);
        Assert.False(found.Train.IsStreamed);
        Assert.Equal(Bytes(expected), Bytes(found));
        int[] all = [.. Enumerable.Range(0, expected.Train.Count)];
        Assert.Equal(Normalization.Of(expected.Train, all).Mean, Normalization.Of(found.Train, all).Mean);
        Assert.Equal(Normalization.Of(expected.Train, all).Deviation, Normalization.Of(found.Train, all).Deviation);
    }

    private string[] Files(string cache) => Directory.GetFiles(_folder.File($"{cache}/decoded"));

    private Dataset Receive(Dataset? sent = null)
    {
        SampleStream stream = new(sent ?? _sent);
        using ReceivedDataset into = ReceivedDataset.TryOpen(stream.Description, Options, out _)!;
        byte[] piece = new byte[PieceBytes];
        while (stream.Read(piece) is var length and > 0) into.Append(piece.AsSpan(0, length));
        return into.Finish()!;
    }
}
