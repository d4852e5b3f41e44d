using Distributed.Checkpoints;
using Distributed.Coordinator;
using Distributed.Data;
using Distributed.Execution;
using Distributed.Learning;
using Distributed.Roles.Coordinator;
using RunSamples = Distributed.Coordinator.Tests.RunSamples;

namespace Distributed.Fuzz;

/// <summary>The JSON files of a run's folder: the same bytes as <c>run.json</c>, as <c>result.json</c>, as
/// <c>status.json</c>, and as the file that <c>train --spec</c> names.</summary>
internal sealed class RunJsonTarget : FileTarget
{
    private const string Run = "run";
    private static readonly DateTimeOffset Now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override string Name => "run-json";

    public override IReadOnlyList<byte[]> Words => JsonWords.Specification;

    public override long MostAllocated(int length) => (2 << 20) + (2000L * length);

    public override Outcome Read(byte[] input)
    {
        Directory.CreateDirectory(Within(Run));
        string run = Within($"{Run}/run.json"), result = Within($"{Run}/result.json");
        File.WriteAllBytes(run, input);
        Outcome outcome = Outcome.Of(
            error => error is SpecificationException or ModelException or UsageException or DataException
                or CheckpointException ? error.Message : null,
            () => Open(),
            () => TrainOptionsReader.Read(new TrainSettings(
                new CommandContext { Environment = _ => null, SettingsFolders = [] },
                new Dictionary<string, string> { ["spec"] = run, ["name"] = Run, ["runs"] = Within("") }), cores: 2),
            () =>
            {
                File.Move(run, result, overwrite: true);
                Open();
                File.Move(result, Within($"{Run}/status.json"), overwrite: true);
                _ = StatusCommand.Lines(Within(Run), Now).ToList();
            });
        return outcome with { IsAccepted = outcome.Refusals.Count == 0 };
    }

    protected override IEnumerable<byte[]> MakeSeeds()
    {
        RunSpecification specification = RunSamples.Specification();
        EvaluationScore test = new(Protocol.DataSplit.Test, 20, 0.25, 15, new int[20], 20);
        using (RunFolder folder = RunFolder.Open(Within("seeds"), Run, fresh: false))
        {
            folder.Record(specification, RunSamples.Options(specification));
            yield return File.ReadAllBytes(Within($"seeds/{Run}/run.json"));
            folder.Record(RunResult.Of(
                RunEnding.Completed, "", specification, RunSamples.Progress(3, 0, bestEpoch: 2), test) with
            {
                MicroBatchesByWorker = new Dictionary<string, long> { ["worker 1"] = 12 },
                Confusion = [[1, 2], [3, 4]],
            });
            yield return File.ReadAllBytes(Within($"seeds/{Run}/result.json"));
        }

        RunStatus status = new()
        {
            ProcessId = 1,
            Time = Now,
            Step = 2,
            TotalSteps = 3,
            Epoch = 1,
            Epochs = 3,
            SamplesPerSecond = 4.5,
            SecondsLeft = 6,
            Workers = [new WorkerStatus("worker 1", "active", "", 7)],
        };
        status.Write(Directory.CreateDirectory(Within("status")).FullName);
        yield return File.ReadAllBytes(Within("status/status.json"));
        foreach (string path in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "recipes")).Order())
            yield return File.ReadAllBytes(path);
    }

    private void Open()
    {
        using RunFolder folder = RunFolder.Open(Within(""), Run, fresh: false);
        if (folder.Recorded is { } specification) folder.RequireSame(specification);
        _ = folder.IsFinished;
    }
}
