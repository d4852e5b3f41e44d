using System.Security.Cryptography;
using Distributed.Execution;
using Distributed.Learning;
using Distributed.Protocol;
using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator;

/// <summary>What follows from a specification and the options outside it, before anything is started.</summary>
internal static class RunPlan
{
    /// <summary>The environment variable with a run's token; where it is not set, one is drawn.</summary>
    public const string TokenVariable = "DISTRIBUTED_TOKEN";

    /// <summary>What the coordinator role is told.</summary>
    public static TrainingSettings Settings(
        RunSpecification specification, int minimumWorkers, int checkpointEverySteps, bool isHandedOver = false) =>
        new()
        {
            TrainingSamples = specification.Data.TrainingSamples,
            ValidationSamples = specification.Data.ValidationSamples,
            TestSamples = specification.Data.TestSamples,
            Batch = specification.Batch,
            MicroBatch = specification.MicroBatch,
            Epochs = specification.Epochs,
            Patience = specification.Patience,
            Plateau = specification.Schedule is PlateauSchedule plateau
                ? new PlateauRule(plateau.Patience, plateau.Threshold) : null,
            EvaluatesAverage = specification.Ema > 0,
            MinimumWorkers = minimumWorkers,
            CheckpointEverySteps = checkpointEverySteps,
            IsHandedOver = isHandedOver,
        };

    /// <summary>
    /// Gradient buffers that links may hold in all: the nodes that credits allow, twice over after work was dealt
    /// again, and one that each of many links is just receiving.
    /// </summary>
    public static int MaximumGradients(RunSpecification specification) =>
        2 * (int.Log2(specification.Batch / specification.MicroBatch + 1) + 2) + 64;

    /// <summary>
    /// Gradients that a worker of so many threads may have under way: what its threads compute and add, the nodes it
    /// holds on the two edges of its range and until they are credited, and those that the server has not added yet.
    /// </summary>
    public static int GradientSlots(RunSpecification specification, int threads) =>
        2 * Math.Min(threads, 1024) + 6 * (int.Log2(specification.Batch / specification.MicroBatch + 1) + 2);

    /// <summary>The token that the environment gives; null: none.</summary>
    public static string? GivenToken() =>
        Environment.GetEnvironmentVariable(TokenVariable) is { Length: > 0 } given ? given : null;

    /// <summary>A new token.</summary>
    public static string NewToken() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    /// <summary>A new run's id.</summary>
    public static RunId NewRun() => RunId.FromBytes(RandomNumberGenerator.GetBytes(RunId.ByteLength));
}
