using System.Globalization;
using Distributed.Runtime;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Memory;

namespace Distributed.Coordinator;

/// <summary>
/// The settings of <c>train</c> as they were given, in rising order: <c>appsettings.json</c> beside the program and in
/// the current folder, the environment, options. Reads one at a time; a mistake is one sentence that names where the
/// value came from.
/// </summary>
internal sealed class TrainSettings
{
    private const string FileName = "appsettings.json";

    private readonly ConfigurationManager _configuration = new();
    private readonly Dictionary<IConfigurationProvider, string> _files = [];
    private readonly IConfigurationProvider _environment;

    /// <summary>Collects the settings.</summary>
    /// <param name="context">The environment and the folders of files.</param>
    /// <param name="options">Values of the options that were given, by the setting's name.</param>
    /// <exception cref="UsageException">A file is malformed or has an unknown key.</exception>
    public TrainSettings(CommandContext context, IReadOnlyDictionary<string, string> options)
    {
        foreach (string folder in context.SettingsFolders.Distinct()) AddFile(Path.Combine(folder, FileName));
        _environment = Add(setting => context.Environment(setting.Variable));
        Add(setting => options.GetValueOrDefault(setting.Name));
    }

    /// <summary>All of it, for the host.</summary>
    public ConfigurationManager Configuration => _configuration;

    /// <summary>Whether the setting was given anywhere.</summary>
    public bool Has(string name) => Text(name) is not null;

    /// <summary>The setting as text; null where it was not given.</summary>
    public string? Text(string name) =>
        _configuration[Key(Setting(name))] is { Length: > 0 } text ? text : null;

    /// <summary>A whole number from <paramref name="least"/> to <paramref name="most"/>.</summary>
    public int? Integer(string name, int least, int most = int.MaxValue)
    {
        if (Text(name) is not { } text) return null;
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) &&
            value >= least && value <= most)
        {
            return value;
        }

        string range = most == int.MaxValue ? $"of at least {least}" : $"from {least} to {most}";
        throw Mistake(name, $"expected a whole number {range}, got '{text}'");
    }

    /// <summary>
    /// A number that <paramref name="isValid"/> accepts; <paramref name="range"/> says which those are.
    /// </summary>
    public double? Number(string name, Func<double, bool> isValid, string range)
    {
        if (Text(name) is not { } text) return null;
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) &&
            double.IsFinite(value) && isValid(value)
                ? value
                : throw Mistake(name, $"expected a number {range}, got '{text}'");
    }

    /// <summary>A seed: a whole number of 64 bits.</summary>
    public ulong? Seed(string name)
    {
        if (Text(name) is not { } text) return null;
        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value)
            ? value
            : throw Mistake(name, $"expected a whole number from 0 to {ulong.MaxValue}, got '{text}'");
    }

    /// <summary>Whether a flag is set.</summary>
    public bool Flag(string name)
    {
        if (Text(name) is not { } text) return false;
        return bool.TryParse(text, out bool value) ? value
            : throw Mistake(name, $"expected true or false, got '{text}'");
    }

    /// <summary>One of a few words, in any case; null where it was not given.</summary>
    public string? OneOf(string name, params IReadOnlyList<string> words)
    {
        if (Text(name) is not { } text) return null;
        return words.FirstOrDefault(word => string.Equals(word, text, StringComparison.OrdinalIgnoreCase))
            ?? throw Mistake(name, $"expected one of {string.Join(", ", words)}, got '{text}'");
    }

    /// <summary>The value with that name, in any case.</summary>
    public T? Word<T>(string name)
        where T : struct, Enum =>
        OneOf(name, [.. Enum.GetNames<T>().Select(word => word.ToLowerInvariant())]) is { } word
            ? Enum.Parse<T>(word, ignoreCase: true)
            : null;

    /// <summary>A mistake in a setting, as one sentence that starts with where it came from.</summary>
    public UsageException Mistake(string name, string sentence) => new($"{Source(Setting(name))}: {sentence}.");

    private static IEnumerable<TrainSetting> Known => TrainSetting.All.Concat(TrainSetting.Limits);

    private static TrainSetting Setting(string name) => Known.First(setting => setting.Name == name);

    private static string Key(TrainSetting setting) =>
        ConfigurationPath.Combine(TrainSetting.Section, setting.Key);

    private string Source(TrainSetting setting)
    {
        IConfigurationProvider? source = ((IConfigurationRoot)_configuration).Providers
            .LastOrDefault(provider => provider.TryGet(Key(setting), out string? value) && value is { Length: > 0 });
        if (source == _environment) return setting.Variable;
        return source is not null && _files.TryGetValue(source, out string? path)
            ? $"{path}, {TrainSetting.Section}:{setting.Key}"
            : setting.Option;
    }

    private IConfigurationProvider Add(Func<TrainSetting, string?> find)
    {
        Dictionary<string, string?> values = [];
        foreach (TrainSetting setting in Known)
        {
            if (find(setting) is { Length: > 0 } value) values[Key(setting)] = value;
        }

        ((IConfigurationBuilder)_configuration).Add(new MemoryConfigurationSource { InitialData = values });
        return ((IConfigurationRoot)_configuration).Providers.Last();
    }

    private void AddFile(string path)
    {
        if (!File.Exists(path)) return;
        try
        {
            _configuration.AddJsonFile(path, optional: false, reloadOnChange: false);
            _files.Add(((IConfigurationRoot)_configuration).Providers.Last(), path);
        }
        catch (InvalidDataException error)
        {
            string reason = error.GetBaseException().Message.Split(" LineNumber:")[0].TrimEnd('.');
            throw new UsageException($"{path}: not valid JSON: {reason}.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path}: the settings can't be read ({error.Message.TrimEnd('.')}).");
        }

        foreach (IConfigurationSection section in _configuration.GetSection(TrainSetting.Section).GetChildren())
        {
            if (section.Key.Equals(LimitSetting.Section, StringComparison.OrdinalIgnoreCase))
            {
                if (section.Value is not null)
                {
                    throw new UsageException($"{path}: {TrainSetting.Section}:{section.Key} holds settings of its own, "
                        + $"such as {Key(TrainSetting.Limits[0])}.");
                }

                foreach (IConfigurationSection limit in section.GetChildren())
                    RequireKnown(path, $"{LimitSetting.Section}:{limit.Key}", TrainSetting.Limits);
            }
            else
            {
                RequireKnown(path, section.Key, TrainSetting.All);
            }
        }
    }

    private static void RequireKnown(string path, string key, IReadOnlyList<TrainSetting> known)
    {
        if (known.Any(setting => setting.Key.Equals(key, StringComparison.OrdinalIgnoreCase))) return;
        throw new UsageException($"{path}: there is no setting {TrainSetting.Section}:{key}; known "
            + $"are {string.Join(", ", known.Select(setting => setting.Key))}.");
    }
}
