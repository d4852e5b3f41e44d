using System.Collections.Concurrent;
using Distributed.Checkpoints;
using Distributed.Execution;
using Distributed.Learning;
using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Xunit;

namespace Distributed.Coordinator.Tests;

public sealed class CheckpointMappingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly RunSpecification _specification = RunSamples.Specification();
    private readonly ParameterStore _store;
    private readonly CheckpointStore _checkpoints;
    private readonly List<string> _warnings = [];

    public CheckpointMappingTests()
    {
        _store = new ParameterStore(_specification, 1);
        _checkpoints = new CheckpointStore(_folder["checkpoints"]);
    }

    public void Dispose()
    {
        _store.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void ARunComesBackToTheSameBits()
    {
        TrainingProgress progress = RunSamples.Progress(1, 2, bestEpoch: 1);
        float[] best = Save(RunSamples.Progress(1, 0, bestEpoch: 1), 1, isBest: true);
        float[] latest = Save(progress, 2, isBest: false);

        using ParameterStore restored = new(_specification, 1);
        RestoredRun run = Restore(restored)!;
        Assert.Equal(latest, restored.Parameters.ToArray());
        Assert.Equal(best, restored.Best.ToArray());
        RunSamples.Fill(_store, 2);
        Assert.Equal(_store.State(0).ToArray(), restored.State(0).ToArray());
        Assert.Equivalent(progress, run.Progress, strict: true);
        Assert.Equal(progress.History, run.Progress.History);
        Assert.Equal(12.5, run.TrainSeconds);
        Assert.Empty(_warnings);
    }

    [Fact]
    public void AFolderWithoutCheckpointsLeavesTheStoreAlone()
    {
        float[] before = _store.Parameters.ToArray();
        Assert.Null(Restore(_store));
        Assert.Equal(before, _store.Parameters.ToArray());
    }

    [Fact]
    public void InfinitiesOfARunWithoutABestComeBack()
    {
        TrainingProgress progress = RunSamples.Progress(0, 1, bestEpoch: 0);
        Save(progress, 1, isBest: false);
        Assert.Equivalent(progress, Restore(_store)!.Progress, strict: true);
    }

    [Fact]
    public void ABrokenCheckpointIsSkippedAndSaid()
    {
        float[] sound = Save(RunSamples.Progress(1, 0, bestEpoch: 1), 1, isBest: true);
        Save(RunSamples.Progress(1, 1, bestEpoch: 1), 2, isBest: false);
        string newest = Newest();
        byte[] bytes = File.ReadAllBytes(newest);
        bytes[^5] ^= 1;
        File.WriteAllBytes(newest, bytes);

        Assert.Equal(3, Restore(_store)!.Progress.Step);
        Assert.Equal(sound, _store.Parameters.ToArray());
        Assert.Contains(newest, Assert.Single(_warnings));
    }

    [Fact]
    public void WithTheBestBrokenTheNextEpochCountsAsBest()
    {
        Save(RunSamples.Progress(1, 0, bestEpoch: 1), 1, isBest: true);
        string best = Newest();
        float[] latest = Save(RunSamples.Progress(1, 1, bestEpoch: 1), 2, isBest: false);
        File.WriteAllBytes(best, []);

        TrainingProgress progress = Restore(_store)!.Progress;
        Assert.Equal(0, progress.BestEpoch);
        Assert.Equal(double.NegativeInfinity, progress.BestAccuracy);
        Assert.Equal(4, progress.Step);
        Assert.Equal(latest, _store.Best.ToArray());
        Assert.Equal(2, _warnings.Count);
    }

    [Fact]
    public void ABetterOneThatCouldNotBeSavedIsNotClaimed()
    {
        float[] best = Save(RunSamples.Progress(1, 0, bestEpoch: 1), 1, isBest: true);

        // Epoch 2 was better, but its checkpoint found the disk full.
        Save(RunSamples.Progress(2, 1, bestEpoch: 2), 2, isBest: false);
        TrainingProgress progress = Restore(_store)!.Progress;
        Assert.Equal(1, progress.BestEpoch);
        Assert.Equal(RunSamples.Progress(1, 0, bestEpoch: 1).BestAccuracy, progress.BestAccuracy);
        Assert.Equal(best, _store.Best.ToArray());
    }

    [Fact]
    public void ACheckpointOfAnotherRunIsRefusedButOneOfFewerEpochsIsNot()
    {
        Save(RunSamples.Progress(3, 0, bestEpoch: 1), 1, isBest: true);
        CheckpointException error = Assert.Throws<CheckpointException>(() =>
            RunRestore.Load(_checkpoints, _specification with { Seed = 8 }, _store, _warnings.Add));
        Assert.Contains("seed: the run has 7, the command asks for 8", error.Message);
        Assert.NotNull(RunRestore.Load(_checkpoints, _specification with { Epochs = 9 }, _store, _warnings.Add));
    }

    [Fact]
    public void TheFileHasPyTorchsNamesAndShapes()
    {
        Save(RunSamples.Progress(1, 0, bestEpoch: 1), 1, isBest: true);
        using Checkpoint checkpoint = Checkpoint.Open(_folder.Path);
        Assert.Equal(
            ["0.bias [3]", "0.weight [3, 1, 3, 3]", "4.bias [4]", "4.weight [4, 27]",
                "optimizer.momentum.0.bias [3]", "optimizer.momentum.0.weight [3, 1, 3, 3]",
                "optimizer.momentum.4.bias [4]", "optimizer.momentum.4.weight [4, 27]"],
            checkpoint.Tensors.Select(tensor => $"{tensor.Name} [{string.Join(", ", tensor.Shape)}]"));
        RunSamples.Fill(_store, 1);
        Assert.Equal(checkpoint.WeightsSha256, CheckpointMapping.HashWeights(_store.Layout, _store.Parameters));
        Assert.Equal(["zero", "one", "two", "three"], CheckpointMapping.ReadClassNames(checkpoint));
        Assert.Empty(RunSpecification.Differences(_specification, CheckpointMapping.ReadSpecification(checkpoint)));
    }

    [Fact]
    public void WeightsAreImportedFromACheckpointAndFromAForeignFile()
    {
        float[] saved = Save(RunSamples.Progress(1, 0, bestEpoch: 1), 1, isBest: true);
        float[] block = new float[_store.Layout.Length];
        string hash = InitialWeights.Read(_folder.Path, _store.Layout, block).Sha256;
        Assert.Equal(saved, block);
        Assert.Equal(CheckpointMapping.HashWeights(_store.Layout, saved), hash);

        string foreign = WriteForeign(entry => (entry.Name, [.. entry.Shape]));
        float[] other = new float[_store.Layout.Length];
        Assert.Empty(InitialWeights.Read(foreign, _store.Layout, other).Notes);
        int first = _store.Layout.Find("4.bias")!.Offset;
        Assert.Equal([0, 1, 2, 3], other[first..(first + 4)]);
    }

    [Theory]
    [InlineData("4.bias", "fc.bias", null, "there is no tensor '4.bias'")]
    [InlineData("4.weight", "4.weight", "54,2", "tensor '4.weight' has shape [54, 2] where the model has [4, 27]")]
    public void WeightsOfAnotherModelAreRefused(string replaced, string name, string? shape, string sentence)
    {
        string path = WriteForeign(entry => entry.Name != replaced ? (entry.Name, [.. entry.Shape])
            : (name, shape is null ? [.. entry.Shape] : [.. shape.Split(',').Select(int.Parse)]));
        CheckpointException error = Assert.Throws<CheckpointException>(
            () => InitialWeights.Read(path, _store.Layout, new float[_store.Layout.Length]));
        Assert.Contains(sentence, error.Message);
    }

    [Fact]
    public void AnotherNumberOfClassesStartsTheLastLayerAnewAndACommonPrefixIsLeftOut()
    {
        string path = WriteForeign(entry => ($"module.{entry.Name}", entry.Name.StartsWith('4')
            ? [7, .. entry.Shape.Skip(1)] : [.. entry.Shape]));
        float[] block = new float[_store.Layout.Length];
        Array.Fill(block, -1);
        IReadOnlyList<string> notes = InitialWeights.Read(path, _store.Layout, block).Notes;
        Assert.Equal(
            [
                $"{path}: its names are taken without \"module.\".",
                $"{path}: it tells 7 classes apart and the model 4, so the last layer (4) starts anew.",
            ],
            notes);
        ParameterEntry kept = _store.Layout.Find("0.bias")!, anew = _store.Layout.Find("4.bias")!;
        Assert.Equal([0, 1, 2], block[kept.Offset..(kept.Offset + 3)]);
        Assert.Equal([-1, -1, -1, -1], block[anew.Offset..(anew.Offset + 4)]);
    }

    [Fact]
    public void AnAverageIsWhatANewRunStartsFrom()
    {
        RunSpecification averaged = _specification with { Ema = 0.9 };
        using ParameterStore store = new(averaged, 1);
        RunSamples.Fill(store.Layout.Entries, store.Parameters, 1);
        RunSamples.Fill(store.Layout.Entries, store.Evaluated, 2);
        float[] expected = store.Evaluated.ToArray(), block = new float[store.Layout.Length];
        RunSamples.Save(_checkpoints, store, averaged, RunSamples.Progress(1, 0, bestEpoch: 1), isBest: true);
        Assert.Contains("moving average", Assert.Single(InitialWeights.Read(_folder.Path, store.Layout, block).Notes));
        Assert.Equal(expected, block);
    }

    [Fact]
    public void AFailedSaveIsReportedAndTheOneBeforeStays()
    {
        float[] sound = Save(RunSamples.Progress(1, 0, bestEpoch: 1), 1, isBest: true);
        string latest = Newest();
        string occupied = Path.Combine(_checkpoints.Folder, ".temporary-step-00000004-fence-0003.safetensors");
        Directory.CreateDirectory(occupied);
        RunSamples.Fill(_store, 2);
        CheckpointFailed failed = Assert.IsType<CheckpointFailed>(RunSamples.Save(
            _checkpoints, _store, _specification, RunSamples.Progress(1, 1, bestEpoch: 1), isBest: false));
        Assert.Contains("previous one stays", failed.Reason);
        Assert.Equal(latest, Newest());
        Restore(_store);
        Assert.Equal(sound, _store.Parameters.ToArray());
    }

    [Fact]
    public void ABestThatADiskThatHangsDidNotTakeIsSavedBeforeTheNext()
    {
        BlockingCollection<CoordinatorInput> outcomes = [];
        HangingStorage storage = new();
        using CheckpointSaver saver = new(
            new CheckpointStore(_checkpoints.Folder, storage), _store, _specification)
        {
            Fence = new Fence(3),
            ClassNames = ["zero", "one", "two", "three"],
            TrainSeconds = () => 1,
            Post = outcomes.Add,
            Fault = error => throw error,
        };
        storage.Hang();
        saver.Save(new SaveCheckpoint(1, RunSamples.Progress(0, 2, bestEpoch: 0), IsBest: false));
        RunSamples.Fill(_store, 5);
        float[] best = _store.Parameters.ToArray();
        saver.Save(new SaveCheckpoint(2, RunSamples.Progress(1, 0, bestEpoch: 1), IsBest: true));
        Assert.Equal(
            new CheckpointFailed(2, "The checkpoint of step 3 is not written: the disk of " + _checkpoints.Folder
                + " has not taken the one before it yet."), Next());
        storage.GoOn();
        Assert.Equal(new CheckpointSaved(1), Next());

        RunSamples.Fill(_store, 6);
        saver.Save(new SaveCheckpoint(3, RunSamples.Progress(1, 1, bestEpoch: 1), IsBest: false));
        Assert.Equal(new CheckpointSaved(3), Next());
        RestoredRun run = Restore(_store)!;
        Assert.Equal((4, 1), (run.Progress.Step, run.Progress.BestEpoch));
        Assert.Equal(best, _store.Best.ToArray());

        CoordinatorInput Next() => outcomes.TryTake(out CoordinatorInput? outcome, TimeSpan.FromSeconds(30))
            ? outcome : throw new TimeoutException("The save did not end.");
    }

    [Fact]
    public void ABestThatCouldNotBeSavedIsSavedBeforeTheNext()
    {
        BlockingCollection<CoordinatorInput> outcomes = [];
        using CheckpointSaver saver = new(_checkpoints, _store, _specification)
        {
            Fence = new Fence(3),
            ClassNames = ["zero", "one", "two", "three"],
            TrainSeconds = () => 1,
            Post = outcomes.Add,
            Fault = error => throw error,
        };
        string occupied = Path.Combine(_checkpoints.Folder, ".temporary-step-00000003-fence-0003.safetensors");
        Directory.CreateDirectory(occupied);
        Assert.IsType<CheckpointFailed>(Save(RunSamples.Progress(1, 0, bestEpoch: 1), 1, isBest: true));
        float[] best = _store.Parameters.ToArray();
        Assert.IsType<CheckpointFailed>(Save(RunSamples.Progress(1, 1, bestEpoch: 1), 2, isBest: false));
        Directory.Delete(occupied);
        Assert.IsType<CheckpointSaved>(Save(RunSamples.Progress(1, 2, bestEpoch: 1), 3, isBest: false));
        Assert.IsType<CheckpointSaved>(Save(RunSamples.Progress(2, 0, bestEpoch: 1), 4, isBest: false));

        RestoredRun run = Restore(_store)!;
        Assert.Equal((6, 1), (run.Progress.Step, run.Progress.BestEpoch));
        Assert.Equal(best, _store.Best.ToArray());
        Assert.Equal(3, Directory.EnumerateFiles(_checkpoints.Folder, "step-*").Count());

        CoordinatorInput Save(TrainingProgress progress, float start, bool isBest)
        {
            RunSamples.Fill(_store, start);
            saver.Save(new SaveCheckpoint(progress.Step, progress, isBest));
            Assert.True(outcomes.TryTake(out CoordinatorInput? outcome, TimeSpan.FromSeconds(30)));
            return outcome;
        }
    }

    private float[] Save(TrainingProgress progress, float start, bool isBest)
    {
        RunSamples.Fill(_store, start);
        float[] parameters = _store.Parameters.ToArray();
        Assert.Equal(new CheckpointSaved(1), RunSamples.Save(_checkpoints, _store, _specification, progress, isBest));
        return parameters;
    }

    private RestoredRun? Restore(ParameterStore store) =>
        RunRestore.Load(new CheckpointStore(_checkpoints.Folder), _specification, store, _warnings.Add);

    private string Newest() => Directory.EnumerateFiles(_checkpoints.Folder, "step-*").Max(StringComparer.Ordinal)!;

    private string WriteForeign(Func<ParameterEntry, (string Name, int[] Shape)> describe) =>
        ForeignWeights.Write(_folder["foreign.safetensors"], _store.Layout.Entries.Select(describe));
}
