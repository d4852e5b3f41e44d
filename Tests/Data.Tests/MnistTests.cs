using System.Security.Cryptography;
using Xunit;

namespace Distributed.Data.Tests;

public sealed class MnistTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [MnistFact]
    public void RealMnistHasItsKnownContent()
    {
        Dataset mnist = DatasetCatalogue.Load("mnist", new DatasetOptions { DataDirectory = TestData.Folder });

        Assert.Equal((1, 28, 28), (mnist.Train.Channels, mnist.Train.Height, mnist.Train.Width));
        Assert.Equal((60_000, 10_000), (mnist.Train.Count, mnist.Test.Count));
        Assert.Equal([5, 0, 4, 1, 9, 2, 1, 3, 1, 4], Enumerable.Range(0, 10).Select(mnist.Train.Label));
        Assert.Equal([7, 2, 1, 0, 4, 1, 4, 9, 5, 9], Enumerable.Range(0, 10).Select(mnist.Test.Label));
        Assert.Equal(
            [3, 18, 18, 18, 126, 136, 175, 26, 166, 255, 247, 127],
            mnist.Train.Pixels(0).Slice((5 * 28) + 12, 12).ToArray());
        Assert.Equal([84, 185, 159, 151, 60, 36], mnist.Test.Pixels(0).Slice((7 * 28) + 6, 6).ToArray());
        Assert.Equal("18a724978dd738549f85047f82e11f3a5dbe23df070cbe36cc8429b631773c2a", mnist.Sha256);
    }

    /// <summary>The decoded images are those of the original file, whatever packed them again.</summary>
    [MnistFact]
    public void RealMnistIsTheOriginal()
    {
        (_, byte[] pixels) = IdxFile.Read(Path.Combine(TestData.Folder, "mnist", "train-images-idx3-ubyte.gz"), 3);
        byte[] file = [.. TestData.Header(0x803, 60_000, 28, 28), .. pixels];
        Assert.Equal("ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            Convert.ToHexStringLower(SHA256.HashData(file)));
    }

    [MnistFact]
    public void RealMnistHasItsKnownMeanAndDeviation()
    {
        Dataset mnist = DatasetCatalogue.Load("mnist", new DatasetOptions { DataDirectory = TestData.Folder });
        Normalization normalization = Normalization.Of(mnist.Train, [.. Enumerable.Range(0, 60_000)]);
        Assert.Equal([0.13066047f], normalization.Mean);
        Assert.Equal([0.30810780f], normalization.Deviation);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("", ".gz")]
    [InlineData("mnist", "")]
    [InlineData("mnist", ".gz")]
    public void FindsTheFilesInTheFolderOrItsSubfolder(string subfolder, string extension)
    {
        WriteSmall(subfolder, extension);
        Dataset dataset = DatasetCatalogue.Load("MNIST", new DatasetOptions { DataDirectory = _folder.Path });
        Assert.Equal([7, 0, 9], Enumerable.Range(0, 3).Select(dataset.Train.Label));
        Assert.Equal([4, 5, 6, 7], dataset.Test.Pixels(1).ToArray());
        Assert.Equal(10, dataset.ClassNames.Count);
    }

    [Fact]
    public void LooksInTheCommonFolderAndThenInTheCache()
    {
        WriteSmall("common/mnist", "");
        WriteSmall("cache/mnist", ".gz");
        _folder.Write("cache/mnist/train-labels-idx1-ubyte.gz", TestData.Gzip(TestData.Labels(1, 1, 1)));

        Assert.Equal(7, Load(_folder.File("common")).Train.Label(0));
        Assert.Equal(1, Load(null).Train.Label(0));
        Assert.Equal(1, Load(_folder.File("empty")).Train.Label(0));
        Dataset Load(string? common) => Mnist.Digits.Load(TestData.Options(common, _folder.File("cache")));
    }

    /// <summary>The files' names are the same for all: MNIST's must not be taken for another data set's.</summary>
    [Fact]
    public void FilesWithoutASubfolderAreMnists()
    {
        WriteSmall("", "");
        Assert.Equal(3, Mnist.Digits.Load(TestData.Options(_folder.Path, _folder.File("cache"))).Train.Count);
        Assert.Throws<DataException>(
            () => Mnist.Fashion.Load(TestData.Options(_folder.Path, _folder.File("cache"))));
        WriteSmall("fashion-mnist", ".gz");
        Assert.Equal(3, Mnist.Fashion.Load(TestData.Options(_folder.Path, _folder.File("cache"))).Train.Count);
    }

    [Fact]
    public void SaysWhichFolderWasNamedInVain()
    {
        string none = _folder.File("none");
        Assert.Equal($"{none}: there is no such folder; check --data-dir.", Message(none));
        Assert.Equal($"{_folder.Path}: there is no train-images-idx3-ubyte (plain or .gz) in this folder or in its " +
            "subfolder mnist; check --data-dir.", Message(_folder.Path));
    }

    [Fact]
    public void SaysWhichFileIsMissing()
    {
        WriteSmall("", "");
        File.Delete(_folder.File("t10k-labels-idx1-ubyte"));
        Assert.Equal($"{_folder.Path}: t10k-labels-idx1-ubyte (plain or .gz) is missing beside the other files of " +
            "mnist; add it or choose another folder.", Message(_folder.Path));
    }

    [Fact]
    public void SaysThatLabelsDoNotMatchImages()
    {
        WriteSmall("", "");
        _folder.Write("train-labels-idx1-ubyte", TestData.Labels(1, 2));
        Assert.Equal($"{_folder.File("train-labels-idx1-ubyte")}: 2 labels for the 3 images of " +
            $"{_folder.File("train-images-idx3-ubyte")}; get files of one data set.", Message(_folder.Path));
    }

    [Fact]
    public void SaysThatALabelIsNoClass()
    {
        WriteSmall("", "");
        _folder.Write("t10k-labels-idx1-ubyte", TestData.Labels(1, 10));
        Assert.Equal($"{_folder.File("t10k-labels-idx1-ubyte")}: label 1 is 10 where mnist has classes 0 to 9; get " +
            "the right file.", Message(_folder.Path));
    }

    [Fact]
    public void SaysThatTheTestImagesHaveAnotherSize()
    {
        WriteSmall("", "");
        _folder.Write("t10k-images-idx3-ubyte", TestData.Images(2, 2, 3));
        Assert.Equal($"{_folder.File("t10k-images-idx3-ubyte")}: the test images are 2 x 3 where the training images " +
            "are 2 x 2; get files of one data set.", Message(_folder.Path));
    }

    [Fact]
    public void NoiseHasTheSizeOfItsName()
    {
        Dataset noise = DatasetCatalogue.Load("noise-3x5x7-11-20", new DatasetOptions());
        Assert.Equal((3, 5, 7), (noise.Train.Channels, noise.Train.Height, noise.Train.Width));
        Assert.Equal((20, 1, 11), (noise.Train.Count, noise.Test.Count, noise.ClassNames.Count));
        Assert.InRange(noise.Train.Pixels(0).ToArray().Distinct().Count(), 50, 105);
        Assert.NotEqual(noise.Train.Pixels(0).ToArray(), noise.Train.Pixels(1).ToArray());
        string[] wrong = ["noise-1x2", "noise-1x1x1-0-1", "noise-100x1000x1000-10-100", "noise-1x1x-1-2-3"];
        foreach (string name in wrong)
        {
            Assert.Contains("is not of the form", Assert.Throws<DataException>(
                () => DatasetCatalogue.Load(name, new DatasetOptions())).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void AnUnknownNameListsTheKnownOnes() =>
        Assert.Equal("There is no data set 'minst'; known are digits, mnist, fashion-mnist, kmnist, cifar10, " +
            "cifar100, folder.",
            Assert.Throws<DataException>(() => DatasetCatalogue.Load("minst", new DatasetOptions())).Message);

    private void WriteSmall(string subfolder, string extension)
    {
        foreach ((string name, byte[] content) in TestData.SmallMnist())
        {
            _folder.Write(Path.Combine(subfolder, name + extension),
                extension == ".gz" ? TestData.Gzip(content) : content);
        }
    }

    private static string Message(string folder) => Assert.Throws<DataException>(
        () => DatasetCatalogue.Load("mnist", new DatasetOptions { DataDirectory = folder })).Message;
}
