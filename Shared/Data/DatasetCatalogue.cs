using System.Globalization;

namespace Distributed.Data;

/// <summary>What a data set is loaded with, beyond its name.</summary>
public sealed record DatasetOptions
{
    /// <summary>A folder to look for files in; null: the usual places.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>The seed of generated data sets.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Training samples of generated data sets.</summary>
    public int TrainCount { get; init; } = 10_000;

    /// <summary>Test samples of generated data sets.</summary>
    public int TestCount { get; init; } = 2_000;

    /// <summary>Channels, rows and columns that the model takes; pictures of any size are brought to them.</summary>
    public (int Channels, int Height, int Width)? Shape { get; init; }

    /// <summary>Whether images that can't be decoded are left out, and counted.</summary>
    public bool SkipCorrupt { get; init; }

    /// <summary>
    /// The most bytes of decoded images that are kept under the user's cache; larger data sets are decoded whenever
    /// they are used.
    /// </summary>
    public long CacheLimit { get; init; } = UserCache.Limit;

    /// <summary>Told in short lines about what takes long, such as a download; null: nobody is.</summary>
    public Action<string>? Progress { get; init; }

    /// <summary>
    /// The environment variable with the default of <see cref="CacheLimit"/>, as <see cref="ParseSize"/> reads it.
    /// </summary>
    public const string CacheLimitVariable = "DISTRIBUTED_CACHE_LIMIT";

    /// <summary>Reads a number of bytes such as 0, 500MB or 4GB (powers of 1000); null where it is none.</summary>
    /// <param name="text">The text.</param>
    public static long? ParseSize(string text)
    {
        (string Unit, long Bytes)[] units = [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000)];
        (string unit, long bytes) = units.FirstOrDefault(
            each => text.EndsWith(each.Unit, StringComparison.OrdinalIgnoreCase), ("", 1));
        return double.TryParse(text[..^unit.Length].TrimEnd(), NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture, out double number) && number * bytes < 1e18 ? (long)(number * bytes) : null;
    }

    /// <summary>The folder of data sets that the environment names.</summary>
    internal string? CommonFolder { get; init; } = Environment.GetEnvironmentVariable("DISTRIBUTED_DATA");

    /// <summary>The user's cache of this program.</summary>
    internal string CacheRoot { get; init; } = UserCache.Folder;
}

/// <summary>The data sets by name. To add one: a class in Sources, a row here, a fixture.</summary>
public static class DatasetCatalogue
{
    private static readonly Row[] Rows =
    [
        new("digits", _ => 10, Digits.Load, null),
        new("mnist", _ => 10, Mnist.Digits.Load, Mnist.Digits.Fetch),
        new("fashion-mnist", _ => 10, Mnist.Fashion.Load, Mnist.Fashion.Fetch),
        new("kmnist", _ => 10, Mnist.Kuzushiji.Load, Mnist.Kuzushiji.Fetch),
        new("cifar10", _ => 10, Cifar.Ten.Load, Cifar.Ten.Fetch),
        new("cifar100", _ => 100, Cifar.Hundred.Load, Cifar.Hundred.Fetch),
        new(ImageFolder.Name, ImageFolder.CountClasses, ImageFolder.Load, ImageFolder.Fetch),
    ];

    /// <summary>Every name that <see cref="Load"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Rows.Select(row => row.Name)];

    /// <summary>Loads a data set into memory.</summary>
    /// <param name="name">Its name, in any case.</param>
    /// <param name="options">Where to look and what to generate.</param>
    /// <exception cref="DataException">The name is unknown, or the files are missing or broken.</exception>
    public static Dataset Load(string name, DatasetOptions options)
    {
        return Noise.Matches(name) ? Noise.Load(name, options) : Find(name).Load(options);
    }

    /// <summary>Makes sure that a data set's files are on this machine, downloading them if need be, without loading
    /// them: so that of several processes that are about to load them only one downloads.</summary>
    /// <inheritdoc cref="Load"/>
    public static void Fetch(string name, DatasetOptions options)
    {
        if (!Noise.Matches(name)) Find(name).Fetch?.Invoke(options);
    }

    /// <summary>How many classes a data set has, without loading it.</summary>
    /// <inheritdoc cref="Load"/>
    public static int CountClasses(string name, DatasetOptions options) => Find(name).CountClasses(options);

    private static Row Find(string name)
    {
        foreach (Row row in Rows)
        {
            if (string.Equals(row.Name, name, StringComparison.OrdinalIgnoreCase)) return row;
        }

        throw new DataException($"There is no data set '{name}'; known are {string.Join(", ", Names)}.");
    }

    private sealed record Row(
        string Name, Func<DatasetOptions, int> CountClasses, Func<DatasetOptions, Dataset> Load,
        Action<DatasetOptions>? Fetch);
}
