using Distributed.Protocol;
using Distributed.Roles;
using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator.Tests;

/// <summary>A small run to show: 3 epochs of 4 steps of 32 samples, the last of an epoch with 4.</summary>
internal static class ViewSamples
{
    public static RunHeader Header { get; } = new()
    {
        Model = "tiny",
        Parameters = 7850,
        Data = "digits",
        TrainingSamples = 100,
        ValidationSamples = 10,
        TestSamples = 20,
        Batch = 32,
        MicroBatch = 8,
        Epochs = 3,
        StepsPerEpoch = 4,
        Seed = 1,
        Workers = 2,
        Threads = 1,
        Folder = "runs/tiny-digits",
    };

    /// <summary>The run after some steps of an epoch (from 1), each of half a second.</summary>
    public static TrainingProgress After(int epoch, int steps)
    {
        int samples = Math.Min(steps * 32, 100);
        return new TrainingProgress
        {
            Epoch = epoch - 1,
            StepInEpoch = steps,
            Step = (epoch - 1) * 4 + steps,
            EpochSamples = samples,
            SamplesApplied = (epoch - 1) * 100 + samples,
            EpochLossSum = samples * 0.25,
            EpochCorrect = samples / 2,
            BestEpoch = epoch - 1,
            BestAccuracy = epoch > 1 ? 0.9 : double.NegativeInfinity,
            History = [.. Enumerable.Range(1, epoch - 1).Select(number => Record(number))],
        };
    }

    public static StepEnded Step(int epoch, int steps) => new(
        After(epoch, steps), new NodeStatistics(steps == 4 ? 4 : 32, 1, 1, 1), Seconds: 0.5,
        SlowestComputeSeconds: 0.4);

    public static EpochRecord Record(int epoch) => new(epoch, epoch * 4, 0.25, 0.5, 0.125, 0.9, 100);

    public static EpochEnded EpochEnd(int epoch) => new(Record(epoch), IsBest: true, After(epoch + 1, 0));

    public static WorkerChanged Worker(
        int id, string name, WorkerStanding standing = WorkerStanding.Active, string reason = "") =>
        new(new WorkerId(id), name, standing, reason);

    public static RunSummary Summary { get; } = new()
    {
        Ending = RunEnding.Completed,
        Progress = After(4, 0) with { BestEpoch = 2 },
        TrainingSamples = 100,
        Epochs = 3,
        Test = new EvaluationScore(DataSplit.Test, 20, 0.5, 19, [], 20),
        Confusion = [[9, 1], [0, 10]],
        ClassNames = ["cat", "dog"],
        TrainSeconds = 6.04,
        SamplesPerSecond = 49.7,
        Shares = [new WorkerShare("worker 1", 26), new WorkerShare("worker 2", 13)],
        Restarts = 1,
        WeightsSha256 = "abc",
        Folder = "runs/tiny-digits",
        LatestCheckpoint = "runs/tiny-digits/checkpoints/step-12",
        BestCheckpoint = "runs/tiny-digits/checkpoints/step-8",
    };
}
