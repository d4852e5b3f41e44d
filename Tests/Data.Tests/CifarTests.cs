using System.Formats.Tar;
using System.IO.Compression;
using Xunit;

namespace Distributed.Data.Tests;

public sealed class CifarTests : IDisposable
{
    private const int Plane = 32 * 32;

    private readonly TestFolder _folder = new();

    private DatasetOptions Options => TestData.Options(null, _folder.File("cache")) with
    {
        DataDirectory = _folder.File("data"),
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ReadsRecordsOfPlanes()
    {
        WriteBinary("");
        Dataset dataset = DatasetCatalogue.Load("cifar10", Options);
        Assert.Equal((6, 1), (dataset.Train.Count, dataset.Test.Count));
        Assert.Equal((3, 32, 32), (dataset.Train.Channels, dataset.Train.Height, dataset.Train.Width));
        Assert.Equal([0, 1, 2, 3, 4, 9], Enumerable.Range(0, 6).Select(dataset.Train.Label));
        Assert.Equal("truck", dataset.ClassNames[9]);
        Assert.Equal([5, 105, 205], dataset.Train.Pixels(5)[..3].ToArray());
        Assert.Equal([6, 106, 206], dataset.Train.Pixels(5)[3..6].ToArray());
        Assert.Equal(Dataset.Hash(dataset.Train, dataset.Test, 10), dataset.Sha256);
    }

    [Fact]
    public void FindsTheBinaryFilesTheArchiveAndTheZipInThisOrder()
    {
        WriteZip();
        string zip = DatasetCatalogue.Load("cifar10", Options).Sha256;
        WriteArchive();
        string archive = DatasetCatalogue.Load("cifar10", Options).Sha256;
        WriteBinary("cifar-10-batches-bin");
        Assert.Equal(archive, DatasetCatalogue.Load("cifar10", Options).Sha256);
        Assert.NotEqual(zip, archive);
        foreach (string file in Directory.GetFiles(_folder.File("data"), "*.bin", SearchOption.AllDirectories))
        {
            File.WriteAllBytes(file, Record(1, 7));
        }

        Assert.NotEqual(archive, DatasetCatalogue.Load("cifar10", Options).Sha256);
    }

    [Fact]
    public void LooksInTheNamedFolderThenInTheCommonOneThenInTheCache()
    {
        WriteBinary("cifar10");
        string there = _folder.File("data"), none = _folder.File("cache");
        Assert.Equal(6, DatasetCatalogue.Load("cifar10", TestData.Options(there, none)).Train.Count);
        Assert.Equal(6, DatasetCatalogue.Load("cifar10", TestData.Options(null, there)).Train.Count);
        Assert.Equal(
            $"{none}: neither data_batch_1.bin, cifar-10-binary.tar.gz nor cifar10-jpeg.zip is in this folder or in "
            + "its subfolder cifar10; check --data-dir.",
            Assert.Throws<DataException>(() => DatasetCatalogue.Load(
                "cifar10", Options with { DataDirectory = Directory.CreateDirectory(none).FullName })).Message);
    }

    [Fact]
    public void TheFineLabelOfCifar100Counts()
    {
        _folder.Write("data/train.bin", [19, 99, .. Planes(0)]);
        _folder.Write("data/test.bin", [1, 0, .. Planes(9)]);
        Dataset dataset = DatasetCatalogue.Load("cifar100", Options);
        Assert.Equal((99, 0, 100), (dataset.Train.Label(0), dataset.Test.Label(0), dataset.ClassNames.Count));
        Assert.Equal("worm", dataset.ClassNames[99]);
        Assert.Equal(dataset.ClassNames.Order(StringComparer.Ordinal), dataset.ClassNames);
    }

    [Fact]
    public void BrokenFilesAreOneSentence()
    {
        WriteBinary("");
        string path = _folder.Write("data/data_batch_3.bin", new byte[100]);
        Assert.Equal($"{path}: the file has 100 bytes where a multiple of 3073 was expected; get the right file.",
            Message());
        _folder.Write("data/data_batch_3.bin", Record(10, 0));
        Assert.Equal($"{path}, record 0: the label is 10 where cifar10 has classes 0 to 9; get the right file, or " +
            "leave such images out with --skip-corrupt.", Message());
        File.Delete(path);
        Assert.Equal($"{path}: the file is missing beside the other files of cifar10; add it or choose another folder.",
            Message());
    }

    private string Message() =>
        Assert.Throws<DataException>(() => DatasetCatalogue.Load("cifar10", Options)).Message;

    private void WriteBinary(string subfolder)
    {
        foreach ((string name, byte[] content) in Batches())
        {
            _folder.Write(Path.Combine("data", subfolder, name), content);
        }
    }

    private void WriteArchive()
    {
        string path = _folder.Write("data/cifar-10-binary.tar.gz");
        using GZipStream gzip = new(File.Create(path), CompressionLevel.Fastest);
        using TarWriter tar = new(gzip);
        foreach ((string name, byte[] content) in Batches().Reverse())
        {
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, $"cifar-10-batches-bin/{name}")
            {
                DataStream = new MemoryStream(content),
            });
        }
    }

    private void WriteZip()
    {
        _folder.Write("data/none");
        using ZipArchive zip = ZipFile.Open(_folder.File("data/cifar10-jpeg.zip"), ZipArchiveMode.Create);
        foreach (string part in new[] { "train", "test" })
        {
            foreach (string name in "airplane automobile bird cat deer dog frog horse ship truck".Split(' '))
            {
                using Stream image = zip.CreateEntry($"{part}/{name}/0000.ppm").Open();
                image.Write([.. "P6 1 1 255\n"u8, 1, 2, 3]);
            }
        }
    }

    private static IEnumerable<(string Name, byte[] Content)> Batches()
    {
        for (int batch = 0; batch < 5; batch++)
        {
            byte[] second = batch == 4 ? Record(9, 5) : [];
            yield return ($"data_batch_{batch + 1}.bin", [.. Record((byte)batch, batch), .. second]);
        }

        yield return ("test_batch.bin", Record(1, 77));
    }

    private static byte[] Record(byte label, int value) => [label, .. Planes(value)];

    /// <summary>Red counts from the value on, green from 100 and blue from 200 more.</summary>
    private static byte[] Planes(int value) =>
        [.. Enumerable.Range(0, 3 * Plane).Select(i => (byte)(value + (i / Plane * 100) + (i % Plane)))];
}
