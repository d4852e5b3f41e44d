namespace Distributed.Data;

/// <summary>
/// MNIST and the data sets made in its form: four IDX files, looked for in the folder that the user names, or else in
/// the folder that the environment names, then in the user's cache, and at last downloaded into the cache.
/// </summary>
internal sealed class Mnist(string name, string[] classNames, MirroredFile[] files, string[] mirrors)
{
    private const string OriginalName = "mnist";

    /// <summary>Handwritten digits: LeCun, Cortes and Burges.</summary>
    public static readonly Mnist Digits = new(
        OriginalName,
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
        [
            new("train-images-idx3-ubyte.gz", 9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
            new("train-labels-idx1-ubyte.gz", 28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
            new("t10k-images-idx3-ubyte.gz", 1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
            new("t10k-labels-idx1-ubyte.gz", 4_542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        ],
        ["https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"]);

    /// <summary>Clothes: Xiao, Rasul and Vollgraf.</summary>
    public static readonly Mnist Fashion = new(
        "fashion-mnist",
        [
            "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
        ],
        [
            new("train-images-idx3-ubyte.gz", 26_421_880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
            new("train-labels-idx1-ubyte.gz", 29_515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
            new("t10k-images-idx3-ubyte.gz", 4_422_102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
            new("t10k-labels-idx1-ubyte.gz", 5_148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
        ],
        [
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ]);

    /// <summary>Cursive Japanese characters: Clanuwat and others.</summary>
    public static readonly Mnist Kuzushiji = new(
        "kmnist",
        ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"],
        [
            new("train-images-idx3-ubyte.gz", 18_165_135,
                "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
            new("train-labels-idx1-ubyte.gz", 29_497,
                "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
            new("t10k-images-idx3-ubyte.gz", 3_041_136,
                "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
            new("t10k-labels-idx1-ubyte.gz", 5_120,
                "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
        ],
        ["https://codh.rois.ac.jp/kmnist/dataset/kmnist/"]);

    /// <summary>The files' names without <c>.gz</c>: images and labels to train, images and labels to test.</summary>
    private static readonly string[] FileNames =
    [
        "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
    ];

    public Dataset Load(DatasetOptions options) => Load(Locate(options));

    /// <summary>Makes sure that the files are there.</summary>
    public void Fetch(DatasetOptions options) => Locate(options);

    /// <summary>The same data set from other mirrors and files, to test the download.</summary>
    internal Mnist With(MirroredFile[] otherFiles, string[] otherMirrors) =>
        new(name, classNames, otherFiles, otherMirrors);

    private Dataset Load(string[] paths)
    {
        ImageSet? train = null, test = null;
        try
        {
            Parallel.Invoke(
                () => train = LoadPart(paths[0], paths[1]),
                () => test = LoadPart(paths[2], paths[3]));
        }
        catch (AggregateException errors) when (errors.InnerExceptions.OfType<DataException>().Any())
        {
            throw errors.InnerExceptions.OfType<DataException>().First();
        }

        if ((train!.Height, train.Width) != (test!.Height, test.Width))
        {
            throw new DataException($"{paths[2]}: the test images are {test.Height} x {test.Width} where the " +
                $"training images are {train.Height} x {train.Width}; get files of one data set.");
        }

        return new Dataset(name, train, test, classNames, Dataset.Hash(train, test, classNames.Length));
    }

    private ImageSet LoadPart(string imagesPath, string labelsPath)
    {
        (int[] shape, byte[] pixels) = IdxFile.Read(imagesPath, 3);
        (_, byte[] bytes) = IdxFile.Read(labelsPath, 1);
        if (bytes.Length != shape[0])
        {
            throw new DataException($"{labelsPath}: {bytes.Length} labels for the {shape[0]} images of {imagesPath}; " +
                "get files of one data set.");
        }

        int[] labels = new int[bytes.Length];
        for (int index = 0; index < labels.Length; index++)
        {
            labels[index] = bytes[index] < classNames.Length ? bytes[index]
                : throw new DataException($"{labelsPath}: label {index} is {bytes[index]} where {name} has classes 0 " +
                    $"to {classNames.Length - 1}; get the right file.");
        }

        return new ImageSet(1, shape[1], shape[2], pixels, labels);
    }

    private string[] Locate(DatasetOptions options)
    {
        string cache = Path.Combine(options.CacheRoot, name);
        if (options.DataDirectory is { } directory)
        {
            if (!Directory.Exists(directory))
            {
                throw new DataException($"{directory}: there is no such folder; check --data-dir.");
            }

            return FindIn(directory) ?? throw new DataException($"{directory}: there is no {FileNames[0]} (plain or " +
                $".gz) in this folder or in its subfolder {name}; check --data-dir.");
        }

        return (options.CommonFolder is { Length: > 0 } common ? FindInCommon(common) : null)
            ?? FindDirectlyIn(cache, complete: true)
            ?? Download(cache, options.Progress);
    }

    private string[] Download(string cache, Action<string>? progress)
    {
        new Downloader(name, mirrors, progress).Fetch(files, cache);
        return FindDirectlyIn(cache, complete: false)!;
    }

    /// <summary>Files of the same names serve all these data sets: without a subfolder they count as MNIST's.</summary>
    private string[]? FindInCommon(string folder) =>
        name == OriginalName ? FindIn(folder) : FindDirectlyIn(Path.Combine(folder, name), complete: false);

    /// <summary>In the subfolder of the data set's name, which says more, then in the folder itself.</summary>
    private string[]? FindIn(string folder) =>
        FindDirectlyIn(Path.Combine(folder, name), complete: false) ?? FindDirectlyIn(folder, complete: false);

    /// <summary>The four files' paths; null where the folder has none, or not all where all are wanted.</summary>
    private string[]? FindDirectlyIn(string folder, bool complete)
    {
        string?[] found = [.. FileNames.Select(file => Candidates(folder, file).FirstOrDefault(File.Exists))];
        int missing = Array.IndexOf(found, null);
        if (missing < 0)
        {
            return found!;
        }

        return complete || found.All(path => path is null) ? null
            : throw new DataException($"{folder}: {FileNames[missing]} (plain or .gz) is missing beside the other " +
                $"files of {name}; add it or choose another folder.");
    }

    private static IEnumerable<string> Candidates(string folder, string file)
    {
        string dotted = file.Replace("-idx", ".idx", StringComparison.Ordinal);
        return new[] { file, file + ".gz", dotted, dotted + ".gz" }.Select(each => Path.Combine(folder, each));
    }
}
