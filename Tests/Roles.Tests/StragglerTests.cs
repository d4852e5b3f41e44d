using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Xunit;

namespace Distributed.Roles.Tests;

/// <summary>Work that is late by a factor is dealt a second time to those who have nothing left to do.</summary>
public sealed class StragglerTests
{
    private readonly CoordinatorBench _bench =
        new(CoordinatorBench.Settings() with { TrainingSamples = 80, Batch = 16, ValidationSamples = 40 });

    public StragglerTests()
    {
        _bench.Join(1);
        _bench.Join(2);
        _bench.Apply();
        _bench.Accept(1, new TreeNode(0, 4));
        _bench.Accept(2, new TreeNode(4, 8));
        _bench.Apply();
    }

    [Fact]
    public void Late_work_is_dealt_again_to_who_has_nothing_to_do_and_the_straggler_may_still_win()
    {
        _bench.Wait(0.3, 1, 2);
        _bench.Accept(1, new TreeNode(0, 4));
        // Worker 1 took 0.3 s: worker 2 is late after three times as long.
        Assert.Empty(_bench.Wait(0.5, 1, 2).OfType<SendToWorker>());
        List<CoordinatorEffect> effects = _bench.Wait(0.2, 1, 2);
        Assert.Equal([WorkerStanding.Overdue], CoordinatorBench.Standings(effects, 2));
        Assert.Equal([new TreeNode(4, 8)], CoordinatorBench.TrainOf(effects, 1)!.Nodes);
        Assert.Null(CoordinatorBench.TrainOf(effects, 2));
        // It is not told to give up: its answer counts, and shows that it computes.
        Assert.Equal([WorkerStanding.Active], CoordinatorBench.Standings(_bench.Accept(2, new TreeNode(4, 8)), 2));
        Assert.NotNull(CoordinatorBench.TrainOf(_bench.Apply(), 2));
    }

    [Fact]
    public void What_a_straggler_cost_is_reported_once_when_the_step_is_applied()
    {
        _bench.Accept(1, new TreeNode(0, 4));
        _bench.Wait(1, 1, 2);
        _bench.Accept(1, new TreeNode(4, 8));
        StragglerHelped helped = Assert.Single(Helped(_bench.Apply()));
        Assert.Equal((new WorkerId(2), 4), (helped.Worker, helped.MicroBatches));
        Assert.Equal(1, helped.WaitedSeconds, 3);
        Assert.Empty(Helped(_bench.Apply()));
    }

    [Fact]
    public void Nobody_is_late_before_half_a_second_or_while_everybody_is_busy()
    {
        Assert.Empty(CoordinatorBench.Standings(_bench.Wait(5, 1, 2), 2));
        _bench.Accept(1, new TreeNode(0, 4));
        _bench.Accept(2, new TreeNode(4, 8));
        _bench.Apply();
        _bench.Accept(1, new TreeNode(0, 4));
        Assert.Empty(CoordinatorBench.Standings(_bench.Wait(0.45, 1, 2), 2));
    }

    [Fact]
    public void A_worker_never_measured_is_given_time_to_compile()
    {
        _bench.Join(3);
        Train first = CoordinatorBench.TrainOf(_bench.Apply(), 3)!;
        foreach (TreeNode node in new[] { new TreeNode(0, 2), new TreeNode(2, 4), new TreeNode(4, 6) })
        {
            if (!first.Nodes.Contains(node)) _bench.Accept(1, node);
        }

        Assert.Empty(CoordinatorBench.Standings(_bench.Wait(5, 1, 2, 3), 3));
    }

    [Fact]
    public void A_straggler_that_stays_slow_is_soon_dealt_less()
    {
        int dealt = 4;
        for (int step = 0; step < 3; step++)
        {
            _bench.Accept(1, new TreeNode(0, 4));
            _bench.Wait(1, 1, 2);
            _bench.Accept(1, new TreeNode(4, 8));
            _bench.Tell(new NodeDropped(new WorkerId(2), dealt, dealt * 20_000)); // twenty times slower than worker 1
            List<CoordinatorEffect> effects = _bench.Apply();
            dealt = CoordinatorBench.TrainOf(effects, 2)?.Nodes.Sum(node => node.Count) ?? 0;
        }

        Assert.InRange(dealt, 0, 1);
    }

    [Fact]
    public void Parts_of_an_evaluation_that_are_late_go_to_the_others()
    {
        List<CoordinatorEffect> effects = [];
        while (!effects.Any(effect => effect is SendToWorker { Message: Evaluate })) effects = _bench.Apply();
        List<CoordinatorEffect> ofTwo = [.. effects.Where(effect => effect is SendToWorker { Worker.Value: 2 })];
        Assert.NotEmpty(ofTwo);
        effects.RemoveAll(ofTwo.Contains);
        _bench.Score(effects, 1, 1);
        effects = _bench.Wait(1, 1, 2);
        Assert.Equal([WorkerStanding.Overdue], CoordinatorBench.Standings(effects, 2));
        effects = _bench.Score(effects, 1, 1);
        Assert.Single(effects.OfType<Report>().Select(report => report.Event).OfType<EpochEnded>());
        Assert.Single(Helped(effects));
    }

    private static StragglerHelped[] Helped(List<CoordinatorEffect> effects) =>
        [.. effects.OfType<Report>().Select(report => report.Event).OfType<StragglerHelped>()];
}
