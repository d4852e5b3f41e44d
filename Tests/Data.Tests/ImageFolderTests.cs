using System.IO.Compression;
using Xunit;

namespace Distributed.Data.Tests;

public sealed class ImageFolderTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly List<string> _progress = [];

    private string Place => _folder.File("pictures");

    private DatasetOptions Options => TestData.Options(null, _folder.File("cache")) with
    {
        DataDirectory = Place,
        Shape = (3, 2, 2),
        Progress = _progress.Add,
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ReadsTrainAndTestInOrderOfNames()
    {
        WriteParts();
        Dataset dataset = DatasetCatalogue.Load("folder", Options);
        Assert.Equal(["bee", "cat"], dataset.ClassNames);
        Assert.Equal((4, 2, 0), (dataset.Train.Count, dataset.Test.Count, dataset.Held));
        Assert.Equal([0, 0, 1, 1], Enumerable.Range(0, 4).Select(dataset.Train.Label));
        Assert.Equal([10, 11, 20, 21], Enumerable.Range(0, 4).Select(index => (int)dataset.Train.Pixels(index)[0]));
        Assert.Equal([12, 22], Enumerable.Range(0, 2).Select(index => (int)dataset.Test.Pixels(index)[0]));
        Assert.Equal(Dataset.Hash(dataset.Train, dataset.Test, 2), dataset.Sha256);
    }

    [Fact]
    public void AZipFileIsTheSameAsItsFolder()
    {
        WriteParts();
        Dataset folder = DatasetCatalogue.Load("folder", Options);
        Dataset plain = Zip("plain.zip", includeBase: false), nested = Zip("nested.zip", includeBase: true);
        Assert.Equal((folder.Sha256, folder.Sha256), (plain.Sha256, nested.Sha256));

        Dataset Zip(string name, bool includeBase)
        {
            ZipFile.CreateFromDirectory(Place, _folder.File(name), CompressionLevel.Optimal, includeBase);
            return DatasetCatalogue.Load("folder", Options with { DataDirectory = _folder.File(name) });
        }
    }

    [Fact]
    public void WithBothTheValidationPartIsTheirOwnAndChangesTheHash()
    {
        WriteParts();
        string without = DatasetCatalogue.Load("folder", Options).Sha256;
        Picture("val/cat/x.ppm", 99);
        Dataset dataset = DatasetCatalogue.Load("folder", Options);
        Assert.Equal((5, 2, 1), (dataset.Train.Count, dataset.Test.Count, dataset.Held));
        Assert.Equal(99, dataset.Train.Pixels(4)[0]);
        Assert.NotEqual(without, dataset.Sha256);
        Assert.Equal(Dataset.Hash(dataset.Train, dataset.Test, 2, held: 1), dataset.Sha256);

        Directory.Delete(_folder.File("pictures/test"), recursive: true);
        dataset = DatasetCatalogue.Load("folder", Options);
        Assert.Equal((4, 1, 0), (dataset.Train.Count, dataset.Test.Count, dataset.Held));
    }

    [Fact]
    public void OneFolderOfClassesIsSplitBySeedWithinEachClass()
    {
        for (int picture = 0; picture < 10; picture++)
        {
            Picture($"a/{picture}.ppm", (byte)picture);
            Picture($"b/{picture}.PPM", (byte)(100 + picture));
        }

        Dataset dataset = DatasetCatalogue.Load("folder", Options);
        Assert.Equal([0, 0, 1, 1], Enumerable.Range(0, 4).Select(dataset.Test.Label));
        Assert.Equal(16, dataset.Train.Count);
        int[] values = [.. Values(dataset.Train), .. Values(dataset.Test)];
        Assert.Equal(Enumerable.Range(0, 10).Concat(Enumerable.Range(100, 10)), values.Order());
        Assert.Equal(dataset.Sha256, DatasetCatalogue.Load("folder", Options).Sha256);
        Assert.NotEqual(dataset.Sha256, DatasetCatalogue.Load("folder", Options with { Seed = 2 }).Sha256);

        static IEnumerable<int> Values(ImageSet set) =>
            Enumerable.Range(0, set.Count).Select(index => (int)set.Pixels(index)[0]);
    }

    [Fact]
    public void PicturesOfAnySizeAndColourAreBroughtToTheModels()
    {
        WriteParts();
        _folder.Write("pictures/train/cat/big.pgm", [.. "P5 4 4 255\n"u8, .. Enumerable.Repeat((byte)77, 16)]);
        Dataset dataset = DatasetCatalogue.Load("folder", Options);
        Assert.Equal(Enumerable.Repeat((byte)77, 12), dataset.Train.Pixels(4).ToArray());
        Dataset grey = DatasetCatalogue.Load("folder", Options with { Shape = (1, 3, 5) });
        Assert.Equal(15, grey.Train.SampleLength);
        Assert.Equal(Enumerable.Repeat((byte)77, 15), grey.Train.Pixels(4).ToArray());
    }

    [Fact]
    public void ClutterIsNoImage()
    {
        WriteParts();
        string before = DatasetCatalogue.Load("folder", Options).Sha256;
        _folder.Write("pictures/__MACOSX/train/cat/._1.ppm", 1);
        _folder.Write("pictures/train/.hidden/1.ppm", 1);
        _folder.Write("pictures/train/cat/notes.txt", 1);
        Assert.Equal(before, DatasetCatalogue.Load("folder", Options).Sha256);
    }

    [Fact]
    public void CorruptImagesAreNamedAndSkippedOnlyWhenAsked()
    {
        WriteParts();
        string sound = DatasetCatalogue.Load("folder", Options).Sha256;
        _folder.Write("pictures/train/bee/broken.ppm", "P6 2 2 255\n123"u8);
        _folder.Write("pictures/test/bee/empty.png");
        Assert.Equal($"{Place}/train/bee/broken.ppm: the PNM file is cut off; make the file again, or leave such "
            + "images out with --skip-corrupt.", Message(Options));
        _progress.Clear();
        Dataset dataset = DatasetCatalogue.Load("folder", Options with { SkipCorrupt = true });
        Assert.Equal((4, 2, sound), (dataset.Train.Count, dataset.Test.Count, dataset.Sha256));
        Assert.Equal(2, dataset.Skipped.Count);
        Assert.Contains($"folder: 2 corrupt images are left out; the first: {dataset.Skipped[0]}", _progress);

        _folder.Write("pictures/train/cat/broken.ppm", "P6 2 2 255\n123"u8);
        File.Delete(_folder.File("pictures/train/bee/b.ppm"));
        Assert.NotEqual(sound, DatasetCatalogue.Load("folder", Options with { SkipCorrupt = true }).Sha256);
    }

    [Fact]
    public void UselessFoldersAreOneSentence()
    {
        Directory.CreateDirectory(Place);
        Assert.Equal($"{Place}: there is no image in it (PNG, JPEG, BMP, PPM or PGM); expected train/CLASS/IMAGE, or " +
            "CLASS/IMAGE.", Message(Options));
        Picture("train/bee/a.ppm", 1);
        Assert.Equal($"{Place}: at least two classes are needed to train on, and there is only 'bee'; put images " +
            "into train/CLASS/, or into one folder a class.", Message(Options));
        Picture("train/cat/a.ppm", 2);
        Assert.Equal($"{Place}: 2 images are too few to set some apart to test with; add more, or a folder test.",
            Message(Options));
        Picture("test/dog/a.ppm", 3);
        Assert.Equal($"{Place}/test/dog/a.ppm: class 'dog' has no image to train on; add some or remove the folder.",
            Message(Options));
        Picture("train/loose.ppm", 4);
        Assert.Equal($"{Place}/train/loose.ppm: the image is in no class's folder, so it has no label; move it to " +
            "train/CLASS/.", Message(Options));
        Assert.Equal($"{Place}/none: there is no such folder or zip file; check --data-dir.",
            Message(Options with { DataDirectory = $"{Place}/none" }));
        Assert.Equal("The data set folder needs --data-dir with the folder or zip file of images.",
            Message(Options with { DataDirectory = null }));
        string text = _folder.Write("text.zip", "no zip"u8);
        Assert.Equal($"{text}: this is not a folder, nor a sound zip file; check the path.",
            Message(Options with { DataDirectory = text }));
    }

    /// <summary>A zip file cut anywhere or with a flipped bit anywhere: a data set or one sentence.</summary>
    [Fact]
    public void BrokenZipFilesAreOneSentence()
    {
        WriteParts();
        ZipFile.CreateFromDirectory(Place, _folder.File("sound.zip"));
        byte[] sound = File.ReadAllBytes(_folder.File("sound.zip"));
        string expected = DatasetCatalogue.Load("folder", Options).Sha256;
        for (int index = 0; index < sound.Length; index += 3)
        {
            byte[] broken = [.. sound];
            broken[index] ^= (byte)(1 << (index % 8));
            Try(_folder.Write("broken.zip", broken));
            Try(_folder.Write("broken.zip", sound.AsSpan(0, index)));
        }

        void Try(string path)
        {
            try
            {
                // A changed name may be another class; what is read of the images is right.
                Dataset dataset = DatasetCatalogue.Load("folder", Options with { DataDirectory = path });
                Assert.Equal(64, dataset.Sha256.Length);
                Assert.NotEmpty(expected);
            }
            catch (DataException error)
            {
                Assert.DoesNotContain('\n', error.Message);
                Assert.Contains("broken.zip", error.Message, StringComparison.Ordinal);
            }
        }
    }

    private void WriteParts()
    {
        Picture("train/bee/a.ppm", 10);
        Picture("train/bee/b.ppm", 11);
        Picture("train/cat/a.ppm", 20);
        Picture("train/cat/b.ppm", 21);
        Picture("test/bee/a.ppm", 12);
        Picture("test/cat/a.ppm", 22);
    }

    /// <summary>A picture of 2 x 2 points of one grey.</summary>
    private void Picture(string name, byte value) => _folder.Write(
        $"pictures/{name}", [.. "P6 2 2 255\n"u8, .. Enumerable.Repeat(value, 12)]);

    private static string Message(DatasetOptions options) =>
        Assert.Throws<DataException>(() => DatasetCatalogue.Load("folder", options)).Message;
}
