using Distributed.Protocol;
using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator;

/// <summary>The lines about a run that every view prints.</summary>
internal static class RunText
{
    /// <summary>What is going to be trained.</summary>
    public static IEnumerable<string> Header(RunHeader header)
    {
        yield return $"model    {header.Model}, {Wording.Number(header.Parameters, "parameter")}";
        yield return $"data     {header.Data}, {Wording.Count(header.TrainingSamples)} training, " +
            $"{Wording.Count(header.ValidationSamples)} validation, {Wording.Count(header.TestSamples)} test samples";
        yield return $"plan     {Wording.Number(header.Epochs, "epoch")} of " +
            $"{Wording.Number(header.StepsPerEpoch, "step")}, batch {header.Batch} in micro-batches of " +
            $"{header.MicroBatch}, seed {header.Seed}";
        string local = header.Workers == 0 ? "none here"
            : $"{header.Workers} here with {Wording.Number(header.Threads, "thread")} each";
        yield return $"workers  {local}{(header.Listen is null ? "" : $", others may join at {header.Listen}")}";
        yield return $"folder   {header.Folder}";
        if (header.ResumedFromStep > 0)
        {
            yield return $"resumed  from the checkpoint of step {Wording.Count(header.ResumedFromStep)} of " +
                $"{Wording.Count(header.TotalSteps)}";
        }
    }

    /// <summary>How far the run is.</summary>
    public static string Progress(RunState state)
    {
        RunHeader header = state.Header;
        string doing = state.Evaluation is { } evaluation
            ? $"{Split(evaluation.Split)} {Wording.Count(evaluation.Done)}/{Wording.Count(evaluation.Count)}"
            : $"{Wording.Speed(state.SamplesPerSecond)}  ETA {Wording.Duration(state.TimeLeft)}";
        return $"epoch {state.Epoch}/{header.Epochs}  step {state.Progress.Step}/{header.TotalSteps}  loss " +
            $"{Wording.Loss(state.Loss)} accuracy {Wording.Percent(state.Accuracy)}  {doing}";
    }

    /// <summary>An epoch's figures and its ledger.</summary>
    public static string Epoch(EpochEnded ended, RunHeader header)
    {
        EpochRecord record = ended.Record;
        string validation = double.IsNaN(record.ValidationAccuracy) ? ""
            : $"  validation loss {Wording.Loss(record.ValidationLoss)} accuracy " +
                $"{Wording.Percent(record.ValidationAccuracy)}{(ended.IsBest ? " (best)" : "")}";
        return $"epoch {record.Epoch}/{header.Epochs}  loss {Wording.Loss(record.TrainLoss)} accuracy " +
            $"{Wording.Percent(record.TrainAccuracy)}{validation}  {Ledger(record, header.TrainingSamples)}";
    }

    /// <summary>An epoch's figures, for a narrow line.</summary>
    public static string ShortEpoch(EpochEnded ended, RunHeader header)
    {
        EpochRecord record = ended.Record;
        string validation = double.IsNaN(record.ValidationAccuracy) ? ""
            : $"  validation {Wording.Percent(record.ValidationAccuracy)}{(ended.IsBest ? " (best)" : "")}";
        return $"epoch {record.Epoch}/{header.Epochs}  loss {Wording.Loss(record.TrainLoss)}  accuracy " +
            $"{Wording.Percent(record.TrainAccuracy)}{validation}";
    }

    /// <summary>How a worker's standing changed.</summary>
    public static string Worker(WorkerChanged worker)
    {
        string what = worker.Standing switch
        {
            WorkerStanding.Active => "takes part",
            WorkerStanding.Silent => "is silent; its work is dealt again",
            WorkerStanding.Overdue => "is overdue; its work is dealt again",
            WorkerStanding.Leaving => "is leaving",
            _ => "is gone",
        };
        return $"{worker.Name} {what}{(worker.Reason.Length == 0 ? "" : $": {worker.Reason}")}";
    }

    /// <summary>What a worker's being late cost.</summary>
    public static string Straggler(StragglerHelped late) =>
        $"{late.Name} was late: {Wording.Count(late.MicroBatches)} of its micro-batches were dealt to others too, "
        + $"{Wording.Seconds(late.WaitedSeconds)} lost";

    /// <summary>A data part's name.</summary>
    public static string Split(DataSplit split) => split switch
    {
        DataSplit.Training => "training",
        DataSplit.Validation => "validation",
        _ => "test",
    };

    /// <summary>A score in one line.</summary>
    public static string Score(EvaluationScore score) =>
        $"{Split(score.Split)} accuracy {Wording.Percent(score.Accuracy)} ({Wording.Count(score.Correct)} of " +
        $"{Wording.Count(score.Samples)}), loss {Wording.Loss(score.Loss)}";

    /// <summary>A score over more than five classes in one line: the five likeliest count, too.</summary>
    public static string Score(EvaluationScore score, int classes) => classes <= 5 ? Score(score)
        : $"{Score(score)}, top-5 accuracy {Wording.Percent(score.TopFiveAccuracy)}";

    /// <summary>All that is said at the end of a run.</summary>
    public static IEnumerable<string> Summary(RunSummary summary)
    {
        TrainingProgress progress = summary.Progress;
        if (summary.Test is { } test)
        {
            string of = progress.BestEpoch > 0 ? $" (parameters of epoch {progress.BestEpoch})" : "";
            yield return Score(test, summary.ClassNames.Count) + of;
            foreach (string line in ConfusionMatrix.Lines(summary.Confusion, summary.ClassNames)) yield return line;
            if (summary.Confusion.Length <= ConfusionMatrix.MostClasses)
                foreach (string line in ClassReport.Lines(summary.Confusion, summary.ClassNames)) yield return line;
        }

        foreach (EpochRecord record in progress.History)
            yield return $"epoch {record.Epoch}: {Ledger(record, summary.TrainingSamples)}";
        if (progress.EpochSamples > 0)
        {
            yield return $"epoch {progress.Epoch + 1}: {progress.EpochSamples}/{summary.TrainingSamples} samples " +
                "applied so far";
        }

        yield return $"{Wording.Number(progress.Step, "step")} in {Wording.Seconds(summary.TrainSeconds)} of " +
            $"training, {Wording.Speed(summary.SamplesPerSecond)}{Shares(summary)}";
        if (summary.LatestCheckpoint is { } latest) yield return $"saved: {latest}";
        if (summary.BestCheckpoint is { } best && best != summary.LatestCheckpoint) yield return $"best:  {best}";
        if (summary.WeightsSha256 is { } hash) yield return $"weights sha256: {hash}";
        if (summary.Ending == RunEnding.Stopped)
        {
            string reason = summary.Reason.Length == 0 ? "" : $" ({summary.Reason.TrimEnd('.')})";
            yield return $"stopped in epoch {Math.Min(progress.Epoch + 1, summary.Epochs)} of " +
                $"{summary.Epochs}{reason}; the same command goes on from here";
        }
        else if (summary.Ending == RunEnding.Completed && summary.Reason.Length > 0)
        {
            yield return summary.Reason;
        }
    }

    private static string Ledger(EpochRecord record, int expected) => record.SamplesApplied == expected
        ? $"{record.SamplesApplied}/{expected} samples applied exactly once"
        : $"{record.SamplesApplied}/{expected} samples applied: the ledger does not balance";

    private static string Shares(RunSummary summary)
    {
        long all = summary.Shares.Sum(share => share.MicroBatches);
        if (all == 0) return "";
        IEnumerable<string> parts = summary.Shares.Select(
            share => $"{share.Name} {Wording.ShortPercent((double)share.MicroBatches / all)}");
        string restarts = summary.Restarts == 0 ? "" : $"; {Wording.Number(summary.Restarts, "restart")}";
        return $" ({string.Join(", ", parts)}{restarts})";
    }
}
