using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Xunit;

namespace Distributed.Roles.Tests;

/// <summary>Workers that join, fall silent, are overdue, leave; and what becomes of their work.</summary>
public sealed class CoordinatorWorkersTests
{
    private static readonly TrainingSettings Settings =
        CoordinatorBench.Settings() with { TrainingSamples = 80, Batch = 16 };

    private readonly CoordinatorBench _bench = new(Settings with { MinimumWorkers = 2 });

    [Fact]
    public void No_step_is_dealt_below_the_least_number_of_workers_and_then_all_take_part()
    {
        Assert.Empty(_bench.Join(1).OfType<BeginStep>());
        string notice = CoordinatorBench.Notices(_bench.Wait(12, 1)).First();
        Assert.Contains("1 of at least 2", notice, StringComparison.Ordinal);
        List<CoordinatorEffect> effects = _bench.Join(2);
        Assert.Equal([new TreeNode(0, 4)], CoordinatorBench.TrainOf(effects, 1)!.Nodes);
        Assert.Equal([new TreeNode(4, 8)], CoordinatorBench.TrainOf(effects, 2)!.Nodes);
        Assert.Equal(new PublishTo(new WorkerId(2)), effects[0]);
    }

    [Fact]
    public void The_work_of_a_silent_worker_is_dealt_again_at_once_and_it_takes_part_again_from_the_next_step()
    {
        Begin();
        List<CoordinatorEffect> effects = _bench.Wait(2.1, 2);
        Assert.Equal([WorkerStanding.Silent], CoordinatorBench.Standings(effects, 1));
        Assert.Contains(new StopPublishingTo(new WorkerId(1)), effects);
        Assert.Equal([new TreeNode(4, 8), new TreeNode(0, 4)], CoordinatorBench.TrainOf(effects, 2)!.Nodes);
        effects = _bench.Tell(new WorkerHeard(new WorkerId(1)));
        Assert.Contains(new PublishTo(new WorkerId(1)), effects);
        Assert.Null(CoordinatorBench.TrainOf(effects, 1));
        Assert.NotNull(CoordinatorBench.TrainOf(_bench.Apply(), 1));
    }

    [Fact]
    public void Whoever_is_silent_for_long_is_dropped()
    {
        Begin();
        Assert.Equal(new WorkerId(1), _bench.Wait(65, 2).OfType<DropWorker>().Single().Worker);
    }

    [Fact]
    public void The_only_worker_heard_again_keeps_its_work_under_a_new_deadline()
    {
        CoordinatorBench bench = new(Settings);
        bench.Join(1);
        Assert.Equal([WorkerStanding.Silent], CoordinatorBench.Standings(bench.Wait(3), 1));
        bench.Tell(new WorkerHeard(new WorkerId(1)));
        // Never measured: 120 s. Then it is said that the run waits for it.
        Assert.Contains(
            CoordinatorBench.Notices(bench.Wait(125, 1)),
            text => text.StartsWith("Still waiting for w1", StringComparison.Ordinal));
    }

    [Fact]
    public void Waiting_without_anyone_is_said_again_and_again_until_somebody_comes()
    {
        CoordinatorBench bench = new(Settings);
        bench.Join(1);
        bench.Tell(new WorkerGone(new WorkerId(1), "it crashed"));
        Assert.InRange(CoordinatorBench.Notices(bench.Wait(35)).Length, 3, 4);
        Assert.Equal([new TreeNode(0, 8)], CoordinatorBench.TrainOf(bench.Join(2), 2)!.Nodes);
        Assert.Empty(CoordinatorBench.Notices(bench.Wait(30, 2)));
    }

    [Fact]
    public void Overdue_work_is_dealt_again_and_an_answer_however_late_ends_it()
    {
        Begin();
        Measure();
        _bench.Accept(1, new TreeNode(0, 4));
        List<CoordinatorEffect> effects = _bench.Wait(11, 1, 2);
        Assert.Contains(WorkerStanding.Overdue, CoordinatorBench.Standings(effects, 2));
        Assert.NotNull(CoordinatorBench.TrainOf(effects, 1));
        effects = _bench.Tell(new NodeDropped(new WorkerId(2), 4, 4000));
        Assert.Equal([WorkerStanding.Active], CoordinatorBench.Standings(effects, 2));
        Assert.Equal(1, _bench.Role.Progress.DuplicatesDropped);
    }

    [Fact]
    public void An_overdue_worker_is_probed_with_work_that_nobody_waits_for()
    {
        CoordinatorBench bench = new(Settings);
        bench.Join(1);
        bench.Join(2);
        bench.Accept(1, new TreeNode(0, 8));
        bench.Apply();
        bench.Accept(1, new TreeNode(0, 4));
        Assert.Contains(WorkerStanding.Overdue, CoordinatorBench.Standings(bench.Wait(11, 1, 2), 2));
        bench.Accept(1, new TreeNode(4, 8));
        List<CoordinatorEffect> effects = bench.Apply();
        Assert.Equal([new TreeNode(0, 8)], CoordinatorBench.TrainOf(effects, 1)!.Nodes);
        Train probe = CoordinatorBench.TrainOf(effects, 2)!;
        Assert.Equal([TreeNode.Leaf(0)], probe.Nodes);
        Assert.Equal(1, probe.Credits);
        Assert.Equal([WorkerStanding.Active], CoordinatorBench.Standings(bench.Accept(2, TreeNode.Leaf(0)), 2));
    }

    [Fact]
    public void A_worker_with_nothing_left_to_do_is_never_overdue()
    {
        Begin();
        Measure();
        _bench.Accept(2, new TreeNode(4, 8));
        Assert.Empty(CoordinatorBench.Standings(_bench.Wait(200, 1, 2), 2));
    }

    [Fact]
    public void A_leaving_worker_ends_what_it_has_and_is_let_go_once()
    {
        Begin();
        Assert.Empty(Stops(_bench.Tell(new WorkerLeaving(new WorkerId(2)))));
        Assert.Equal([2], Stops(_bench.Accept(2, new TreeNode(4, 8))));
        Assert.Empty(Stops(_bench.Accept(1, new TreeNode(0, 4))));
        List<CoordinatorEffect> effects = _bench.Tell(new WorkerLeaving(new WorkerId(2)));
        effects.AddRange(_bench.Apply());
        Assert.Null(CoordinatorBench.TrainOf(effects, 2));
        Assert.Empty(Stops(effects));
        Assert.Equal(new WorkerId(2), _bench.Wait(62, 1, 2).OfType<DropWorker>().Single().Worker);
    }

    [Fact]
    public void A_leaving_worker_that_was_silent_is_still_leaving()
    {
        Begin();
        _bench.Tell(new WorkerLeaving(new WorkerId(2)));
        List<CoordinatorEffect> effects = _bench.Wait(3, 1);
        effects.AddRange(_bench.Tell(new WorkerHeard(new WorkerId(2))));
        Assert.Equal([WorkerStanding.Silent, WorkerStanding.Leaving], CoordinatorBench.Standings(effects, 2));
        Assert.Equal([2], Stops(effects));
        Assert.Null(CoordinatorBench.TrainOf(_bench.Apply(), 2));
    }

    [Fact]
    public void Credits_are_granted_from_left_to_right_and_the_leftmost_missing_node_always()
    {
        // 31 leaves: the right worker's range is several nodes, and no more than log2 + 2 are granted in all.
        CoordinatorBench bench = new(
            CoordinatorBench.Settings() with { TrainingSamples = 310, Batch = 62, MicroBatch = 2 });
        bench.Join(1);
        List<CoordinatorEffect> effects = bench.Join(2);
        effects.AddRange(bench.Apply());
        Train left = CoordinatorBench.TrainOf(effects, 1)!, right = CoordinatorBench.TrainOf(effects, 2)!;
        Assert.Equal(31, left.Nodes.Concat(right.Nodes).Sum(node => node.Count));
        Assert.InRange(left.Credits + right.Credits, 1, 6);
        Assert.Equal(left.Nodes.Count, left.Credits);
    }

    [Fact]
    public void Parts_of_an_evaluation_that_a_lost_worker_had_go_to_the_others()
    {
        CoordinatorBench bench = new(
            CoordinatorBench.Settings() with { TrainingSamples = 2, ValidationSamples = 64, Epochs = 1 });
        bench.Join(1);
        bench.Join(2);
        List<CoordinatorEffect> effects = bench.Apply();
        Assert.Equal(4, effects.OfType<SendToWorker>().Count(send => send.Message is Evaluate));
        bench.Tell(new WorkerGone(new WorkerId(2), ""));
        effects.RemoveAll(effect => effect is SendToWorker { Worker.Value: 2 });
        effects = bench.Score(effects, 0.5, 3);
        EpochEnded ended = effects.OfType<Report>().Select(report => report.Event).OfType<EpochEnded>().Single();
        Assert.Equal((16 * 0.5 / 64 * 2, 12 / 64.0), (ended.Record.ValidationLoss, ended.Record.ValidationAccuracy));
    }

    private static int[] Stops(List<CoordinatorEffect> effects) =>
        [.. effects.OfType<SendToWorker>().Where(send => send.Message is Stop).Select(send => send.Worker.Value)];

    private void Begin()
    {
        _bench.Join(1);
        _bench.Join(2);
    }

    /// <summary>A step with an answer of each worker, so that their speeds are known.</summary>
    private void Measure()
    {
        _bench.Accept(1, new TreeNode(0, 4));
        _bench.Accept(2, new TreeNode(4, 8));
        _bench.Apply();
    }
}
