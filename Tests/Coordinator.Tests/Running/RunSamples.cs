using Distributed.Checkpoints;
using Distributed.Execution;
using Distributed.Learning;
using Distributed.Protocol;
using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator.Tests;

/// <summary>A temporary folder that goes with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("distributed-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>Small runs to save, to restore and to compare.</summary>
internal static class RunSamples
{
    public static RunSpecification Specification(int epochs = 3, ulong seed = 7) => new()
    {
        Model = new Model("tiny", 1, 8, 8, 4, new Sequential([
            new Conv2d(3, 3), new Relu(), new MaxPool2d(2), new Flatten(), new Linear(4)])),
        Data = new DataSpecification
        {
            Name = "digits",
            Validation = 0.1,
            Sha256 = new string('a', 64),
            TrainingSamples = 90,
            ValidationSamples = 10,
            TestSamples = 20,
            Mean = [0.1f],
            Deviation = [0.3f],
        },
        Epochs = epochs,
        Batch = 32,
        MicroBatch = 8,
        Optimizer = new Sgd(),
        LearningRate = 0.05,
        Schedule = Schedule.Find("one-cycle"),
        Seed = seed,
    };

    public static TrainOptions Options(RunSpecification specification) => new()
    {
        Specification = specification,
        Workers = 2,
        Threads = 1,
        Name = "run",
        RunsFolder = "runs",
    };

    public static TrainingProgress Progress(int epoch, int stepInEpoch, int bestEpoch) => new()
    {
        Epoch = epoch,
        StepInEpoch = stepInEpoch,
        Step = epoch * 3 + stepInEpoch,
        SamplesApplied = epoch * 90 + stepInEpoch * 32,
        EpochSamples = stepInEpoch * 32,
        EpochLossSum = stepInEpoch * (0.1 + 0.2),
        EpochCorrect = stepInEpoch * 11,
        BestEpoch = bestEpoch,
        BestAccuracy = bestEpoch == 0 ? double.NegativeInfinity : 0.5 + bestEpoch / 7.0,
        BestLoss = bestEpoch == 0 ? double.PositiveInfinity : 1.0 / 3 / bestEpoch,
        DuplicatesDropped = 2,
        History = [.. Enumerable.Range(1, epoch).Select(
            number => new EpochRecord(number, number * 3, 1.0 / number, 0.1 * number, double.NaN, double.NaN, 90))],
    };

    /// <summary>Puts different values everywhere, padding excepted.</summary>
    public static void Fill(ParameterStore store, float start)
    {
        Fill(store.Layout.Entries, store.Parameters, start);
        Fill(store.Layout.Trainable, store.State(0), start + 0.5f);
    }

    public static void Fill(IEnumerable<ParameterEntry> entries, Span<float> block, float start)
    {
        foreach (ParameterEntry entry in entries)
        {
            for (int i = 0; i < entry.Length; i++) block[entry.Offset + i] = start + (entry.Offset + i) / 4096f;
        }
    }

    /// <summary>Saves what the store holds and waits until it is on the disk.</summary>
    public static CoordinatorInput Save(
        CheckpointStore checkpoints, ParameterStore store, RunSpecification specification, TrainingProgress progress,
        bool isBest, double trainSeconds = 12.5)
    {
        TaskCompletionSource<CoordinatorInput> outcome = new();
        using CheckpointSaver saver = new(checkpoints, store, specification)
        {
            Fence = new Fence(3),
            ClassNames = ["zero", "one", "two", "three"],
            TrainSeconds = () => trainSeconds,
            Post = outcome.SetResult,
            Fault = outcome.SetException,
        };
        saver.Save(new SaveCheckpoint(1, progress, isBest));

        // Saved is what was there when it was asked for.
        store.Parameters.Clear();
        return outcome.Task.WaitAsync(TimeSpan.FromSeconds(30)).GetAwaiter().GetResult();
    }
}
