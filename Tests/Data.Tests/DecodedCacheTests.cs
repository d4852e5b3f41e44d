using Xunit;

namespace Distributed.Data.Tests;

public sealed class DecodedCacheTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly List<string> _progress = [];

    private DatasetOptions Options => TestData.Options(null, _folder.File("cache")) with
    {
        DataDirectory = _folder.File("pictures"),
        Shape = (3, 2, 2),
        Progress = _progress.Add,
    };

    private string[] Files => Directory.Exists(_folder.File("cache/decoded"))
        ? Directory.GetFiles(_folder.File("cache/decoded")) : [];

    private bool HasDecoded => _progress.Exists(line => line.Contains("decoding", StringComparison.Ordinal));

    public DecodedCacheTests()
    {
        foreach (string name in new[] { "train/a/1", "train/a/2", "train/b/1", "test/a/1" })
        {
            Write(name, (byte)name.Length);
        }
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void DecodesOnceAndLeavesOneFile()
    {
        Dataset first = Load();
        Assert.True(HasDecoded);
        _progress.Clear();
        Dataset second = Load();
        Assert.False(HasDecoded);
        Assert.Single(Files);
        Assert.Equal(first.Sha256, second.Sha256);
        Assert.Equal(Dataset.Hash(second.Train, second.Test, 2), second.Sha256);
        Assert.Equal(Normalization.Of(Copy(second.Train), [0, 2]).Mean, Normalization.Of(second.Train, [0, 2]).Mean);
    }

    /// <summary>Same length, same name, same time, other bytes.</summary>
    [Fact]
    public void ChangedContentIsSeenWhateverTheFilesTimesSay()
    {
        string before = Load().Sha256;
        string path = _folder.File("pictures/train/a/1.ppm");
        DateTime time = File.GetLastWriteTimeUtc(path);
        Write("train/a/1", 77);
        File.SetLastWriteTimeUtc(path, time);
        Dataset after = Load();
        Assert.Equal(77, after.Train.Pixels(0)[0]);
        Assert.NotEqual(before, after.Sha256);
    }

    [Fact]
    public void ABrokenCacheFileIsMadeAgain()
    {
        string sound = Load().Sha256;
        string path = Files[0];
        long length = new FileInfo(path).Length;
        for (int index = 0; index < length; index += 7)
        {
            Break(bytes => [.. bytes[..index], (byte)(bytes[index] ^ 4), .. bytes[(index + 1)..]]);
            Break(bytes => bytes[..index]);
        }

        void Break(Func<byte[], byte[]> change)
        {
            byte[] bytes = change(File.ReadAllBytes(path));

            // A new file, since the old one is mapped.
            File.Delete(path);
            File.WriteAllBytes(path, bytes);
            Assert.Equal(sound, Load().Sha256);
        }
    }

    [Fact]
    public async Task SeveralAtOnceDoNoHarm()
    {
        Task<Dataset>[] loads = [.. Enumerable.Range(0, 8).Select(_ => Task.Run(
            () => DatasetCatalogue.Load("folder", Options with { Progress = null })))];
        Dataset[] found = await Task.WhenAll(loads);
        Assert.Single(found.Select(dataset => dataset.Sha256).Distinct());
        Assert.Single(Files);
    }

    [Fact]
    public void BeyondTheLimitSamplesAreDecodedWhenUsed()
    {
        Dataset kept = Load();
        DatasetOptions small = Options with { CacheLimit = 11, CacheRoot = _folder.File("other") };
        Dataset streamed = DatasetCatalogue.Load("folder", small);
        Assert.Equal((false, true), (kept.Train.IsStreamed, streamed.Train.IsStreamed));
        Assert.Equal(kept.Sha256, streamed.Sha256);
        Assert.Equal(Normalization.Of(kept.Train, [0, 1, 2]).Deviation, Normalization.Of(streamed.Train, [0, 1, 2])
            .Deviation);
        for (int index = 0; index < 3; index++)
        {
            Assert.Equal(kept.Train.Pixels(index), streamed.Train.Pixels(index));
        }

        Assert.Equal(kept.Test.Pixels(0), streamed.Test.Pixels(0));
        Assert.Contains(_progress, line => line.Contains("decoded again whenever", StringComparison.Ordinal));

        Write("train/b/1", 200);
        Assert.Equal($"{_folder.File("pictures")}/train/b/1.ppm: the image has changed since it was measured; leave " +
            "data alone while they are in use.",
            Assert.Throws<DataException>(() => streamed.Train.Pixels(2).Length).Message);

        // With room for the pixels, they are kept after all.
        Write("train/b/1", 9);
        Assert.False(DatasetCatalogue.Load("folder", small with { CacheLimit = 1 << 20 }).Train.IsStreamed);
    }

    [Fact]
    public void WhatWasUsedLongestAgoMakesRoom()
    {
        Load();
        string old = Files[0];
        File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddDays(-1));
        string leftover = _folder.Write("cache/decoded/x.temporary", 1);
        File.SetLastWriteTimeUtc(leftover, DateTime.UtcNow.AddDays(-2));
        string recent = _folder.Write("cache/decoded/y.temporary", 1);
        DatasetCatalogue.Load("folder", Options with { Shape = (1, 9, 9), CacheLimit = 700 });
        Assert.Equal((false, false, true), (File.Exists(old), File.Exists(leftover), File.Exists(recent)));
        Assert.Equal(2, Files.Length);
    }

    [Fact]
    public void WhatIsStreamedTakesNoRoomFromOthers()
    {
        Load();
        string[] kept = Files;
        DatasetCatalogue.Load("folder", Options with { Shape = (1, 9, 9), CacheLimit = 0 });
        Assert.Equal(2, Files.Length);
        Assert.Subset(Files.ToHashSet(), kept.ToHashSet());
    }

    [Fact]
    public void ACacheThatCannotBeWrittenIsOneSentence()
    {
        string file = _folder.Write("file");
        Assert.StartsWith($"{file}/decoded: decoded images can't be kept here (",
            Assert.Throws<DataException>(() => DatasetCatalogue.Load("folder", Options with { CacheRoot = file }))
                .Message, StringComparison.Ordinal);
    }

    private static ImageSet Copy(ImageSet set) => new(set.Channels, set.Height, set.Width,
        [.. Enumerable.Range(0, set.Count).SelectMany(index => set.Pixels(index).ToArray())],
        [.. Enumerable.Range(0, set.Count).Select(set.Label)]);

    private Dataset Load() => DatasetCatalogue.Load("folder", Options);

    private void Write(string name, byte value) => _folder.Write(
        $"pictures/{name}.ppm", [.. "P6 2 2 255\n"u8, .. Enumerable.Range(0, 12).Select(i => (byte)(value + i))]);
}
