using Distributed.Protocol;
using Distributed.Roles.Worker;
using Xunit;

namespace Distributed.Roles.Tests;

public sealed class WorkerRoleTests
{
    private static readonly Fence Fence = new(1);

    private readonly WorkerRole _role = new(Fence, threads: 2, leavesPerPass: 1);
    private readonly List<WorkerEffect> _effects = [];

    [Fact]
    public void Work_waits_for_its_parameters_and_parameters_for_idle_threads()
    {
        Assert.Empty(Handle(Train(1, 5, [new(0, 4)], 1)));
        Assert.Equal(WorkerEffectKind.UseParameters, Assert.Single(Arrive(5)).Kind);
        WorkerEffect[] computes = Handle(new WorkerInput(WorkerInputKind.Prepared, Version: new(5)));
        Assert.Equal([0, 1], computes.Select(effect => effect.Node.Start));
        Assert.All(computes, effect => Assert.Equal(WorkerEffectKind.Compute, effect.Kind));
        // Newer parameters: nobody needs this step any more, so nothing more of it begins.
        Assert.Empty(Arrive(6));
        Assert.Empty(Computed(computes[0]));
        Assert.Equal(WorkerEffectKind.UseParameters, Computed(computes[1])[^1].Kind);
        Assert.Empty(Handle(new WorkerInput(WorkerInputKind.Prepared, Version: new(6))));
        Assert.Equal(2, Handle(Train(2, 6, [new(0, 2)], 1)).Length);
    }

    [Fact]
    public void Nodes_are_pushed_in_the_order_dealt_as_credits_allow()
    {
        Use(5);
        WorkerEffect[] first = Handle(Train(1, 5, [TreeNode.Leaf(3), TreeNode.Leaf(0), TreeNode.Leaf(2)], 1));
        Assert.Equal([3, 0], first.Select(effect => effect.Node.Start));
        WorkerEffect[] second = Computed(first[1]);
        Assert.Equal(WorkerEffectKind.Compute, Assert.Single(second).Kind);
        Assert.Equal([TreeNode.Leaf(3)], Pushed(Computed(first[0])));
        Assert.Empty(Computed(second[0]));
        Assert.Equal([TreeNode.Leaf(0)], Pushed(Handle(Credit(1, 1))));
        Assert.Empty(Handle(Credit(2, 5)));
        Assert.Equal([TreeNode.Leaf(2)], Pushed(Handle(Credit(1, 1))));
    }

    [Fact]
    public void A_node_is_summed_along_the_tree_and_pushed_with_its_sums()
    {
        Use(5);
        WorkerEffect[] first = Handle(Train(1, 5, [new(0, 3)], 1, samples: 5));
        Assert.Equal([(0, 2), (2, 2)], first.Select(effect => (effect.First, effect.Count)));
        WorkerEffect[] last = Computed(first[1]);
        Assert.Equal((4, 1), (last[0].First, last[0].Count));
        WorkerEffect sum = Assert.Single(Computed(first[0]));
        Assert.Equal((WorkerEffectKind.Add, first[0].Buffer, first[1].Buffer), (sum.Kind, sum.Buffer, sum.Source));
        WorkerEffect[] end = Computed(last[0]);
        Assert.Equal([WorkerEffectKind.Add, WorkerEffectKind.Push], end.Select(effect => effect.Kind));
        Assert.Equal((first[0].Buffer, last[0].Buffer), (end[0].Buffer, end[0].Source));
        Assert.Equal(5, end[1].Statistics.Samples);
        Assert.Equal(3, _role.Buffers);
    }

    /// <summary>
    /// Sums are taken as they become possible, so a batch of any size needs a buffer a thread and one a level.
    /// </summary>
    [Theory]
    [InlineData(16)]
    [InlineData(128)]
    [InlineData(4096)]
    public void A_batch_larger_than_memory_needs_few_buffers(int microBatches)
    {
        Use(5);
        Queue<WorkerEffect> work = new(Handle(Train(1, 5, [new(0, microBatches)], 1, samples: 2 * microBatches)));
        int pushes = 0, computes = 0;
        while (work.TryDequeue(out WorkerEffect effect))
        {
            pushes += effect.Kind == WorkerEffectKind.Push ? 1 : 0;
            if (effect.Kind != WorkerEffectKind.Compute) continue;
            computes++;
            foreach (WorkerEffect next in Computed(effect)) work.Enqueue(next);
        }

        Assert.Equal((1, microBatches), (pushes, computes));
        Assert.InRange(_role.Buffers, 1, int.Log2(microBatches) + 3);
    }

    /// <summary>A free thread takes the largest node that fits in a pass and leaves the other its share.</summary>
    [Fact]
    public void Threads_take_whole_nodes_but_share_what_is_left()
    {
        WorkerRole role = new(Fence, threads: 2, leavesPerPass: 4);
        Assert.Equal(
            [new(0, 4), new(4, 8), new(8, 10), TreeNode.Leaf(10), TreeNode.Leaf(11)],
            NodesComputed(role, Train(1, 5, [new(0, 8), new(8, 12)], 1, samples: 23)));
        Assert.Equal(
            [TreeNode.Leaf(0), TreeNode.Leaf(1), TreeNode.Leaf(2)],
            NodesComputed(role, Train(2, 5, [new(0, 3)], 1, samples: 6)));
        WorkerRole alone = new(Fence, threads: 1, leavesPerPass: 4);
        Assert.Equal([new(4, 7)], NodesComputed(alone, Train(1, 5, [new(4, 7)], 1, samples: 13)));
    }

    [Fact]
    public void The_same_step_again_keeps_nodes_that_stay_and_gives_up_others()
    {
        Use(5);
        WorkerEffect[] first = Handle(Train(1, 5, [new(0, 2), new(4, 6)], 0));
        WorkerEffect givenUp = Assert.Single(Computed(first[0]));
        Assert.Equal(4, givenUp.Node.Start);
        Assert.Empty(Handle(Train(1, 5, [new(0, 2), new(6, 8)], 1)));
        WorkerEffect[] effects = Computed(first[1]);
        Assert.Equal([TreeNode.Root(2)], Pushed(effects));
        Assert.Equal(6, effects[^1].Node.Start);
        Assert.Equal(7, Assert.Single(Computed(givenUp)).Node.Start);
    }

    [Fact]
    public void A_node_that_was_pushed_and_another_that_overlaps_it_do_not_mix()
    {
        Use(5);
        WorkerEffect[] leaves = Handle(Train(1, 5, [new(2, 4)], 1));
        Computed(leaves[0]);
        Assert.Equal([new TreeNode(2, 4)], Pushed(Computed(leaves[1])));
        // Its push is still on the way when the worker is dealt a node above it.
        List<TreeNode> pushed = [];
        Queue<WorkerEffect> work = new(Handle(Train(1, 5, [new(0, 4)], 1)));
        while (work.TryDequeue(out WorkerEffect effect))
        {
            if (effect.Kind == WorkerEffectKind.Push) pushed.Add(effect.Node);
            if (effect.Kind != WorkerEffectKind.Compute) continue;
            foreach (WorkerEffect next in Computed(effect)) work.Enqueue(next);
        }

        Assert.Equal([new TreeNode(0, 4)], pushed);
    }

    [Fact]
    public void A_leaf_given_up_and_dealt_again_while_it_is_computed_counts_once()
    {
        Use(5);
        WorkerEffect first = Assert.Single(Handle(Train(1, 5, [TreeNode.Leaf(2)], 1)));
        WorkerEffect other = Assert.Single(Handle(Train(1, 5, [TreeNode.Leaf(5)], 1)));
        Computed(other);
        WorkerEffect again = Assert.Single(Handle(Train(1, 5, [TreeNode.Leaf(2)], 1)));
        Assert.Equal([TreeNode.Leaf(2)], Pushed(Computed(first)));
        Assert.Empty(Computed(again));
        Assert.Equal(2, _role.Buffers);
        // Both buffers are free again.
        Assert.Equal(2, Handle(Train(1, 5, [new(6, 8)], 1)).Length);
        Assert.Equal(2, _role.Buffers);
    }

    [Fact]
    public void Old_steps_and_other_fences_are_ignored()
    {
        Use(5);
        Handle(Train(3, 5, [TreeNode.Leaf(0)], 1));
        Assert.Empty(Handle(Train(2, 5, [TreeNode.Leaf(1)], 1)));
        Train other = (Train)Train(4, 5, [TreeNode.Leaf(1)], 1).Message!;
        other.Fence = new Fence(2);
        Assert.Empty(Handle(new WorkerInput(WorkerInputKind.Train, other)));
    }

    [Fact]
    public void A_gradient_of_an_old_step_is_dropped()
    {
        Use(5);
        WorkerEffect old = Assert.Single(Handle(Train(1, 5, [TreeNode.Leaf(0)], 1)));
        Arrive(6);
        Handle(Train(2, 6, [TreeNode.Leaf(0)], 1));
        Assert.Equal([WorkerEffectKind.UseParameters], Computed(old).Select(effect => effect.Kind));
        WorkerEffect fresh = Assert.Single(Handle(new WorkerInput(WorkerInputKind.Prepared, Version: new(6))));
        Assert.Equal(old.Buffer, fresh.Buffer);
    }

    [Fact]
    public void An_evaluation_part_is_sent_when_its_last_leaf_is_scored_and_forgotten_when_parameters_moved_on()
    {
        Use(5);
        Evaluate order = new(Fence, 9, new ParameterVersion(5), DataSplit.Validation, 16, 5, 2);
        WorkerEffect[] leaves = Handle(new WorkerInput(WorkerInputKind.Evaluate, order));
        Assert.Equal([(16, 2), (18, 2)], leaves.Select(effect => (effect.First, effect.Count)));
        WorkerEffect last = Assert.Single(Evaluated(leaves[0]));
        Assert.Equal((20, 1), (last.First, last.Count));
        Assert.Empty(Evaluated(last));
        WorkerEffect result = Assert.Single(Evaluated(leaves[1]));
        Assert.Equal(
            (WorkerEffectKind.SendResult, 16, 5, 9L), (result.Kind, result.First, result.Count, result.Evaluation));
        Use(6);
        Assert.Empty(Handle(new WorkerInput(WorkerInputKind.Evaluate, order)));
    }

    [Fact]
    public void A_step_allocates_nothing_once_warm()
    {
        long before = 0;
        WorkerInput[] trains =
            [.. Enumerable.Range(1, 40).Select(step => Train(step, step, [new(0, 4), new(4, 6), TreeNode.Leaf(6)], 1))];
        WorkerInput[] credits = [.. Enumerable.Range(1, 40).Select(step => Credit(step, 2))];
        for (int step = 1; step <= 40; step++)
        {
            if (step == 20) before = GC.GetAllocatedBytesForCurrentThread();
            Feed(new WorkerInput(WorkerInputKind.ParametersArrived, Version: new(step)));
            Feed(trains[step - 1]);
            Feed(new WorkerInput(WorkerInputKind.Prepared, Version: new(step)));
            Feed(credits[step - 1]);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Feed(in WorkerInput input)
        {
            int from = _effects.Count;
            _role.Handle(input, _effects);
            for (int i = from; i < _effects.Count; i++)
            {
                if (_effects[i].Kind == WorkerEffectKind.Compute) _role.Handle(Done(_effects[i]), _effects);
            }

            _effects.Clear();
        }
    }

    /// <summary>What a role computes for a step, each node done as soon as no thread is free.</summary>
    private static TreeNode[] NodesComputed(WorkerRole role, in WorkerInput train)
    {
        List<WorkerEffect> effects = [];
        role.Handle(new WorkerInput(WorkerInputKind.ParametersArrived, Version: new(5)), effects);
        role.Handle(new WorkerInput(WorkerInputKind.Prepared, Version: new(5)), effects);
        role.Handle(train, effects);
        List<TreeNode> nodes = [];
        for (int i = 0; i < effects.Count; i++)
        {
            if (effects[i].Kind != WorkerEffectKind.Compute) continue;
            nodes.Add(effects[i].Node);
            role.Handle(Done(effects[i]), effects);
        }

        return [.. nodes];
    }

    private static WorkerInput Train(long step, long version, List<TreeNode> nodes, int credits, int samples = 16)
    {
        Train train = new()
        {
            Fence = Fence,
            Step = new StepNumber(step),
            Version = new ParameterVersion(version),
            Samples = samples,
            MicroBatch = 2,
            Credits = credits,
        };
        train.Nodes.AddRange(nodes);
        return new WorkerInput(WorkerInputKind.Train, train);
    }

    private static WorkerInput Credit(long step, int count) => new(
        WorkerInputKind.Credit, new Credit { Fence = Fence, Step = new StepNumber(step), Count = count });

    private static TreeNode[] Pushed(WorkerEffect[] effects) =>
        [.. effects.Where(effect => effect.Kind == WorkerEffectKind.Push).Select(effect => effect.Node)];

    private static WorkerInput Done(in WorkerEffect compute) => new(
        WorkerInputKind.Computed, Thread: compute.Thread, Step: compute.Step, Buffer: compute.Buffer,
        Node: compute.Node, Statistics: new NodeStatistics(compute.Count, 1, 0, 1));

    private WorkerEffect[] Computed(in WorkerEffect compute) => Handle(Done(compute));

    private WorkerEffect[] Evaluated(in WorkerEffect effect) => Handle(new WorkerInput(
        WorkerInputKind.Evaluated, Thread: effect.Thread, MicroBatch: effect.MicroBatch, Buffer: effect.Buffer));

    private WorkerEffect[] Arrive(long version) =>
        Handle(new WorkerInput(WorkerInputKind.ParametersArrived, Version: new ParameterVersion(version)));

    private void Use(long version)
    {
        Arrive(version);
        Handle(new WorkerInput(WorkerInputKind.Prepared, Version: new ParameterVersion(version)));
    }

    private WorkerEffect[] Handle(in WorkerInput input)
    {
        _effects.Clear();
        _role.Handle(input, _effects);
        return [.. _effects];
    }
}
