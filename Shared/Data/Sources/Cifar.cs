using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;

namespace Distributed.Data;

/// <summary>
/// CIFAR-10 and CIFAR-100 (Krizhevsky, 2009): 32 x 32 photographs in colour. In each folder that is looked in, the
/// first of these counts: the binary files, the archive of them as its authors publish it, and a zip file of JPEG
/// images (<c>train/CLASS/*.jpg</c>, <c>test/CLASS/*.jpg</c>). Looked in are the folder that the user names, or else
/// the one that the environment names, then the user's cache, into which the archive is downloaded at last.
/// </summary>
internal sealed class Cifar(
    string name, string[] classNames, int labelBytes, string[] trainFiles, string testFile, string binaryFolder,
    MirroredFile archive, string[] mirrors)
{
    private const int Side = 32;
    private const int Channels = 3;

    public static readonly Cifar Ten = new(
        "cifar10",
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
        labelBytes: 1,
        ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"],
        "test_batch.bin", "cifar-10-batches-bin",
        new("cifar-10-binary.tar.gz", 170_052_171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),
        ["https://www.cs.toronto.edu/~kriz/"]);

    /// <summary>With the fine labels, the second byte of a record.</summary>
    public static readonly Cifar Hundred = new(
        "cifar100",
        [
            "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl",
            "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair",
            "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin",
            "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp",
            "lawn_mower", "leopard", "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain",
            "mouse", "mushroom", "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck",
            "pine_tree", "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road",
            "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider",
            "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger",
            "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman",
            "worm",
        ],
        labelBytes: 2, ["train.bin"], "test.bin", "cifar-100-binary",
        new("cifar-100-binary.tar.gz", 168_513_733, "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"),
        ["https://www.cs.toronto.edu/~kriz/"]);

    private string ZipName => $"{name}-jpeg.zip";

    public Dataset Load(DatasetOptions options)
    {
        Dataset dataset = DecodedCache.Load(Find(options), options);
        return dataset.ClassNames.SequenceEqual(classNames) ? dataset
            : throw new DataException($"{ZipName}: its classes are not those of {name}; use it with --data folder.");
    }

    public void Fetch(DatasetOptions options) => DecodedCache.Ensure(Find(options), options);

    private ImageSource Find(DatasetOptions options)
    {
        if (options.DataDirectory is { } directory)
        {
            return FindIn(directory) ?? throw new DataException(Directory.Exists(directory)
                ? $"{directory}: neither {trainFiles[0]}, {archive.Name} nor {ZipName} is in this folder or in its " +
                    $"subfolder {name}; check --data-dir."
                : $"{directory}: there is no such folder; check --data-dir.");
        }

        string cache = Path.Combine(options.CacheRoot, name);
        if (options.CommonFolder is { Length: > 0 } common && FindIn(common) is { } found)
        {
            return found;
        }

        if (FindIn(cache) is { } cached)
        {
            return cached;
        }

        new Downloader(name, mirrors, options.Progress).Fetch([archive], cache);
        return FindIn(cache)!;
    }

    /// <summary>In the folder and the subfolders that archives and users make.</summary>
    private ImageSource? FindIn(string folder)
    {
        string[] folders =
        [
            Path.Combine(folder, name, binaryFolder), Path.Combine(folder, name), Path.Combine(folder, binaryFolder),
            folder,
        ];
        return folders.Select(Binary).FirstOrDefault(found => found is not null)
            ?? folders.Select(place => Path.Combine(place, archive.Name)).Where(File.Exists)
                .Select(path => Records(new ArchiveFiles(path, [.. trainFiles, testFile]))).FirstOrDefault()
            ?? folders.Select(place => Path.Combine(place, ZipName)).Where(File.Exists)
                .Select(Zip).FirstOrDefault();
    }

    private ImageSource? Binary(string folder)
    {
        string[] paths = [.. trainFiles.Append(testFile).Select(file => Path.Combine(folder, file))];
        string[] missing = [.. paths.Where(path => !File.Exists(path))];
        if (missing.Length == paths.Length || !File.Exists(paths[0]))
        {
            return null;
        }

        return missing.Length == 0 ? Records(new PlainFiles(paths))
            : throw new DataException($"{missing[0]}: the file is missing beside the other files of {name}; add it " +
                "or choose another folder.");
    }

    private ImageSource Zip(string path) =>
        ImageFolder.Open(name, path, (Channels, Side, Side), seed: 0);

    private RecordSource Records(RecordFiles files) => new(files, classNames, labelBytes)
    {
        Name = name,
        Channels = Channels,
        Height = Side,
        Width = Side,
    };

    /// <summary>The contents of the files with records, those to train on first, the one to test on last.</summary>
    private abstract class RecordFiles
    {
        public abstract string NameOf(int file);

        public abstract void AppendIdentity(IncrementalHash hash);

        public abstract byte[][] Read();
    }

    private sealed class PlainFiles(string[] paths) : RecordFiles
    {
        public override string NameOf(int file) => paths[file];

        public override void AppendIdentity(IncrementalHash hash)
        {
            foreach (string path in paths)
            {
                hash.AppendData(Guard(path, () =>
                {
                    using FileStream file = File.OpenRead(path);
                    return SHA256.HashData(file);
                }));
            }
        }

        public override byte[][] Read() => [.. paths.Select(path => Guard(path, () =>
        {
            using FileStream file = File.OpenRead(path);
            return ImageFiles.ReadContent(file, file.Length, path);
        }))];
    }

    private sealed class ArchiveFiles(string path, string[] names) : RecordFiles
    {
        public override string NameOf(int file) => $"{path}/{names[file]}";

        public override void AppendIdentity(IncrementalHash hash) => hash.AppendData(Guard(path, () =>
        {
            using FileStream file = File.OpenRead(path);
            return SHA256.HashData(file);
        }));

        public override byte[][] Read() => Guard<byte[][]>(path, () =>
        {
            byte[]?[] contents = new byte[names.Length][];
            using FileStream file = File.OpenRead(path);
            using GZipStream plain = new(file, CompressionMode.Decompress);
            using TarReader tar = new(plain);
            while (tar.GetNextEntry() is { } entry)
            {
                int index = Array.IndexOf(names, entry.Name.Split('/')[^1]);
                if (index >= 0 && entry.DataStream is { } stream)
                {
                    contents[index] = ImageFiles.ReadContent(stream, entry.Length, NameOf(index));
                }
            }

            int missing = Array.IndexOf(contents, null);
            return missing < 0 ? [.. contents.Select(content => content!)]
                : throw new DataException($"{NameOf(missing)}: the file is not in the archive; get it again.");
        });
    }

    private static T Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidDataException error)
        {
            throw new DataException($"{path}: the archive is broken; get it again.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: the file can't be read ({error.Message.TrimEnd('.')}).", error);
        }
    }

    /// <summary>Records of label bytes, of which the last counts, and a plane for each channel.</summary>
    private sealed class RecordSource(RecordFiles files, string[] classNames, int labelBytes) : ImageSource
    {
        public override IReadOnlyList<string> ClassNames => classNames;

        private readonly Lazy<byte[][]> _contents = new(files.Read);

        public override int TrainCount => _contents.Value[..^1].Select((_, file) => Count(file)).Sum();

        public override int TestCount => Count(_contents.Value.Length - 1);

        private int RecordLength => labelBytes + SampleLength;

        public override void AppendIdentity(IncrementalHash hash)
        {
            hash.AppendData("records\n"u8);
            files.AppendIdentity(hash);
        }

        public override string NameOf(int index)
        {
            (int file, int record) = Find(index);
            return $"{files.NameOf(file)}, record {record}";
        }

        public override int Decode(int index, Span<byte> pixels)
        {
            (int file, int record) = Find(index);
            ReadOnlySpan<byte> content = _contents.Value[file].AsSpan(record * RecordLength, RecordLength);
            int label = content[labelBytes - 1];
            if (label >= ClassNames.Count)
            {
                throw new DataException($"{NameOf(index)}: the label is {label} where {Name} has classes 0 to " +
                    $"{ClassNames.Count - 1}; get the right file.")
                { IsCorrupt = true };
            }

            int plane = Height * Width;
            ReadOnlySpan<byte> planes = content[labelBytes..];
            for (int pixel = 0; pixel < plane; pixel++)
            {
                for (int channel = 0; channel < Channels; channel++)
                {
                    pixels[(pixel * Channels) + channel] = planes[(channel * plane) + pixel];
                }
            }

            return label;
        }

        private int Count(int file)
        {
            int length = _contents.Value[file].Length;
            return length > 0 && length % RecordLength == 0 ? length / RecordLength
                : throw new DataException($"{files.NameOf(file)}: the file has {length} bytes where a multiple of " +
                    $"{RecordLength} was expected; get the right file.");
        }

        private (int File, int Record) Find(int index)
        {
            int file = 0;
            while (index >= Count(file))
            {
                index -= Count(file++);
            }

            return (file, index);
        }
    }
}
