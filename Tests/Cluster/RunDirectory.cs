using System.Text.Json;
using System.Text.RegularExpressions;
using Distributed.Cluster.Native;
using Xunit;

namespace Distributed.Cluster;

/// <summary>A temporary folder with one run in it, whatever number of times its command is given.</summary>
internal sealed partial class RunDirectory : IDisposable
{
    private readonly string _engine;

    private const string Name = "test";

    private readonly List<ProgramRun> _programs = [];

    /// <summary>The settings that every run here shares: eleven micro-batches a step, the last one short.</summary>
    private static readonly string[] Standard =
    [
        "--name", Name, "--model", "lenet5", "--data", "digits", "--epochs", "2", "--batch", "128",
        "--micro-batch", "12", "--seed", "5", "--threads", "1",
    ];

    /// <summary>Creates the folder.</summary>
    /// <param name="engine">What runs the actors of the programs that are started in it.</param>
    public RunDirectory(string engine = "local")
    {
        _engine = engine;
        File.WriteAllText(System.IO.Path.Combine(Path, MixedModel.File), MixedModel.Json);
    }

    /// <summary>Steps of the standard run.</summary>
    public const int Steps = 142;

    /// <summary>Micro-batches of a step of it, from 1: the last one of an epoch takes the 40 samples that are left.
    /// </summary>
    public static int MicroBatches(int step) => step % (Steps / 2) == 0 ? 4 : 11;

    public string Path { get; } = Directory.CreateTempSubdirectory("distributed-cluster-").FullName;

    public string RunPath => System.IO.Path.Combine(Path, "runs", Name);

    public string Checkpoints => System.IO.Path.Combine(RunPath, "checkpoints");

    /// <summary>Result of the last process that wrote one.</summary>
    public RunOutcome Outcome => RunOutcome.Read(System.IO.Path.Combine(RunPath, "result.json"));

    /// <summary>The standard command with other or more settings, each an option and its value.</summary>
    public static IReadOnlyList<string> Command(params string[] settings)
    {
        List<string> command = ["train"];
        for (int option = 0; option < Standard.Length; option += 2)
        {
            if (!settings.Contains(Standard[option])) command.AddRange(Standard[option..(option + 2)]);
        }

        return [.. command, .. settings];
    }

    /// <summary>Starts the standard command with other or more settings.</summary>
    public ProgramRun Train(params string[] settings) => Train(settings, []);

    /// <summary>The same with an environment.</summary>
    public ProgramRun Train(string[] settings, params (string Name, string Value)[] environment) =>
        Start(Programs.Coordinator, TrainCommand(settings), environment);

    /// <summary>Starts a worker that joins by the run's engine.</summary>
    public ProgramRun Join(string address, string[] settings, params (string Name, string Value)[] environment) =>
        Start(Programs.Worker, JoinCommand(address, settings), environment);

    /// <summary>The standard command by the run's engine.</summary>
    public IReadOnlyList<string> TrainCommand(string[] settings) => [.. Command(settings), .. EngineOption];

    /// <summary>A worker's command by the run's engine.</summary>
    public IReadOnlyList<string> JoinCommand(string address, string[] settings) =>
        ["--join", address, "--threads", "1", .. EngineOption, .. settings];

    /// <summary>
    /// Kills the coordinator once it has applied that many steps, gives the same command again, and requires that this
    /// went on with a checkpoint of the last twenty steps.
    /// </summary>
    public void TrainKilledAt(int step, params string[] settings)
    {
        settings = [.. settings, "--checkpoint-every", "10"];
        ProgramRun killed = Train(settings);
        WaitForStep(step, killed);
        IReadOnlyList<int> workers = killed.Workers();
        killed.Signal(SystemCalls.Kill);
        killed.WaitForExit(workers);
        ProgramRun resumed = Train(settings);
        Assert.True(resumed.WaitForExit() == 0, resumed.Transcript);
        Assert.InRange(Outcome.ResumedFromStep, step - 20, Outcome.Steps - 1);
    }

    /// <summary>Starts one of the programs in this folder.</summary>
    public ProgramRun Start(
        string program, IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        ProgramRun run = new(program, Path, arguments, environment.ToDictionary());
        _programs.Add(run);
        return run;
    }

    /// <summary>Waits until the run has applied that many steps.</summary>
    public void WaitForStep(int step, ProgramRun run) => Wait.Until(
        () => LastStep() >= step, run, $"step {step} applied");

    /// <summary>The last step that metrics.jsonl has; 0: none.</summary>
    public int LastStep() => MetricsLines() is [.., { } last] && StepPattern().Match(last) is { Success: true } match
        ? int.Parse(match.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture) : 0;

    /// <summary>Every whole line of metrics.jsonl without what differs from machine to machine.</summary>
    public IReadOnlyList<string> Metrics() => [.. MetricsLines().Select(line => TimePattern().Replace(line, ""))];

    /// <summary>The newest checkpoint's file.</summary>
    public string NewestCheckpoint() => Directory.EnumerateFiles(Checkpoints, "step-*").Max(StringComparer.Ordinal)!;

    /// <summary>A copy of the run's folder, to break.</summary>
    public RunDirectory Copy()
    {
        RunDirectory copy = new();
        foreach (string file in Directory.EnumerateFiles(RunPath, "*", SearchOption.AllDirectories))
        {
            string target = System.IO.Path.Combine(copy.RunPath, System.IO.Path.GetRelativePath(RunPath, file));
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(target)!);
            if (new FileInfo(file).LinkTarget is { } link) File.CreateSymbolicLink(target, link);
            else File.Copy(file, target);
        }

        return copy;
    }

    public void Dispose()
    {
        foreach (ProgramRun program in _programs) program.Dispose();
        Directory.Delete(Path, recursive: true);
    }

    private string[] EngineOption => _engine == "local" ? [] : ["--engine", _engine];

    private string[] MetricsLines()
    {
        string path = System.IO.Path.Combine(RunPath, "metrics.jsonl");
        if (!File.Exists(path)) return [];
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using StreamReader reader = new(file);
        string text = reader.ReadToEnd();
        return text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    [GeneratedRegex("\"step\":([0-9]+)")]
    private static partial Regex StepPattern();

    [GeneratedRegex(",\"(seconds|samplesPerSecond)\":[^,}]*")]
    private static partial Regex TimePattern();
}

/// <summary>What result.json says.</summary>
internal sealed record RunOutcome(
    string Status, long Steps, string Weights, string BestWeights, long SamplesApplied, long SamplesExpected,
    double? TestAccuracy, long ResumedFromStep, int Restarts, IReadOnlyDictionary<string, long> MicroBatchesByWorker)
{
    public static RunOutcome Read(string path)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
        JsonElement root = document.RootElement;
        JsonElement accuracy = root.GetProperty("testAccuracy");
        return new RunOutcome(
            root.GetProperty("status").GetString()!,
            root.GetProperty("steps").GetInt64(),
            root.GetProperty("weightsSha256").GetString()!,
            root.GetProperty("bestWeightsSha256").GetString()!,
            root.GetProperty("samplesApplied").GetInt64(),
            root.GetProperty("samplesExpected").GetInt64(),
            accuracy.ValueKind == JsonValueKind.Null ? null : accuracy.GetDouble(),
            root.GetProperty("resumedFromStep").GetInt64(),
            root.GetProperty("restarts").GetInt32(),
            root.GetProperty("microBatchesByWorker").EnumerateObject()
                .ToDictionary(property => property.Name, property => property.Value.GetInt64()));
    }
}
