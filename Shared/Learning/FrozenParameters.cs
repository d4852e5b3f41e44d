namespace Distributed.Learning;

/// <summary>
/// Parameters that training leaves as they are, by name: patterns in which * stands for any letters and ? for one. A
/// frozen parameter gets no update and no decay, and counts in no norm; where everything in front of a layer is frozen
/// too, no gradient is computed. Running statistics are no parameters: they go on moving.
/// </summary>
public sealed class FrozenParameters
{
    private readonly string[] _patterns;

    /// <summary>Those that a list of patterns names, separated by commas; an empty text freezes nothing.</summary>
    public FrozenParameters(string patterns) =>
        _patterns = patterns.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>Nothing is frozen.</summary>
    public static FrozenParameters None { get; } = new("");

    /// <summary>Whether a parameter of that name is frozen.</summary>
    public bool Contains(string name) => Array.Exists(_patterns, pattern => Matches(pattern, name));

    /// <summary>Checks that every pattern names a parameter of the model, and that one is left to train.</summary>
    /// <exception cref="ModelException">The first pattern that names none, or nothing is left.</exception>
    public void Check(Model model)
    {
        if (_patterns.Length == 0)
            return;
        var names = ParameterLayout.Of(model).Trainable.Select(entry => entry.Name).ToList();
        if (Array.Find(_patterns, pattern => !names.Exists(name => Matches(pattern, name))) is { } lost)
        {
            throw new ModelException(
                $"model \"{model.Name}\" has no parameter called \"{lost}\" to freeze; it has " +
                $"{string.Join(", ", names.Take(4))}{(names.Count > 4 ? " and others (see summary)" : "")}.");
        }
        if (names.TrueForAll(Contains))
            throw new ModelException($"every parameter of model \"{model.Name}\" is frozen; leave one to train.");
    }

    private static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        if (pattern.IsEmpty)
            return name.IsEmpty;
        if (pattern[0] == '*')
            return Matches(pattern[1..], name) || (!name.IsEmpty && Matches(pattern, name[1..]));
        return !name.IsEmpty && (pattern[0] == '?' || pattern[0] == name[0]) && Matches(pattern[1..], name[1..]);
    }
}
