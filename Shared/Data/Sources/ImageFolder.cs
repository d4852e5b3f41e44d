using System.Security.Cryptography;

namespace Distributed.Data;

/// <summary>
/// The data set <c>folder</c>: pictures of any size in one folder a class, in a folder or in a zip file. Where there is
/// a folder <c>train</c>, its subfolders are the classes, and so are those of <c>test</c> and <c>val</c>: with both,
/// <c>val</c> is the validation part; one alone is the test part. With neither, or where the classes are at the top, a
/// fifth of each class, drawn by the seed, is the test part. Classes are in ordinal order of their names. Each image is
/// resized to the model's input, whatever its proportions.
/// </summary>
internal static class ImageFolder
{
    public const string Name = "folder";

    /// <summary>Share of each class to test with, where the data set itself has no such part.</summary>
    private const double TestShare = 0.2;

    private static readonly string[] TrainNames = ["train", "training"];
    private static readonly string[] ValidationNames = ["val", "valid", "validation"];
    private static readonly string[] TestNames = ["test", "testing"];

    private static readonly string[] Clutter = ["__MACOSX"];

    public static Dataset Load(DatasetOptions options) => DecodedCache.Load(Find(options), options);

    public static void Fetch(DatasetOptions options) => DecodedCache.Ensure(Find(options), options);

    /// <summary>How many classes there are, without reading any image.</summary>
    public static int CountClasses(DatasetOptions options) => Find(options).ClassNames.Count;

    /// <summary>The images of a folder or a zip file that exists.</summary>
    /// <param name="name">The data set's name.</param>
    /// <param name="place">The folder or the zip file.</param>
    /// <param name="shape">What images are brought to.</param>
    /// <param name="seed">Draws the test part where there is none.</param>
    public static ImageSource Open(
        string name, string place, (int Channels, int Height, int Width) shape, ulong seed) =>
        new PictureSource(FileTree.Of(place), seed)
        {
            Name = name,
            Channels = shape.Channels,
            Height = shape.Height,
            Width = shape.Width,
        };

    private static ImageSource Find(DatasetOptions options)
    {
        if (options.DataDirectory is not { } place)
        {
            throw new DataException("The data set folder needs --data-dir with the folder or zip file of images.");
        }

        if (!Path.Exists(place))
        {
            throw new DataException($"{place}: there is no such folder or zip file; check --data-dir.");
        }

        if (options.Shape is not { Channels: 1 or 3 } shape)
        {
            throw new DataException($"{place}: the model takes images of {options.Shape?.Channels ?? 0} channels, " +
                "and files have 1 or 3; choose another model.");
        }

        return Open(Name, place, shape, options.Seed);
    }

    private static Content Find(FileTree tree, ulong seed)
    {
        List<Picture> pictures = Pictures(tree);
        if (pictures.Count == 0)
        {
            throw new DataException($"{tree.Place}: there is no image in it (PNG, JPEG, BMP, PPM or PGM); expected " +
                "train/CLASS/IMAGE, or CLASS/IMAGE.");
        }

        ILookup<Part, Picture> parts = pictures.ToLookup(picture => picture.Part);
        string[] classes = [.. parts[Part.Train].Select(picture => picture.Class).Distinct()
            .Order(StringComparer.Ordinal)];
        if (classes.Length < 2)
        {
            string found = classes.Length == 0 ? "none" : $"only '{classes[0]}'";
            throw new DataException($"{tree.Place}: at least two classes are needed to train on, and there is " +
                $"{found}; put images into train/CLASS/, or into one folder a class.");
        }

        HashSet<string> known = [.. classes];
        if (pictures.Find(picture => !known.Contains(picture.Class)) is { } stranger)
        {
            throw new DataException($"{tree.PathOf(stranger.File)}: class '{stranger.Class}' has no image to train " +
                "on; add some or remove the folder.");
        }

        Picture[] train = [.. parts[Part.Train]], held = [.. parts[Part.Validation]], test = [.. parts[Part.Test]];
        if (test.Length == 0)
        {
            (test, held) = (held, []);
        }

        bool isDrawn = test.Length == 0;
        if (isDrawn)
        {
            (train, test) = Split(tree.Place, train, classes, seed);
        }

        return new Content([.. train, .. held, .. test], train.Length, held.Length, classes, isDrawn);
    }

    private static List<Picture> Pictures(FileTree tree)
    {
        List<(int File, string[] Steps)> files = [];
        for (int file = 0; file < tree.Names.Count; file++)
        {
            string[] steps = tree.Names[file].Split('/', StringSplitOptions.RemoveEmptyEntries);
            bool isImage = ImageFiles.Extensions.Contains(Path.GetExtension(tree.Names[file]).ToLowerInvariant());
            if (isImage && !steps.Any(step => step.StartsWith('.') || Clutter.Contains(step)))
            {
                files.Add((file, steps));
            }
        }

        // A zip file often holds one folder that holds everything.
        while (files.Count > 0 && files.All(file => file.Steps.Length > 2 && file.Steps[0] == files[0].Steps[0])
            && !TrainNames.Contains(files[0].Steps[0]))
        {
            files = [.. files.Select(file => (file.File, file.Steps[1..]))];
        }

        bool hasTrain = files.Exists(file => file.Steps.Length > 1 && Is(file.Steps[0], TrainNames));
        List<Picture> pictures = [];
        foreach ((int file, string[] steps) in files)
        {
            Part? part = !hasTrain || Is(steps[0], TrainNames) ? Part.Train
                : Is(steps[0], ValidationNames) ? Part.Validation : Is(steps[0], TestNames) ? Part.Test : null;
            int depth = hasTrain ? 1 : 0;
            if (part is null)
            {
                continue;
            }

            pictures.Add(steps.Length > depth + 1 ? new Picture(file, part.Value, steps[depth])
                : throw new DataException($"{tree.PathOf(file)}: the image is in no class's folder, so it has no " +
                    $"label; move it to {(hasTrain ? $"{steps[0]}/" : "")}CLASS/."));
        }

        return pictures;
    }

    private static bool Is(string step, string[] names) => names.Contains(step.ToLowerInvariant());

    private static (Picture[] Train, Picture[] Test) Split(
        string place, Picture[] pictures, string[] classes, ulong seed)
    {
        List<Picture> train = [], test = [];
        for (int label = 0; label < classes.Length; label++)
        {
            Picture[] those = [.. pictures.Where(picture => picture.Class == classes[label])];
            (int[] kept, int[] taken) = ValidationSplit.Split(those.Length, TestShare, seed, stream: 1 + label);
            train.AddRange(kept.Select(index => those[index]));
            test.AddRange(taken.Select(index => those[index]));
        }

        return test.Count > 0 ? ([.. train], [.. test])
            : throw new DataException($"{place}: {pictures.Length} images are too few to set some apart to test " +
                "with; add more, or a folder test.");
    }

    private enum Part
    {
        Train,
        Validation,
        Test,
    }

    private sealed record Picture(int File, Part Part, string Class);

    /// <summary>
    /// Which pictures there are: to train, held for validation, to test; and whether a seed drew the last.
    /// </summary>
    private sealed record Content(Picture[] Pictures, int Train, int Held, string[] Classes, bool IsDrawn);

    private sealed class PictureSource(FileTree tree, ulong seed) : ImageSource
    {
        private readonly Lazy<Content> _content = new(() => Find(tree, seed));

        public override IReadOnlyList<string> ClassNames => _content.Value.Classes;

        public override int TrainCount => _content.Value.Train + _content.Value.Held;

        public override int TestCount => _content.Value.Pictures.Length - TrainCount;

        public override ulong? SplitSeed => _content.Value.IsDrawn ? seed : null;

        public override bool IsHeld(int index) => index >= _content.Value.Train && index < TrainCount;

        public override void AppendIdentity(IncrementalHash hash)
        {
            hash.AppendData("images\n"u8);
            tree.AppendIdentity(hash);
        }

        public override string NameOf(int index) => tree.PathOf(_content.Value.Pictures[index].File);

        public override int Decode(int index, Span<byte> pixels)
        {
            Picture picture = _content.Value.Pictures[index];
            DecodedImage image = ImageFiles.Decode(tree.Read(picture.File), tree.PathOf(picture.File));
            image.ToChannels(Channels).Resize(Width, Height).Pixels.CopyTo(pixels);
            return Array.BinarySearch(_content.Value.Classes, picture.Class, StringComparer.Ordinal);
        }
    }
}
