using System.Diagnostics;
using System.Globalization;

namespace Distributed.Fuzz;

/// <summary>
/// <c>dotnet run -c Release --project Tests/Fuzz -- TARGET|all [--seconds N] [--seed S] [--corpus DIR]</c>: feeds the
/// product's readers with changed inputs, guided by coverage. Exit code 1: there were findings.
/// The campaign runs in a child process of instrumented assemblies, so that a crash is a finding too.
/// </summary>
internal static class Program
{
    private const int StandardSeconds = 120;
    private const string Child = "--child";

    private static int Main(string[] arguments)
    {
        if (arguments is not [var name, ..] || !TargetList.Names.Append("all").Contains(name)
            || arguments.Length % 2 == 0)
        {
            Console.Error.WriteLine("usage: TARGET [--seconds N] [--seed S] [--corpus DIR] [--replay FILE]; targets: " +
                string.Join(", ", [.. TargetList.Names, "all"]));
            return 2;
        }

        string Option(string option, string otherwise) =>
            Array.IndexOf(arguments, option) is var at and > 0 ? arguments[at + 1] : otherwise;
        string corpus = Path.GetFullPath(Option("--corpus", Path.Combine("artifacts", "fuzz")));
        int seed = int.Parse(Option("--seed", $"{Random.Shared.Next()}"), CultureInfo.InvariantCulture);
        int seconds = int.Parse(Option("--seconds", $"{StandardSeconds}"), CultureInfo.InvariantCulture);
        if (Option("--replay", "") is { Length: > 0 } file) return Replay(name, file);
        if (Option(Child, "") is { Length: > 0 })
        {
            using FuzzTarget target = TargetList.Create(name);
            CorpusFolder folder = new(corpus, name);
            return Campaign.Run(target, TimeSpan.FromSeconds(seconds), seed, folder) == 0 ? 0 : 1;
        }

        string copy = Directory.CreateTempSubdirectory("distributed-fuzz-").FullName;
        try
        {
            Instrumentation.Copy(AppContext.BaseDirectory, copy);
            string[] options = ["--seconds", $"{seconds}", "--seed", $"{seed}", "--corpus", corpus, Child, "yes"];
            return (name == "all" ? TargetList.Names : [name])
                .Select(target => RunChild(copy, target, seed, new CorpusFolder(corpus, target), options)).Max();
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    private static int RunChild(string folder, string target, int seed, CorpusFolder corpus, string[] options)
    {
        string program = Path.Combine(folder, Path.GetFileName(typeof(Program).Assembly.Location));
        ProcessStartInfo start = new("dotnet", [program, target, .. options]);
        start.Environment["TMPDIR"] = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        using Process process = Process.Start(start)!;
        process.WaitForExit();
        if (process.ExitCode is not (0 or 1))
            corpus.Save(corpus.Noted(), $"the process died with exit code {process.ExitCode}", seed);
        corpus.Forget();
        return process.ExitCode == 0 ? 0 : 1;
    }

    /// <summary>Runs one saved input, without instrumentation.</summary>
    private static int Replay(string name, string file)
    {
        using FuzzTarget target = TargetList.Create(name);
        _ = target.Seeds;
        string? complaint = Judge.Complaint(target, File.ReadAllBytes(file), out Outcome outcome, isAlone: true);
        Console.WriteLine(complaint ?? (outcome.IsAccepted ? "accepted" : "refused"));
        foreach (string sentence in outcome.Refusals) Console.WriteLine(sentence);
        return complaint is null ? 0 : 1;
    }
}
