using System.Collections.Immutable;
using System.Runtime.Loader;
using System.Text.RegularExpressions;
using Distributed.Tests;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Distributed.Simulation;

/// <summary>
/// The simulation over a product with one mistake: the project of the mistake is compiled anew in memory, and loaded
/// with a second copy of everything that stands on it.
/// </summary>
internal sealed partial class MutantBuild : AssemblyLoadContext
{
    private const string Ours = "Distributed.";

    private readonly string _mutated;
    private readonly MemoryStream _image;

    private MutantBuild(string assembly, MemoryStream image)
        : base(assembly, isCollectible: true)
    {
        _mutated = assembly;
        _image = image;
    }

    /// <summary>Compiles the mistake; returns how to run a seed over it, as <see cref="SeedRun"/> does.
    /// </summary>
    public static Func<int, string?> Of(Mutant mutant)
    {
        string project = Path.Combine([.. mutant.File.Split('/').Take(2)]);
        string assembly = Ours + Path.GetFileName(project);
        IEnumerable<string> files = Directory
            .EnumerateFiles(Path.Combine(Checkout.Folder, project), "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal))
            .Append(Path.Combine(Checkout.Folder, "Shared/Sentence.cs"));
        CSharpCompilation compilation = CSharpCompilation.Create(
            assembly,
            [.. files.Select(path => Parse(path, Source(path, mutant))), Parse("Build.cs", BuildSource)],
            References(assembly),
            new CSharpCompilationOptions(
                OutputKind.DynamicallyLinkedLibrary, optimizationLevel: OptimizationLevel.Release, allowUnsafe: true,
                nullableContextOptions: NullableContextOptions.Enable));
        MemoryStream image = new();
        ImmutableArray<Diagnostic> errors = compilation.Emit(image).Diagnostics
            .RemoveAll(diagnostic => diagnostic.Severity != DiagnosticSeverity.Error);
        if (!errors.IsEmpty)
            throw new InvalidOperationException($"{mutant.Name}: {string.Join(Environment.NewLine, errors)}");
        MutantBuild build = new(assembly, image);
        return build.LoadFromAssemblyPath(typeof(SeedRun).Assembly.Location).GetType(typeof(SeedRun).FullName!)!
            .GetMethod(nameof(SeedRun.Failure), [typeof(int)])!.CreateDelegate<Func<int, string?>>();
    }

    /// <inheritdoc/>
    protected override System.Reflection.Assembly? Load(System.Reflection.AssemblyName name)
    {
        if (name.Name is not { } simple || !simple.StartsWith(Ours, StringComparison.Ordinal)) return null;
        if (simple != _mutated) return LoadFromAssemblyPath(Path.Combine(AppContext.BaseDirectory, simple + ".dll"));
        _image.Position = 0;
        return LoadFromStream(_image);
    }

    private const string BuildSource = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Threading;
        [assembly: System.Runtime.CompilerServices.InternalsVisibleTo("Distributed.Simulation")]
        """;

    private static string Source(string path, Mutant mutant)
    {
        string source = File.ReadAllText(path).ReplaceLineEndings("\n");
        if (path == Path.Combine(Checkout.Folder, mutant.File))
        {
            if (source.Split(mutant.Original).Length != 2)
                throw new InvalidOperationException($"{mutant.Name}: {mutant.File} has not this text once.");
            source = source.Replace(mutant.Original, mutant.Wrong, StringComparison.Ordinal);
        }

        // No source generator runs here: these are what they stand for.
        source = GeneratedRegex().Replace(source, "private static Regex $2() => new($1);");
        return LibraryImport().Replace(source, "[DllImport($1)]$2 static extern ");
    }

    private static SyntaxTree Parse(string path, string source) => CSharpSyntaxTree.ParseText(
        source, new CSharpParseOptions(LanguageVersion.Preview), path);

    private static IEnumerable<MetadataReference> References(string but) =>
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileNameWithoutExtension(path) != but)
            .Select(path => MetadataReference.CreateFromFile(path));

    [GeneratedRegex(@"\[GeneratedRegex\((.*)\)\]\s*private static partial Regex (\w+)\(\);")]
    private static partial Regex GeneratedRegex();

    [GeneratedRegex(@"\[LibraryImport\(([^\]]*?)(?:, StringMarshalling = \w+\.Utf8)?\)\](\s*private) static partial ")]
    private static partial Regex LibraryImport();
}
