using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Xunit;

namespace Distributed.Coordinator.Tests;

public sealed class PlainViewTests
{
    [Fact]
    public void AWholeRunReadsLikeThis()
    {
        string[] lines = Lines((view, _) =>
        {
            view.Show(new Notice("Reading digits."));
            view.Begin(ViewSamples.Header);
            view.Show(ViewSamples.Worker(1, "worker 1"));
            for (int step = 1; step <= 4; step++) view.Show(ViewSamples.Step(1, step));
            view.Show(new EvaluationAdvanced(DataSplit.Validation, 10, 10));
            view.Show(ViewSamples.EpochEnd(1));
            view.Show(ViewSamples.Worker(1, "worker 1", WorkerStanding.Gone, "its process ended"));
            view.End(ViewSamples.Summary);
        });

        Assert.Equal(
        [
            "Reading digits.",
            "model    tiny, 7,850 parameters",
            "data     digits, 100 training, 10 validation, 20 test samples",
            "plan     3 epochs of 4 steps, batch 32 in micro-batches of 8, seed 1",
            "workers  2 here with 1 thread each",
            "folder   runs/tiny-digits",
            "worker 1 takes part",
            "epoch 1/3  loss 0.2500 accuracy 50.00%  validation loss 0.1250 accuracy 90.00% (best)  " +
                "100/100 samples applied exactly once",
            "worker 1 is gone: its process ended",
            "test accuracy 95.00% (19 of 20), loss 0.5000 (parameters of epoch 2)",
            "Confusion (rows: true class, columns: predicted):",
            "      cat dog",
            "  cat   9   1",
            "  dog   .  10",
            "Class  precision   recall  samples",
            "cat      100.00%   90.00%       10",
            "dog       90.91%  100.00%       10",
            "epoch 1: 100/100 samples applied exactly once",
            "epoch 2: 100/100 samples applied exactly once",
            "epoch 3: 100/100 samples applied exactly once",
            "12 steps in 6.0 s of training, 50 samples/s (worker 1 66.7%, worker 2 33.3%; 1 restart)",
            "saved: runs/tiny-digits/checkpoints/step-12",
            "best:  runs/tiny-digits/checkpoints/step-8",
            "weights sha256: abc",
        ], lines);
    }

    [Fact]
    public void SilenceNeverLastsLongerThanTenSeconds()
    {
        string[] lines = Lines((view, time) =>
        {
            view.Begin(ViewSamples.Header);
            time.Advance(TimeSpan.FromSeconds(10));
            view.Show(ViewSamples.Step(1, 1));
            view.Show(ViewSamples.Step(1, 2));
            time.Advance(TimeSpan.FromSeconds(9));
            view.Show(new Notice("A line of another kind."));
            time.Advance(TimeSpan.FromSeconds(1));
            time.Advance(TimeSpan.FromSeconds(9));
            view.Show(new EvaluationAdvanced(DataSplit.Validation, 4, 10));
            time.Advance(TimeSpan.FromSeconds(10));
        });

        Assert.Equal(
        [
            "epoch 1/3  step 0/12  loss - accuracy -  0 samples/s  ETA -",
            "A line of another kind.",
            "epoch 1/3  step 2/12  loss 0.2500 accuracy 50.00%  64 samples/s  ETA 0:03",
            "epoch 1/3  step 2/12  loss 0.2500 accuracy 50.00%  validation 4/10",
        ], lines[5..]);
    }

    [Fact]
    public void AStoppedRunSaysHowToGoOn()
    {
        string[] lines = Lines((view, _) => view.End(ViewSamples.Summary with
        {
            Ending = RunEnding.Stopped,
            Test = null,
            Progress = ViewSamples.After(2, 1),
            BestCheckpoint = null,
        }));

        Assert.Equal("epoch 1: 100/100 samples applied exactly once", lines[0]);
        Assert.Equal("epoch 2: 32/100 samples applied so far", lines[1]);
        Assert.Equal("stopped in epoch 2 of 3; the same command goes on from here", lines[^1]);
    }

    [Fact]
    public void AnErrorGoesToTheErrorOutput()
    {
        using StringWriter output = new(), error = new();
        using PlainView view = new(output, error, new ManualTime());
        view.End(ViewSamples.Summary with { Ending = RunEnding.UserError, Reason = "The loss is not finite." });
        Assert.Equal("error: The loss is not finite.", error.ToString().TrimEnd());
        Assert.DoesNotContain("not finite", output.ToString());
    }

    [Fact]
    public void NothingIsLostOrWrittenTwiceWhenTheViewIsDisposedEarly()
    {
        string[] lines = Lines((view, time) =>
        {
            view.Show(new Notice("last words"));
            view.Dispose();
            view.Show(new Notice("after the end"));
            time.Advance(TimeSpan.FromMinutes(1));
        });
        Assert.Equal(["last words"], lines);
    }

    private static string[] Lines(Action<PlainView, ManualTime> show)
    {
        using StringWriter output = new();
        ManualTime time = new();
        using (PlainView view = new(output, TextWriter.Null, time)) show(view, time);
        return output.ToString().TrimEnd().Split(Environment.NewLine);
    }
}
