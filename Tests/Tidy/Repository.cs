using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Xunit;

namespace Distributed.Tidy;

/// <summary>The checkout that these tests were built in.</summary>
internal static class Repository
{
    private static readonly string[] NotOurs =
    [
        "bin", "obj", ".git", ".vs", ".vscode", ".idea", "out", "runs", "artifacts", "TestResults",
        "BenchmarkDotNet.Artifacts",
    ];

    /// <summary>The folder that holds Distributed.sln.</summary>
    public static string Root => Checkout.Folder;

    /// <summary>Every C# file, parsed, with its path from the root.</summary>
    public static IReadOnlyList<(string Path, SyntaxNode Syntax)> Sources { get; } =
        [.. Files("*.cs").Select(path => (path, Parse(path)))];

    /// <summary>Paths from the root, with '/', of files that match a pattern; build outputs are left out.</summary>
    public static IEnumerable<string> Files(string pattern) =>
        from path in Directory.EnumerateFiles(Root, pattern, SearchOption.AllDirectories)
        let relative = Path.GetRelativePath(Root, path).Replace('\\', '/')
        where !relative.Split('/')[..^1].Any(folder => NotOurs.Contains(folder))
        orderby relative
        select relative;

    /// <summary>Names directly in the root, but for what builds and editors leave.</summary>
    public static IEnumerable<string> TopLevel =>
        Directory.EnumerateFileSystemEntries(Root).Select(path => Path.GetFileName(path))
            .Where(name => !NotOurs.Contains(name));

    /// <summary>A file's lines.</summary>
    public static string[] Lines(string path) => File.ReadAllLines(Path.Combine(Root, path));

    /// <summary>A file's text.</summary>
    public static string Text(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>Fails with one line for each place that breaks a rule.</summary>
    public static void Expect(string rule, IEnumerable<string> broken)
    {
        string[] places = [.. broken];
        Assert.True(places.Length == 0, $"{rule}\n  {string.Join("\n  ", places)}");
    }

    /// <summary>PATH:LINE of a node.</summary>
    public static string Place(string path, SyntaxNode node) => Place(path, node.GetLocation());

    /// <summary>PATH:LINE of a place in the text.</summary>
    public static string Place(string path, Location location) =>
        $"{path}:{location.GetLineSpan().StartLinePosition.Line + 1}";

    private static SyntaxNode Parse(string path) =>
        CSharpSyntaxTree.ParseText(Text(path), new CSharpParseOptions(LanguageVersion.Preview)).GetRoot();
}
