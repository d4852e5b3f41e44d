using System.Xml.Linq;
using Xunit;

namespace Distributed.Tidy;

/// <summary>Where things are, and who may use whom.</summary>
public sealed class LayoutTests
{
    private static readonly string[] TopLevel =
    [
        "Coordinator", "Worker", "Shared", "Scripts", "Tests", "Distributed.sln", "README.md", "CHANGELOG.md",
        "LICENSE", "Directory.Build.props", "Directory.Packages.props", "global.json", ".editorconfig", ".gitignore",
        "BannedSymbols.txt", ".ci",
        "Akka.props", // not in git: this checkout's own
    ];

    /// <summary>
    /// What each project of Shared refers to, and nothing else. Execution names what Roles' messages are made of.
    /// </summary>
    private static readonly Dictionary<string, string[]> References = new()
    {
        ["Numerics.Generator"] = [],
        ["Numerics"] = ["Numerics.Generator"],
        ["Numerics.OpenCl"] = ["Numerics"],
        ["Learning"] = ["Numerics"],
        ["Data"] = ["Numerics"],
        ["Checkpoints"] = [],
        ["Protocol"] = [],
        ["Roles"] = ["Protocol"],
        ["Execution"] = ["Numerics", "Learning", "Data", "Protocol", "Roles"],
        ["Runtime"] = ["Protocol", "Roles", "Execution"],
        ["Runtime.Akka"] = ["Protocol", "Runtime"],
    };

    /// <summary>Test projects that are about no single project.</summary>
    private static readonly string[] Overarching = ["Cluster", "Benchmarks", "Fuzz", "Tidy", "Simulation"];

    /// <summary>Tested through others: the generator by its kernels, the worker by real processes.</summary>
    private static readonly string[] TestedElsewhere = ["Numerics.Generator", "Worker"];

    [Fact]
    public void TheTopLevelHasNoOtherNames() => Repository.Expect(
        "The top level is as designed.", Repository.TopLevel.Except(TopLevel));

    [Fact]
    public void SharedProjectsReferToWhatTheDesignSays()
    {
        string[] projects = [.. Projects("Shared/")];
        Repository.Expect("Every project of Shared has its row here.",
            projects.Select(Name).Except(References.Keys).Concat(References.Keys.Except(projects.Select(Name))));
        Repository.Expect("References are those of the design.",
            from path in projects
            let found = ReferencesOf(path).Order().ToArray()
            let expected = References[Name(path)].Order().ToArray()
            where !found.SequenceEqual(expected)
            select $"{path} refers to {string.Join(", ", found)} where the design has {string.Join(", ", expected)}");
    }

    [Theory]
    [InlineData("Numerics", "BannedSymbols.Purity.txt")]
    [InlineData("Learning", "BannedSymbols.Purity.txt")]
    [InlineData("Roles", "BannedSymbols.Purity.txt")]
    [InlineData("Data", "BannedSymbols.txt")]
    public void ClocksThreadsAndForeignTranscendentalsAreBuildErrors(string project, string list)
    {
        string text = Repository.Text($"Shared/{project}/{project}.csproj");
        Assert.Contains("Microsoft.CodeAnalysis.BannedApiAnalyzers", text);
        Assert.Contains(list, text);
    }

    [Fact]
    public void TestProjectsMirrorTheSource()
    {
        string[] tested = [.. Projects("Shared/").Concat(Projects("Coordinator/")).Concat(Projects("Worker/"))
            .Select(Name).Except(TestedElsewhere)];
        string[] tests = [.. Projects("Tests/").Select(Name).Except(Overarching)];
        string[] expected = [.. tested.Select(name => $"{name}.Tests")];
        Repository.Expect("Every project has its tests.", expected.Except(tests));
        Repository.Expect("Every test project has its project.", tests.Except(expected));
        Repository.Expect("A test project refers to what it tests.",
            from path in Projects("Tests/")
            where !Overarching.Contains(Name(path)) && !ReferencesOf(path).Contains(Name(path)[..^".Tests".Length])
            select path);
    }

    [Fact]
    public void TheSolutionHasEveryProject()
    {
        string solution = Repository.Text("Distributed.sln").Replace('\\', '/');
        Repository.Expect("Every project is in the solution, so that one command tests everything.",
            Repository.Files("*.csproj").Where(path => !solution.Contains($"\"{path}\"", StringComparison.Ordinal)));
    }

    private static IEnumerable<string> Projects(string folder) =>
        Repository.Files("*.csproj").Where(path => path.StartsWith(folder, StringComparison.Ordinal));

    private static string Name(string path) => Path.GetFileNameWithoutExtension(path);

    private static IEnumerable<string> ReferencesOf(string path) =>
        XDocument.Parse(Repository.Text(path)).Descendants("ProjectReference")
            .Select(reference => Name(reference.Attribute("Include")!.Value.Replace('\\', '/')));
}
