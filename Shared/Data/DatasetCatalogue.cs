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

    /// <summary>Told in short lines about what takes long, such as a download; null: nobody is.</summary>
    public Action<string>? Progress { get; init; }
}

/// <summary>The data sets by name. To add one: a class in Sources, a row here, a fixture.</summary>
public static class DatasetCatalogue
{
    private static readonly (string Name, Func<DatasetOptions, Dataset> Load, Action<DatasetOptions>? Fetch)[] Rows =
    [
        ("digits", Digits.Load, null),
        ("mnist", Mnist.Digits.Load, Mnist.Digits.Fetch),
        ("fashion-mnist", Mnist.Fashion.Load, Mnist.Fashion.Fetch),
        ("kmnist", Mnist.Kuzushiji.Load, Mnist.Kuzushiji.Fetch),
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

    private static (string Name, Func<DatasetOptions, Dataset> Load, Action<DatasetOptions>? Fetch) Find(string name)
    {
        foreach (var row in Rows)
        {
            if (string.Equals(row.Name, name, StringComparison.OrdinalIgnoreCase)) return row;
        }

        throw new DataException($"There is no data set '{name}'; known are {string.Join(", ", Names)}.");
    }
}
