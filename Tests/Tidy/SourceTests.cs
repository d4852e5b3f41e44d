using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Xunit;

namespace Distributed.Tidy;

/// <summary>Rules for every source file.</summary>
public sealed partial class SourceTests
{
    private const int MostLines = 500;
    private const int MostColumns = 120;
    private const int MostFunctionLines = 70;

    [Fact]
    public void FilesAreShort() => Repository.Expect(
        $"A file has at most {MostLines} lines; split it by what its parts are about.",
        from path in Repository.Files("*.cs")
        let lines = Repository.Lines(path).Length
        where lines > MostLines
        select $"{path} has {lines}");

    [Fact]
    public void LinesFitTheScreen() => Repository.Expect(
        $"A line has at most {MostColumns} columns.",
        from path in Repository.Files("*.cs").Concat(Repository.Files("*.sh")).Append(".ci/run")
        from line in Repository.Lines(path).Select((text, index) => (text.Length, Number: index + 1))
        where line.Length > MostColumns
        select $"{path}:{line.Number} has {line.Length}");

    [Fact]
    public void FunctionsFitTheScreen() => Repository.Expect(
        $"A function has at most {MostFunctionLines} lines.",
        from source in Repository.Sources
        from node in source.Syntax.DescendantNodes()
        where node is BaseMethodDeclarationSyntax or LocalFunctionStatementSyntax or AccessorDeclarationSyntax
        let span = node.GetLocation().GetLineSpan()
        let lines = span.EndLinePosition.Line - span.StartLinePosition.Line + 1
        where lines > MostFunctionLines
        select $"{Repository.Place(source.Path, node)} has {lines}");

    [Fact]
    public void NothingIsLeftToDo() => Repository.Expect(
        "What is unfinished is finished or left out, not marked.",
        from pattern in (string[])["*.cs", "*.csproj", "*.props", "*.sh", "*.py", "*.md"]
        from path in Repository.Files(pattern)
        where !path.StartsWith("Tests/Tidy/", StringComparison.Ordinal)
        from line in Repository.Lines(path).Select((text, index) => (Text: text, Number: index + 1))
        where Unfinished().IsMatch(line.Text)
        select $"{path}:{line.Number}");

    [Fact]
    public void CommentsSpeakOfTheCodeAlone() => Repository.Expect(
        "No comment mentions the number of an issue or of a pull request: it must be understood without.",
        from source in Repository.Sources
        from comment in source.Syntax.DescendantTrivia(descendIntoTrivia: true)
        where comment.Kind() is SyntaxKind.SingleLineCommentTrivia or SyntaxKind.MultiLineCommentTrivia
            or SyntaxKind.SingleLineDocumentationCommentTrivia or SyntaxKind.MultiLineDocumentationCommentTrivia
        where IssueNumber().IsMatch(comment.ToFullString())
        select Repository.Place(source.Path, comment.GetLocation()));

    [Fact]
    public void TestsDoNotSleep() => Repository.Expect(
        "A test waits on a condition with a deadline, or in virtual time.",
        from source in Repository.Sources
        where source.Path.StartsWith("Tests/", StringComparison.Ordinal)
        from access in source.Syntax.DescendantNodes().OfType<MemberAccessExpressionSyntax>()
        where access.ToString() is "Thread.Sleep" or "Task.Delay"
        select Repository.Place(source.Path, access));

    [Fact]
    public void UnsafeCodeStaysInItsPlaces() => Repository.Expect(
        "unsafe is allowed in Numerics, in its tests, and in folders named Native.",
        from source in Repository.Sources
        where !source.Path.StartsWith("Shared/Numerics/", StringComparison.Ordinal)
        where !source.Path.StartsWith("Tests/Numerics.Tests/", StringComparison.Ordinal)
        where !source.Path.Contains("/Native/", StringComparison.Ordinal)
        from token in source.Syntax.DescendantTokens()
        where token.IsKind(SyntaxKind.UnsafeKeyword)
        select Repository.Place(source.Path, token.GetLocation()));

    [Fact]
    public void MissingDocstringsStayErrors() => Repository.Expect(
        "Every public member of Shared has a docstring, and the compiler checks it.",
        from path in Repository.Files("*.cs").Concat(Repository.Files("*.csproj"))
        where path.StartsWith("Shared/", StringComparison.Ordinal) && Repository.Text(path).Contains("1591")
        select path);

    [GeneratedRegex(@"\b(TODO|FIXME|XXX|HACK)\b")]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"\b(issue|pull request|PR)\s*#?\s*[0-9]|(?<![\w&])#[0-9]+\b", RegexOptions.IgnoreCase)]
    private static partial Regex IssueNumber();
}
