using System.Text;
using System.Text.Json;
using Distributed.Checkpoints;
using Distributed.Execution;
using Distributed.Learning;
using Distributed.Protocol;

namespace Distributed.Coordinator;

/// <summary>
/// A run's folder, held by this process, or by those that stand by for it too: <c>run.json</c> (the specification and
/// the settings outside it), <c>metrics.jsonl</c>, <c>checkpoints/</c>, <c>trace.json</c> where it was asked for, and
/// <c>result.json</c> when the run has ended.
/// </summary>
internal sealed class RunFolder : IDisposable
{
    private const string RunFile = "run.json";
    private const string ResultFile = "result.json";
    private const string TokenFile = "token";
    private const string MetricsFile = "metrics.jsonl";
    private const string CheckpointsFolder = "checkpoints";
    private const string RunField = "run";
    private const string SettingsField = "settings";
    private const string MoreEpochsField = "moreEpochs";

    private readonly RunLock _lock;
    private int _recordedMoreEpochs;

    private RunFolder(string path, string? movedTo, bool shared)
    {
        _lock = RunLock.Acquire(path, shared);
        Folder = path;
        MovedTo = movedTo;
        try
        {
            Recorded = ReadSpecification();
            Result = RunResult.Read(Within(ResultFile));
        }
        catch
        {
            _lock.Dispose();
            throw;
        }
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The run's identity, for its whole life.</summary>
    public RunId Run { get; private set; } = RunPlan.NewRun();

    /// <summary>Where a run of that name was moved for <c>--fresh</c>; null: nothing was.</summary>
    public string? MovedTo { get; }

    /// <summary>The specification that <c>run.json</c> has; null: a new run.</summary>
    public RunSpecification? Recorded { get; private set; }

    /// <summary>The result that is there; null: the run has not ended yet.</summary>
    public RunResult? Result { get; private set; }

    /// <summary>Whether the run was completed, with all the epochs that its specification asks for.</summary>
    public bool IsFinished =>
        Result is { Status: RunResult.Completed } result && result.EpochsAsked == Recorded?.Epochs;

    /// <summary>Whether there is nothing left to do for a command: one that extends a run has always more, unless it
    /// stands by for the coordinator that did it.</summary>
    public bool IsFinishedFor(TrainOptions options) => IsFinished
        && (options.MoreEpochs == 0 || (options.StandsBy && _recordedMoreEpochs == options.MoreEpochs));

    /// <summary>The same for a run that another coordinator may be writing; false where that can't be told now.
    /// </summary>
    public static bool IsFinishedAt(TrainOptions options)
    {
        try
        {
            if (!File.Exists(Path.Combine(options.RunsFolder, options.Name, ResultFile))) return false;
            using RunFolder folder = Open(options.RunsFolder, options.Name, fresh: false, shared: true);
            return folder.IsFinishedFor(options);
        }
        catch (Exception error) when (error is CheckpointException or SpecificationException or UsageException)
        {
            return false;
        }
    }

    /// <summary>The folder of the checkpoints.</summary>
    public string Checkpoints => Within(CheckpointsFolder);

    /// <summary>The file of metrics.</summary>
    public string Metrics => Within(MetricsFile);

    /// <summary>The file of what threads did and when.</summary>
    public string Trace => Within("trace.json");

    /// <summary>Opens or creates a run's folder and takes its lock.</summary>
    /// <param name="runs">The folder of all runs.</param>
    /// <param name="name">The run's name.</param>
    /// <param name="fresh">Whether to start anew; a run that is there is kept as NAME.1, NAME.2 and so on.</param>
    /// <param name="shared">Whether coordinators that stand by for this one may hold it too.</param>
    /// <exception cref="CheckpointException">Another live process holds it, or it can't be written.</exception>
    /// <exception cref="SpecificationException">Its <c>run.json</c> is broken.</exception>
    public static RunFolder Open(string runs, string name, bool fresh, bool shared = false)
    {
        string path = Path.Combine(runs, name);
        return new RunFolder(path, fresh ? MoveAside(path) : null, shared);
    }

    /// <summary>Refuses a specification other than the one that the folder has.</summary>
    /// <exception cref="SpecificationException">They differ; the sentence lists where.</exception>
    public void RequireSame(RunSpecification asked)
    {
        if (Recorded is null) return;
        IReadOnlyList<string> differences = RunSpecification.Differences(Recorded, asked);
        if (differences.Count > 0)
        {
            throw new SpecificationException($"{Folder}: there is a run of another specification under this name " +
                $"({string.Join("; ", differences)}); choose another --name, or start anew with --fresh.");
        }
    }

    /// <summary>
    /// The epochs that a command asks for. With <c>--more-epochs N</c> they are N more than a finished run has; the
    /// same command again, after that was interrupted, asks for the same.
    /// </summary>
    /// <exception cref="SpecificationException">There is no finished run to extend.</exception>
    public int EpochsAsked(TrainOptions options)
    {
        if (options.MoreEpochs == 0) return options.Specification.Epochs;
        if (Recorded is { } run && IsFinished) return checked(run.Epochs + options.MoreEpochs);
        if (Recorded is { } extended && _recordedMoreEpochs == options.MoreEpochs) return extended.Epochs;
        throw new SpecificationException(Recorded is null
            ? $"{Folder}: --more-epochs extends a finished run, and there is none; leave it out."
            : $"{Folder}: --more-epochs extends a finished run, and this one is not finished; finish it without.");
    }

    /// <summary>Writes <c>run.json</c>; the run is unfinished from now on.</summary>
    /// <exception cref="UsageException">It can't be written.</exception>
    public void Record(RunSpecification specification, TrainOptions options)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteString(RunField, Run.ToString());
            writer.WritePropertyName("specification");
            specification.WriteTo(writer);
            WriteSettings(writer, options);
            writer.WriteEndObject();
        }

        AtomicFile.Write(Within(RunFile), stream.ToArray());
        AtomicFile.Delete(Within(ResultFile));
        (Recorded, Result, _recordedMoreEpochs) = (specification, null, options.MoreEpochs);
    }

    /// <summary>Writes <c>result.json</c>.</summary>
    /// <exception cref="UsageException">It can't be written.</exception>
    public void Record(RunResult result)
    {
        AtomicFile.Write(Within(ResultFile), JsonSerializer.SerializeToUtf8Bytes(result, ResultJson.Default.RunResult));
        Result = result;
    }

    /// <summary>
    /// Keeps the token with which other workers join in a file that only its owner can read, so that they find the run
    /// again when it goes on.
    /// </summary>
    /// <param name="given">The token to use; null: the one before, or else a new one.</param>
    /// <returns>The token and its file.</returns>
    /// <exception cref="UsageException">The file can't be read or written.</exception>
    public (string Token, string Path) KeepToken(string? given)
    {
        string path = Path.GetFullPath(Within(TokenFile));
        try
        {
            if (given is null && File.Exists(path) && File.ReadAllText(path) is { Length: > 0 } kept)
                return (kept, path);
            string token = given ?? RunPlan.NewToken();
            AtomicFile.Write(path, Encoding.UTF8.GetBytes(token), ownerOnly: true);
            return (token, path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path}: the token can't be kept ({error.Message.TrimEnd('.')}).");
        }
    }

    /// <summary>Gives the folder back.</summary>
    public void Dispose() => _lock.Dispose();

    private static string? MoveAside(string path)
    {
        string checkpoints = Path.Combine(path, CheckpointsFolder);
        bool isRun = File.Exists(Path.Combine(path, RunFile))
            || (Directory.Exists(checkpoints) && Directory.EnumerateFiles(checkpoints).Any());
        if (!isRun) return null;

        // Nobody may be writing it.
        RunLock.Acquire(path).Dispose();
        int number = 1;
        while (Numbered(number) is { } taken && (Directory.Exists(taken) || File.Exists(taken))) number++;
        try
        {
            Directory.Move(path, Numbered(number));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path}: the old run can't be moved to {Numbered(number)} " +
                $"({error.Message.TrimEnd('.')}); choose another --name.");
        }

        return Numbered(number);

        string Numbered(int suffix) => $"{path}.{suffix}";
    }

    private static void WriteSettings(Utf8JsonWriter writer, TrainOptions options)
    {
        writer.WriteStartObject(SettingsField);
        writer.WriteNumber("workers", options.Workers);
        writer.WriteNumber("threads", options.Threads);
        writer.WriteString("dataDirectory", options.DataDirectory);
        writer.WriteString("listen", options.Listen?.ToString());
        writer.WriteNumber("minimumWorkers", options.MinimumWorkers);
        writer.WriteNumber("checkpointEverySteps", options.CheckpointEverySteps);
        writer.WriteString("initial", options.Initial);
        writer.WriteNumber(MoreEpochsField, options.MoreEpochs);
        writer.WriteBoolean("trace", options.Trace);
        writer.WriteString("engine", options.Engine?.Name ?? "local");
        writer.WriteEndObject();
    }

    private RunSpecification? ReadSpecification()
    {
        string path = Within(RunFile);
        try
        {
            if (!File.Exists(path)) return null;
            using JsonDocument document = StrictJson.Parse(File.ReadAllBytes(path));
            JsonElement root = document.RootElement;
            bool isObject = root.ValueKind == JsonValueKind.Object;
            if (!isObject || !root.TryGetProperty("specification", out JsonElement specification))
                throw new SpecificationException("it holds no specification");
            _recordedMoreEpochs = ReadMoreEpochs(root);
            if (root.TryGetProperty(RunField, out JsonElement id) && id.ValueKind == JsonValueKind.String
                && RunId.TryParse(id.GetString(), out RunId run))
                Run = run;
            return RunSpecification.FromJson(specification, path);
        }
        catch (Exception error) when (error is SpecificationException or ModelException or JsonException)
        {
            string reason = error.Message.Split(" LineNumber:")[0].Replace($"{path}: ", "", StringComparison.Ordinal);
            throw new SpecificationException($"{path}: the file is broken ({reason.TrimEnd('.')}); put it right, " +
                "choose another --name, or start anew with --fresh.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path}: the file can't be read ({error.Message.TrimEnd('.')}).");
        }
    }

    private static int ReadMoreEpochs(JsonElement root) =>
        root.TryGetProperty(SettingsField, out JsonElement settings) && settings.ValueKind == JsonValueKind.Object
            && settings.TryGetProperty(MoreEpochsField, out JsonElement more) && more.ValueKind == JsonValueKind.Number
            && more.TryGetInt32(out int epochs) ? epochs : 0;

    private string Within(string name) => Path.Combine(Folder, name);
}
