using System.Text.Json;
using Distributed.Checkpoints;
using Distributed.Data;
using Distributed.Execution;
using Distributed.Learning;
using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator;

/// <summary>
/// Checks a checkpoint, or everything in a run's folder: that every byte matches its hash, that the tensors are those
/// of the model, that every sample counted once, and that <c>run.json</c> and <c>result.json</c> agree with the
/// checkpoints.
/// </summary>
internal sealed class Verification
{
    private const string CheckpointsFolder = "checkpoints";
    private const string SpecificationFile = "run.json";
    private const string ResultFile = "result.json";

    private readonly List<string> _sound = [];
    private readonly List<string> _broken = [];

    /// <summary>Checks all of it.</summary>
    /// <param name="path">A checkpoint, a folder of them, or a run's folder.</param>
    public Verification(string path)
    {
        if (!Directory.Exists(path))
        {
            CheckCheckpoint(path);
            return;
        }

        string inner = Path.Combine(path, CheckpointsFolder);
        string folder = Directory.Exists(inner) ? inner : path;
        string[] files = [.. Directory.EnumerateFiles(folder, "step-*.safetensors").Order(StringComparer.Ordinal)];
        if (files.Length == 0) _broken.Add($"{folder}: there is no checkpoint in this folder.");
        foreach (string file in files) CheckCheckpoint(file);
        if (folder == inner && _broken.Count == 0) Try(() => CheckRun(path));
    }

    /// <summary>A line for each thing that is sound.</summary>
    public IReadOnlyList<string> Sound => _sound;

    /// <summary>A sentence for each thing that is not.</summary>
    public IReadOnlyList<string> Broken => _broken;

    private void CheckCheckpoint(string path) => Try(() =>
    {
        using Checkpoint checkpoint = Checkpoint.Open(path);
        RunSpecification specification = CheckpointMapping.ReadSpecification(checkpoint);
        CheckTensors(checkpoint, specification);
        TrainingProgress progress = CheckpointMapping.ReadProgress(checkpoint);
        CheckLedger(checkpoint, specification, progress);
        string next = progress.EpochSamples == 0 ? "" : $" and {progress.EpochSamples} of the next";
        _sound.Add($"{path}: {Wording.Number(checkpoint.Tensors.Count, "tensor")}, weights sha256 " +
            checkpoint.WeightsSha256);
        _sound.Add($"{path}: {Wording.Number(progress.Step, "step")}, {Wording.Count(progress.SamplesApplied)} " +
            $"samples applied exactly once ({Wording.Number(progress.Epoch, "whole epoch")} of " +
            $"{specification.Data.TrainingSamples}{next})");
    });

    private static void CheckTensors(Checkpoint checkpoint, RunSpecification specification)
    {
        HashSet<string> expected = [];
        ParameterLayout layout = ParameterLayout.Of(specification.Model);
        foreach (ParameterEntry entry in layout.Entries)
        {
            IEnumerable<string> states = specification.StateNames
                .Where(state => CheckpointMapping.StateEntries(layout, state).Contains(entry))
                .Select(state => $"{WeightsHash.OptimizerPrefix}{state}.{entry.Name}");
            foreach (string name in states.Prepend(entry.Name))
            {
                expected.Add(name);
                if (checkpoint.Find(name) is not { } tensor)
                    throw new CheckpointException($"{checkpoint.Path}: tensor '{name}' of its model is missing.");
                if (!tensor.Shape.SequenceEqual(entry.Shape))
                {
                    throw new CheckpointException($"{checkpoint.Path}: tensor '{name}' has shape " +
                        $"[{string.Join(", ", tensor.Shape)}] where its model needs " +
                        $"[{string.Join(", ", entry.Shape)}].");
                }
            }
        }

        if (checkpoint.Tensors.FirstOrDefault(tensor => !expected.Contains(tensor.Name)) is { Name: var foreign })
            throw new CheckpointException($"{checkpoint.Path}: tensor '{foreign}' belongs to no layer of its model.");
    }

    /// <summary>What was applied must be what the steps account for.</summary>
    private static void CheckLedger(Checkpoint checkpoint, RunSpecification specification, TrainingProgress progress)
    {
        int samples = specification.Data.TrainingSamples;
        long steps = (long)progress.Epoch * specification.StepsPerEpoch + progress.StepInEpoch;
        long inEpoch = Math.Min((long)progress.StepInEpoch * specification.Batch, samples);
        Require(progress.Step == steps && checkpoint.Step == steps,
            $"{progress.Epoch} epochs and {progress.StepInEpoch} steps make step {steps}, not {progress.Step}");
        Require(progress.EpochSamples == inEpoch,
            $"{progress.StepInEpoch} steps apply {inEpoch} samples, not {progress.EpochSamples}");
        Require(progress.SamplesApplied == (long)progress.Epoch * samples + inEpoch,
            $"{steps} steps apply {(long)progress.Epoch * samples + inEpoch} samples, not {progress.SamplesApplied}");
        Require(progress.History.Count == progress.Epoch,
            $"it records {progress.History.Count} epochs where {progress.Epoch} are done");
        foreach (EpochRecord record in progress.History)
        {
            Require(record.SamplesApplied == samples,
                $"epoch {record.Epoch} applied {record.SamplesApplied} samples, not {samples}");
        }

        void Require(bool holds, string sentence)
        {
            if (!holds) throw new CheckpointException($"{checkpoint.Path}: the ledger does not balance: {sentence}.");
        }
    }

    private void CheckRun(string folder)
    {
        using Checkpoint latest = Checkpoint.Open(folder, CheckpointChoice.Latest);
        string specificationPath = Path.Combine(folder, SpecificationFile);
        if (File.Exists(specificationPath))
        {
            RunSpecification recorded = ReadRun(specificationPath);
            IReadOnlyList<string> differences =
                RunSpecification.Differences(recorded, CheckpointMapping.ReadSpecification(latest));
            if (differences.Count > 0)
            {
                throw new CheckpointException(
                    $"{specificationPath}: it is not the specification of the checkpoints ({differences[0]}).");
            }

            _sound.Add($"{specificationPath}: the specification of the checkpoints");
        }

        string resultPath = Path.Combine(folder, ResultFile);
        if (!File.Exists(resultPath)) return;
        if (RunResult.Read(resultPath) is not { } result)
            throw new CheckpointException($"{resultPath}: it can't be read.");
        CheckResult(resultPath, result, latest, folder);
    }

    private void CheckResult(string path, RunResult result, Checkpoint latest, string folder)
    {
        TrainingProgress progress = CheckpointMapping.ReadProgress(latest);
        Compare("steps", result.Steps, progress.Step);
        Compare("samplesApplied", result.SamplesApplied, progress.SamplesApplied);
        Compare("samplesExpected", result.SamplesExpected, progress.SamplesApplied);
        Compare("weightsSha256", result.WeightsSha256, latest.WeightsSha256);
        if (progress.BestEpoch > 0)
        {
            using Checkpoint best = Checkpoint.Open(folder);
            Compare("bestWeightsSha256", result.BestWeightsSha256, CheckpointMapping.HashEvaluated(best));
        }

        _sound.Add($"{path}: agrees with the checkpoints");

        void Compare<T>(string field, T found, T expected)
        {
            if (!Equals(found, expected))
                throw new CheckpointException($"{path}: {field} is {found} where the checkpoints have {expected}.");
        }
    }

    private static RunSpecification ReadRun(string path)
    {
        try
        {
            using JsonDocument document = StrictJson.Parse(File.ReadAllText(path));
            return document.RootElement.ValueKind == JsonValueKind.Object &&
                document.RootElement.TryGetProperty("specification", out JsonElement inner)
                    ? RunSpecification.FromJson(inner, path)
                    : throw new CheckpointException($"{path}: it has no \"specification\".");
        }
        catch (JsonException error)
        {
            string reason = error.Message.Split(" LineNumber:")[0].TrimEnd('.');
            throw new CheckpointException($"{path}: not valid JSON ({reason}).");
        }
    }

    private void Try(Action check)
    {
        try
        {
            check();
        }
        catch (Exception error) when (error is CheckpointException or SpecificationException or ModelException
            or DataException)
        {
            _broken.Add(error.Message);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _broken.Add($"a file can't be read ({error.Message.TrimEnd('.')}).");
        }
    }
}
