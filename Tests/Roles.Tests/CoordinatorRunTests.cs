using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Xunit;

namespace Distributed.Roles.Tests;

/// <summary>The course of a run: epochs, the best one, checkpoints, stopping, resuming.</summary>
public sealed class CoordinatorRunTests
{
    private static readonly TrainingSettings Validated = CoordinatorBench.Settings() with
    {
        TrainingSamples = 2,
        Batch = 2,
        ValidationSamples = 4,
        TestSamples = 4,
        Epochs = 3,
    };

    [Fact]
    public void An_epoch_ends_with_its_ledger_and_the_run_with_the_last_one()
    {
        CoordinatorBench bench = new();
        Assert.Equal(new BeginStep(new StepNumber(1), 8, 2), bench.Join(1).OfType<BeginStep>().Single());
        Assert.Equal(new BeginStep(new StepNumber(2), 2, 2), bench.Apply().OfType<BeginStep>().Single());
        List<CoordinatorEffect> effects = bench.Apply(loss: 4, correct: 3);
        EpochRecord record = effects.OfType<Report>()
            .Select(report => report.Event).OfType<EpochEnded>().Single().Record;
        Assert.Equal(new EpochRecord(1, 2, 0.5, 0.4, double.NaN, double.NaN, 10), record);
        Assert.True(effects.FindIndex(e => e is KeepBest) < effects.FindIndex(e => e is SaveCheckpoint));
        bench.Tell(new CheckpointSaved(1));
        bench.Apply();
        Assert.Empty(bench.Apply().OfType<Finish>());
        Assert.Equal(RunEnding.Completed, bench.Tell(new CheckpointSaved(2)).OfType<Finish>().Single().Ending);
        Assert.Equal(20, bench.Role.Progress.SamplesApplied);
        Assert.Null(bench.Role.Deadline);
        Assert.Empty(bench.Tell(new StopRequested()));
    }

    [Fact]
    public void The_best_epoch_is_that_of_the_highest_accuracy_then_of_the_lowest_loss()
    {
        CoordinatorBench bench = new(Validated with { Epochs = 5 });
        bench.Join(1);
        (double Loss, int Correct)[] scores = [(1, 2), (0.9, 2), (0.5, 1), (0.9, 2), (2, 3)];
        List<bool> best = [];
        foreach ((double loss, int correct) in scores)
        {
            List<CoordinatorEffect> effects = bench.Score(bench.Apply(), loss, correct);
            best.Add(effects.Exists(effect => effect is KeepBest));
            SaveCheckpoint save = effects.OfType<SaveCheckpoint>().Single();
            Assert.Equal(best[^1], save.IsBest);
            bench.Tell(new CheckpointSaved(save.Id));
        }

        Assert.Equal([true, true, false, false, true], best);
        Assert.Equal((5, 0.75), (bench.Role.Progress.BestEpoch, bench.Role.Progress.BestAccuracy));
    }

    [Fact]
    public void A_disk_that_hangs_holds_nobody_up_for_ever_and_is_spoken_of()
    {
        CoordinatorBench bench = new();
        bench.Join(1);
        bench.Apply();
        Assert.Single(bench.Apply().OfType<SaveCheckpoint>());
        string[] notices = [.. Notices(bench.Wait(65, heard: 1))];
        Assert.Equal(
            [
                "The checkpoint of step 2 has not reached the disk for 30 s; training goes on, and gives it up after "
                    + "300 s.",
                "The checkpoint of step 2 has not reached the disk for 60 s; training goes on, and gives it up after "
                    + "300 s.",
            ],
            notices.Where(notice => notice.Contains("disk", StringComparison.Ordinal)));
        bench.Tell(new StopRequested());
        Assert.Single(bench.Wait(11, heard: 1).OfType<CancelStep>());
        Assert.Empty(bench.Tell(new StepCancelled(new StepNumber(3))).OfType<Finish>());
        List<CoordinatorEffect> effects = bench.Wait(300, heard: 1);
        Assert.Contains(
            "The checkpoint of step 2 has not reached the disk for 90 s; the run waits for it, and gives it up after "
            + "300 s.", Notices(effects));
        Assert.Contains(
            "The checkpoint of step 2 has not reached the disk for 300 s and is given up; the run goes on from an "
            + "earlier one if it ends now. Does the disk answer?", Notices(effects));
        SaveCheckpoint again = Assert.Single(effects.OfType<SaveCheckpoint>());
        Assert.Empty(bench.Tell(new CheckpointSaved(1))); // far too late
        Finish finish = bench.Tell(new CheckpointFailed(again.Id, "It hangs.")).OfType<Finish>().Single();
        Assert.Equal((RunEnding.Stopped, "It hangs."), (finish.Ending, finish.Reason));
    }

    private static IEnumerable<string> Notices(IEnumerable<CoordinatorEffect> effects) =>
        effects.OfType<Report>().Select(report => report.Event).OfType<Notice>().Select(notice => notice.Text);

    [Fact]
    public void Patience_ends_training_and_the_test_is_of_the_best_parameters()
    {
        CoordinatorBench bench = new(Validated with { Patience = 1 });
        bench.Join(1);
        bench.Score(bench.Apply(), 1, 3);
        bench.Tell(new CheckpointSaved(1));
        List<CoordinatorEffect> effects = bench.Score(bench.Apply(), 1, 2);
        effects.AddRange(bench.Tell(new CheckpointSaved(2)));
        Assert.Single(effects.OfType<PublishParameters>());
        effects = bench.Tell(new ParametersPublished(new ParameterVersion(555), ParameterChoice.Best));
        Evaluate test = Assert.IsType<Evaluate>(effects.OfType<SendToWorker>().Single().Message);
        Assert.Equal((DataSplit.Test, new ParameterVersion(555)), (test.Split, test.Version));
        Finish finish = bench.Score(effects, 1, 4).OfType<Finish>().Single();
        Assert.Equal((RunEnding.Completed, 4), (finish.Ending, finish.Test!.Correct));
        Assert.Equal(2, bench.Role.Progress.Epoch);
    }

    [Fact]
    public void Checkpoints_are_saved_every_so_many_steps_and_seconds_and_one_at_a_time()
    {
        CoordinatorBench bench = new(
            CoordinatorBench.Settings() with { TrainingSamples = 80, CheckpointEverySteps = 3 });
        bench.Join(1);
        bench.Apply();
        Assert.Empty(bench.Apply().OfType<SaveCheckpoint>());
        Assert.Equal(3, bench.Apply().OfType<SaveCheckpoint>().Single().Progress.Step);
        bench.Apply();
        Assert.Single(bench.Apply().OfType<BeginStep>());
        List<CoordinatorEffect> blocked = bench.Apply();
        Assert.DoesNotContain(blocked, effect => effect is BeginStep or SaveCheckpoint);
        List<CoordinatorEffect> saved = bench.Tell(new CheckpointSaved(1));
        Assert.Equal(6, saved.OfType<SaveCheckpoint>().Single().Progress.Step);
        Assert.Single(saved.OfType<BeginStep>());
        bench.Tell(new CheckpointSaved(2));
        bench.Wait(61, 1);
        Assert.Equal(7, bench.Apply().OfType<SaveCheckpoint>().Single().Progress.Step);
    }

    [Fact]
    public void A_checkpoint_that_cannot_be_saved_is_said_and_repeated_at_the_end()
    {
        CoordinatorBench bench = new(CoordinatorBench.Settings() with { Epochs = 1 });
        bench.Join(1);
        bench.Apply();
        Assert.Single(bench.Apply().OfType<SaveCheckpoint>());
        List<CoordinatorEffect> effects = bench.Tell(new CheckpointFailed(1, "No space is left."));
        Assert.Contains("No space is left.", CoordinatorBench.Notices(effects));
        Assert.Equal("No space is left.", effects.OfType<Finish>().Single().Reason);
        Assert.Equal(RunEnding.UserError, effects.OfType<Finish>().Single().Ending);
    }

    [Fact]
    public void A_stop_ends_the_step_saves_and_finishes()
    {
        CoordinatorBench bench = new();
        bench.Join(1);
        Assert.DoesNotContain(bench.Tell(new StopRequested()), effect => effect is CancelStep or SaveCheckpoint);
        List<CoordinatorEffect> effects = bench.Apply();
        Assert.Equal(1, effects.OfType<SaveCheckpoint>().Single().Progress.Step);
        Assert.DoesNotContain(effects, effect => effect is BeginStep or Finish);
        bench.Wait(30, 1);
        Assert.Equal(RunEnding.Stopped, bench.Tell(new CheckpointSaved(1)).OfType<Finish>().Single().Ending);
    }

    [Fact]
    public void A_step_that_does_not_end_in_time_is_cancelled_when_stopping()
    {
        CoordinatorBench bench = new();
        bench.Join(1);
        bench.Tell(new StopRequested());
        Assert.Empty(bench.Wait(9, 1).OfType<CancelStep>());
        Assert.Equal(new StepNumber(1), bench.Wait(2, 1).OfType<CancelStep>().Single().Step);
        bench.Wait(60, 1);
        Assert.Equal(
            RunEnding.Stopped, bench.Tell(new StepCancelled(new StepNumber(1))).OfType<Finish>().Single().Ending);
    }

    [Fact]
    public void A_step_that_was_applied_while_it_was_cancelled_counts()
    {
        CoordinatorBench bench = new();
        bench.Join(1);
        bench.Tell(new StopRequested());
        Assert.Single(bench.Tell(new WorkerGone(new WorkerId(1), "")).OfType<CancelStep>());
        Assert.Equal(1, bench.Apply().OfType<SaveCheckpoint>().Single().Progress.Step);
    }

    [Fact]
    public void A_stop_abandons_an_evaluation_which_begins_anew_on_resume()
    {
        CoordinatorBench bench = new(Validated);
        bench.Join(1);
        Assert.Contains(bench.Apply().OfType<SendToWorker>(), send => send.Message is Evaluate);
        TrainingProgress saved = bench.Tell(new StopRequested()).OfType<SaveCheckpoint>().Single().Progress;
        Assert.Single(bench.Tell(new CheckpointSaved(1)).OfType<Finish>());
        CoordinatorBench resumed = new(Validated, saved);
        List<CoordinatorEffect> effects = resumed.Join(1);
        Assert.Empty(effects.OfType<BeginStep>());
        Assert.Single(resumed.Score(effects, 1, 1).OfType<KeepBest>());
    }

    [Fact]
    public void Nobody_left_and_nobody_to_come_saves_before_it_ends()
    {
        CoordinatorBench bench = new();
        bench.Join(1);
        bench.Apply();
        bench.Tell(new WorkersExhausted("Every worker failed.", false));
        List<CoordinatorEffect> effects = bench.Tell(new WorkerGone(new WorkerId(1), "it crashed"));
        Assert.Single(effects.OfType<CancelStep>());
        Assert.Equal(
            1, bench.Tell(new StepCancelled(new StepNumber(2))).OfType<SaveCheckpoint>().Single().Progress.Step);
        Finish finish = bench.Tell(new CheckpointSaved(1)).OfType<Finish>().Single();
        Assert.Equal((RunEnding.Failed, "Every worker failed."), (finish.Ending, finish.Reason));
    }

    [Fact]
    public void A_loss_that_is_not_finite_ends_the_run_and_names_step_and_layer()
    {
        CoordinatorBench bench = new();
        bench.Join(1);
        Finish finish = bench.Tell(new StepNotFinite(new StepNumber(1), "3.weight")).OfType<Finish>().Single();
        Assert.Equal(RunEnding.UserError, finish.Ending);
        Assert.Contains("step 1", finish.Reason, StringComparison.Ordinal);
        Assert.Contains("3.weight", finish.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_resumes_from_any_point_with_the_same_ledger()
    {
        TrainingSettings settings = Validated with { TrainingSamples = 6, CheckpointEverySteps = 1 };
        List<TrainingProgress> points = [new TrainingProgress()];
        CoordinatorBench first = new(settings);
        TrainingProgress expected = RunToEnd(first, first.Join(1), points);
        Assert.True(points.Count > 9);
        foreach (TrainingProgress point in points)
        {
            CoordinatorBench resumed = new(settings, point);
            TrainingProgress end = RunToEnd(resumed, resumed.Join(1), []);
            Assert.Equal(expected.History, end.History);
            Assert.Equal(expected.SamplesApplied, end.SamplesApplied);
            Assert.Equal((expected.BestEpoch, expected.Step), (end.BestEpoch, end.Step));
        }
    }

    private static TrainingProgress RunToEnd(
        CoordinatorBench bench, List<CoordinatorEffect> effects, List<TrainingProgress> saved)
    {
        for (int turn = 0; !bench.Role.IsFinished; turn++)
        {
            Assert.True(turn < 100, "The run does not end.");
            SaveCheckpoint? save = effects.OfType<SaveCheckpoint>().LastOrDefault();
            if (save is not null) saved.Add(save.Progress);
            int epoch = bench.Role.Progress.Epoch;
            if (effects.Exists(e => e is PublishParameters))
            {
                ParameterChoice choice = effects.OfType<PublishParameters>().Single().Choice;
                effects = bench.Tell(new ParametersPublished(new ParameterVersion(900), choice));
            }
            else if (effects.Exists(e => e is SendToWorker { Message: Evaluate }))
                effects = bench.Score(effects, 2 - epoch, 4 - epoch);
            else if (effects.Exists(e => e is BeginStep)) effects = bench.Apply(loss: bench.Role.Progress.Step + 0.1);
            else effects = [];
            if (save is not null) effects.AddRange(bench.Tell(new CheckpointSaved(save.Id)));
        }

        return bench.Role.Progress;
    }
}
