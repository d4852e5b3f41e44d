using Distributed.Checkpoints;
using Distributed.Execution;
using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator;

/// <summary>What a run goes on from.</summary>
/// <param name="Progress">Where it stands.</param>
/// <param name="TrainSeconds">Seconds of training before.</param>
/// <param name="Path">The checkpoint's file.</param>
internal sealed record RestoredRun(TrainingProgress Progress, double TrainSeconds, string Path);

/// <summary>From checkpoints on the disk back to a run in memory.</summary>
internal static class RunRestore
{
    /// <summary>
    /// Loads the newest sound checkpoint into the store: parameters, optimizer state, and the parameters that it names
    /// as the best. The checkpoint store takes over what is the best.
    /// </summary>
    /// <param name="checkpoints">The run's checkpoints.</param>
    /// <param name="specification">What the run must be.</param>
    /// <param name="store">Filled.</param>
    /// <param name="warn">One sentence for each file that could not be used.</param>
    /// <returns>Where the run stands; null, the store untouched, where there is no sound checkpoint.</returns>
    /// <exception cref="CheckpointException">The checkpoint is of another run.</exception>
    public static RestoredRun? Load(
        CheckpointStore checkpoints, RunSpecification specification, ParameterStore store, Action<string> warn)
    {
        using Checkpoint? latest = checkpoints.LatestSound(out IReadOnlyList<string> warnings);
        foreach (string warning in warnings) warn(warning);
        if (latest is null) return null;
        RequireSameRun(latest, specification);
        TrainingProgress progress = CheckpointMapping.ReadProgress(latest);
        CheckpointMapping.ReadWeights(latest, store.Layout, store.Parameters);
        IReadOnlyList<string> states = specification.StateNames;
        for (int state = 0; state < states.Count; state++)
            CheckpointMapping.ReadState(latest, store.Layout, states[state], store.State(state));
        progress = LoadBest(checkpoints, latest, progress, store, warn);
        return new RestoredRun(progress, CheckpointMapping.ReadTrainSeconds(latest), latest.Path);
    }

    private static TrainingProgress LoadBest(
        CheckpointStore checkpoints, Checkpoint latest, TrainingProgress progress, ParameterStore store,
        Action<string> warn)
    {
        if (checkpoints.Best is not { } name)
        {
            store.KeepBest();
            if (progress.BestEpoch > 0)
            {
                warn($"The best parameters, those of epoch {progress.BestEpoch}, are lost; the next epoch's count as " +
                    "the best.");
            }

            return WithBestOf(progress, new TrainingProgress());
        }

        if (name == Path.GetFileName(latest.Path))
        {
            store.KeepBest();
            return progress;
        }

        using Checkpoint best = Checkpoint.Open(Path.Combine(checkpoints.Folder, name));
        CheckpointMapping.ReadEvaluated(best, CheckpointMapping.ReadSpecification(best), store.Layout, store.Best);

        // The disk may have been full when a better one was to be saved: what counts is what is there.
        return WithBestOf(progress, CheckpointMapping.ReadProgress(best));
    }

    private static TrainingProgress WithBestOf(TrainingProgress progress, TrainingProgress best) => progress with
    {
        BestEpoch = best.BestEpoch,
        BestAccuracy = best.BestAccuracy,
        BestLoss = best.BestLoss,
    };

    private static void RequireSameRun(Checkpoint checkpoint, RunSpecification specification)
    {
        // A run may have been extended since.
        RunSpecification recorded = CheckpointMapping.ReadSpecification(checkpoint) with
        {
            Epochs = specification.Epochs,
        };
        IReadOnlyList<string> differences = RunSpecification.Differences(recorded, specification);
        if (differences.Count > 0)
        {
            throw new CheckpointException($"{checkpoint.Path}: this checkpoint is of another run " +
                $"({string.Join("; ", differences)}); choose another --name, or start anew with --fresh.");
        }
    }
}
