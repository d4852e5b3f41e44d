namespace Distributed.Benchmarks;

/// <summary>
/// A Markdown file of sections, of which a run replaces those that it measured, so that the table can be made in
/// pieces.
/// </summary>
internal sealed class ResultsFile(string path)
{
    private const string Mark = "## ";

    private readonly Dictionary<string, IReadOnlyList<string>> _sections = Read(path);

    /// <summary>Replaces a section and writes the file.</summary>
    public void Put(string section, IReadOnlyList<string> lines)
    {
        _sections[section] = lines;
        List<string> all =
        [
            "# Kernels against the machine's limits", "",
            "Made in under a minute by", "",
            $"    dotnet run -c Release --project Tests/Benchmarks -- --table --results {path}", "",
            "where the name of a section behind `--table` measures and replaces that alone.", "",
            $"Machine: {Processor()}, {Environment.ProcessorCount} cores; .NET {Environment.Version}.", "",
            .. KernelTable.Legend,
        ];
        foreach (string name in KernelCase.Sections)
            if (_sections.TryGetValue(name, out IReadOnlyList<string>? content))
                all.AddRange(["", Mark + name, "", .. content]);
        File.WriteAllLines(path, all);
    }

    private static Dictionary<string, IReadOnlyList<string>> Read(string path)
    {
        Dictionary<string, IReadOnlyList<string>> sections = [];
        List<string>? current = null;
        foreach (string line in File.Exists(path) ? File.ReadAllLines(path) : [])
            if (line.StartsWith(Mark, StringComparison.Ordinal))
                sections[line[Mark.Length..]] = current = [];
            else if (current?.Count > 0 || line.Length > 0)
                current?.Add(line);
        foreach (List<string> lines in sections.Values.Cast<List<string>>())
            while (lines.Count > 0 && lines[^1].Length == 0)
                lines.RemoveAt(lines.Count - 1);
        return sections;
    }

    private static string Processor()
    {
        const string information = "/proc/cpuinfo", field = "model name";
        string? line = File.Exists(information)
            ? File.ReadLines(information).FirstOrDefault(line => line.StartsWith(field, StringComparison.Ordinal))
            : null;
        return line == null ? "unknown processor" : line[(line.IndexOf(':') + 1)..].Trim();
    }
}
