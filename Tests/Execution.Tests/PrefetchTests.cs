using Distributed.Data;
using Distributed.Learning;
using Distributed.Protocol;
using Distributed.Tests;
using Xunit;

namespace Distributed.Execution.Tests;

public sealed class PrefetchTests : IDisposable
{
    private const int Slots = 3;
    private const int Epoch = 4;

    private readonly RunData _data;
    private readonly int[][] _orders;
    private readonly Workspace _workspace;
    private readonly Workspace _expected;
    private readonly Prefetch _prefetch;

    public PrefetchTests()
    {
        RunSpecification specification = TestRun.Specification("linear") with
        {
            Augmentation = AugmentationList.Parse("crop:2,rotate:10,mixup:0.4"),
        };
        _data = RunData.Load(specification, null);
        _orders = [new int[_data.Training.Length], []];
        EpochShuffle.Permute(1, Epoch, _data.Training, _orders[0]);
        ExecutionPlan plan = ExecutionPlan.Compile(specification.Model, TestRun.MicroBatch);
        _workspace = plan.CreateWorkspace(training: true);
        _expected = plan.CreateWorkspace(training: true);
        _prefetch = new Prefetch(_data, _orders, Slots, TestRun.MicroBatch);
    }

    public void Dispose()
    {
        _prefetch.Dispose();
        _workspace.Dispose();
        _expected.Dispose();
    }

    [Fact]
    public void WhatIsLoadedAheadIsWhatWouldBeLoadedWhenNeeded()
    {
        _prefetch.Expect(Deal(0, TestRun.Batch, new TreeNode(0, 2), new TreeNode(4, 6)));
        Load(Slots);
        Take(0, 4);
        Take(4, 4);
        Load(1); // the last one, which is short
        Take(16, 4);
        Take(20, 2);
    }

    [Fact]
    public void TheSamePartOfTheNextStepFollows()
    {
        _prefetch.Expect(Deal(0, TestRun.Batch, new TreeNode(4, 6)));
        Load(Slots);
        Take(16, 4);
        Take(20, 2);
        _prefetch.Expect(Deal(22, TestRun.Batch, new TreeNode(4, 6)));
        Take(22 + 16, 4); // loaded during the step before
        Load(1);
        Take(22 + 20, 2);
    }

    [Fact]
    public void WhatIsDealtToOthersMakesRoom()
    {
        _prefetch.Expect(Deal(0, TestRun.Batch, new TreeNode(0, 4)));
        Load(Slots);
        Take(0, 4);
        _prefetch.Expect(Deal(0, TestRun.Batch, TreeNode.Leaf(0), TreeNode.Leaf(5)));
        Load(Slots); // 5, and 0 and 5 of the next step; 0 has been taken
        Refuse(4, 4);
        Take(20, 2);
        Take(22, 4);
        Take(42, 2);
    }

    [Fact]
    public void WhatNobodyLoadedIsLeftToTheCallerAndNotLoadedAfterwards()
    {
        _prefetch.Expect(Deal(0, TestRun.Batch, new TreeNode(0, 4)));
        Refuse(0, 4);
        Load(Slots);
        Take(4, 4);
        Take(8, 4);
        Take(12, 4);
    }

    [Fact]
    public void ThreadsThatLoadAndTakeAtTheSameTimeGetTheRightSamples()
    {
        Thread loader = new(() =>
        {
            while (_prefetch.LoadNext() is not null)
            {
            }
        });
        loader.Start();
        for (int step = 0; step < 60; step++)
        {
            int first = step * TestRun.Batch;
            _prefetch.Expect(Deal(first, TestRun.Batch, new TreeNode(0, 4), new TreeNode(4, 6)));
            for (int leaf = 0; leaf < TestRun.MicroBatches; leaf++)
            {
                int at = first + (leaf * TestRun.MicroBatch);
                if (TryTake(at, TestRun.Count(leaf))) RequireSame(at, TestRun.Count(leaf));
            }
        }

        _prefetch.Close();
        loader.Join();
    }

    [Fact]
    public void NothingIsAllocated()
    {
        Train[] steps = [.. Enumerable.Range(0, 10).Select(
            step => Deal(step * TestRun.Batch, TestRun.Batch, new TreeNode(0, 2)))];
        int next = 0;
        Round();
        Assert.Equal(0, Allocation.Least(Round));

        void Round()
        {
            Train step = steps[next++];
            _prefetch.Expect(step);
            _prefetch.LoadNext();
            TryTake(step.FirstSample, TestRun.MicroBatch);
            TryTake(step.FirstSample + TestRun.MicroBatch, TestRun.MicroBatch);
        }
    }

    private static Train Deal(int first, int samples, params TreeNode[] nodes)
    {
        Train train = new()
        {
            Epoch = Epoch,
            FirstSample = first,
            Samples = samples,
            MicroBatch = TestRun.MicroBatch,
        };
        train.Nodes.AddRange(nodes);
        return train;
    }

    private void Load(int count)
    {
        for (int i = 0; i < count; i++) Assert.NotNull(_prefetch.LoadNext());
    }

    private bool TryTake(int first, int count) => _prefetch.TryTake(Epoch, first, count, _workspace, at: 0);

    private void Refuse(int first, int count) => Assert.False(TryTake(first, count));

    private void Take(int first, int count)
    {
        Assert.True(TryTake(first, count));
        RequireSame(first, count);
    }

    private void RequireSame(int first, int count)
    {
        _data.LoadTraining(Epoch, _orders[0].AsSpan(first, count), _expected);
        int length = count * _data.Dataset.Train.SampleLength;
        TestRun.SameBits(_expected.Input[..length], _workspace.Input[..length]);
        TestRun.SameBits(_expected.LabelWeights[..count], _workspace.LabelWeights[..count]);
        Assert.Equal(_expected.Labels[..count], _workspace.Labels[..count]);
        Assert.Equal(_expected.SecondLabels[..count], _workspace.SecondLabels[..count]);
    }
}
