using Distributed.Learning;
using Distributed.Protocol;
using Distributed.Roles;
using Distributed.Tests;
using Xunit;

namespace Distributed.Execution.Tests;

public class WorkerExecutionTests
{
    [Theory]
    [MemberData(nameof(TestRun.Models), MemberType = typeof(TestRun))]
    public void MicroBatchesInAnyOrderOnAnyThreadGiveTheSameBits(string model)
    {
        using ReferenceExecution reference = new(model);
        using WorkerExecution execution = TestRun.Open(model, threads: 3);
        execution.EnsureEpoch(0);
        for (int i = 0; i < TestRun.MicroBatches; i++) execution.EnsureBuffer(new BufferId(i));
        int[][] orders = [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [3, 0, 5, 1, 4, 2]];
        foreach (int[] order in orders)
        {
            // Buffers are named by place, so each holds another micro-batch's gradient from the round before.
            MicroBatchResult[] results = new MicroBatchResult[TestRun.MicroBatches];
            Thread[] threads = [.. Enumerable.Range(0, 3).Select(thread => new Thread(() =>
            {
                for (int place = thread; place < order.Length; place += 3)
                    results[place] = Compute(execution, thread, order[place], new BufferId(place));
            }))];
            foreach (Thread thread in threads) thread.Start();
            foreach (Thread thread in threads) thread.Join();
            for (int place = 0; place < order.Length; place++)
            {
                int microBatch = order[place];
                (float[] gradient, MicroBatchResult result) =
                    reference.Train(0, microBatch * TestRun.MicroBatch, TestRun.Count(microBatch));
                Assert.Equal(result, results[place]);
                TestRun.SameBits(gradient, execution.Gradient(new BufferId(place)));
            }
        }
    }

    [Fact]
    public void AnEpochsSamplesComeInItsShuffledOrder()
    {
        using ReferenceExecution reference = new("linear");
        using WorkerExecution execution = TestRun.Open("linear", threads: 1);
        BufferId buffer = new(0);
        execution.EnsureBuffer(buffer);
        Expect(ensured: 0, computed: 0);
        Expect(ensured: 1, computed: 1);
        Expect(ensured: 1, computed: 0); // a thread may still be busy with the epoch before
        Expect(ensured: 2, computed: 2);
        Expect(ensured: 2, computed: 1);
        Expect(ensured: 0, computed: 0); // back, after a resumption

        void Expect(int ensured, int computed)
        {
            execution.EnsureEpoch(ensured);
            foreach (int first in (int[])[0, 4321, 9000 - TestRun.MicroBatch])
            {
                MicroBatchResult result = execution.Compute(0, computed, first, TestRun.MicroBatch, buffer);
                (float[] gradient, MicroBatchResult expected) = reference.Train(computed, first, TestRun.MicroBatch);
                Assert.Equal(expected, result);
                TestRun.SameBits(gradient, execution.Gradient(buffer));
            }
        }
    }

    [Theory]
    [MemberData(nameof(TestRun.Models), MemberType = typeof(TestRun))]
    public void EvaluationInPartsEqualsTheWhole(string model)
    {
        const int Samples = 102; // the last micro-batch is short
        const int Leaves = 26;
        using ReferenceExecution reference = new(model);
        using WorkerExecution execution = TestRun.Open(model, threads: 2);
        foreach (DataSplit split in (DataSplit[])[DataSplit.Validation, DataSplit.Test, DataSplit.Training])
        {
            // Slot 1 is used twice, the second time for less than it holds.
            (double[] losses, int[] predictions) = Part(slot: 1, thread: 0, first: 0, count: 60);
            (double[] more, int[] rest) = Part(slot: 1, thread: 1, first: 60, count: Samples - 60);
            losses = [.. losses, .. more];
            predictions = [.. predictions, .. rest];
            Assert.Equal((Leaves, Samples), (losses.Length, predictions.Length));
            for (int leaf = 0; leaf < Leaves; leaf++)
            {
                int first = leaf * TestRun.MicroBatch, count = Math.Min(TestRun.MicroBatch, Samples - first);
                (double loss, int[] expected) = reference.Evaluate(split, first, count);
                Assert.Equal(loss, losses[leaf]);
                Assert.Equal(expected, predictions[first..(first + count)]);
            }

            (double[] Losses, int[] Predictions) Part(int slot, int thread, int first, int count)
            {
                int leaves = (count + TestRun.MicroBatch - 1) / TestRun.MicroBatch;
                execution.EnsureSlot(slot, count);
                for (int leaf = leaves - 1; leaf >= 0; leaf--)
                {
                    int offset = leaf * TestRun.MicroBatch;
                    int samples = Math.Min(TestRun.MicroBatch, count - offset);
                    execution.Evaluate(thread, split, first + offset, samples, slot, leaf);
                }

                (double[] losses, int[] predictions, int topFive) = execution.Results(slot, count, leaves);
                int correct = predictions
                    .Where((predicted, i) => predicted == TestRun.Data.Label(split, first + i)).Count();
                Assert.InRange(topFive, correct, count);
                return (losses, predictions);
            }
        }
    }

    [Fact]
    public void NewParametersCountOnceTheyAreInUseAndPrepared()
    {
        using WorkerExecution execution = TestRun.Open("linear", threads: 1);
        execution.EnsureEpoch(0);
        BufferId before = new(0), after = new(1);
        foreach (BufferId buffer in (BufferId[])[before, after]) execution.EnsureBuffer(buffer);
        using NativeBlock parameters = new(execution.ParameterLength);
        parameters.Span.Fill(0.01f);
        Compute(execution, 0, 0, before);
        execution.UseParameters(parameters);
        for (int part = 0; part < execution.PrepareParts; part++) execution.Prepare(part);
        Compute(execution, 0, 0, after);
        Assert.False(execution.Gradient(before).SequenceEqual(execution.Gradient(after)));
    }

    [Theory]
    [MemberData(nameof(TestRun.Models), MemberType = typeof(TestRun))]
    public void ComputingAllocatesNothing(string model)
    {
        using WorkerExecution execution = TestRun.Open(model, threads: 1);
        BufferId left = new(0), right = new(1);
        using NativeBlock block = new(execution.GradientLength), other = new(execution.GradientLength);
        using NativeBlock parameters = new(execution.ParameterLength);
        Func<IBlock> rent = () => block;
        execution.EnsureBuffer(right, () => other);
        execution.EnsureSlot(0, TestRun.Batch);
        Round(0);
        Round(1);
        int next = 2;
        Assert.Equal(0, Allocation.Least(() => Round(next++)));

        void Round(int epoch)
        {
            execution.EnsureEpoch(epoch);
            execution.EnsureBuffer(left, rent);
            execution.EnsureSlot(0, TestRun.Batch);
            for (int part = 0; part < execution.PrepareParts; part++) execution.Prepare(part);
            execution.Compute(0, epoch, 0, TestRun.MicroBatch, left);
            execution.Compute(0, epoch, TestRun.MicroBatch, 2, right);
            execution.Add(left, right);
            execution.Evaluate(0, DataSplit.Validation, 0, TestRun.MicroBatch, 0, 0);
            Assert.Same(block, execution.Take(left));
            execution.UseParameters(parameters);
        }
    }

    /// <summary>A worker that joins again has another execution.</summary>
    [Fact]
    public void DisposingFreesTheGradientBlocksThatItHolds()
    {
        WorkerExecution execution = TestRun.Open("linear", threads: 1);
        using NativeBlock held = new(execution.GradientLength), taken = new(execution.GradientLength);
        execution.EnsureBuffer(new BufferId(0), () => held);
        execution.EnsureBuffer(new BufferId(1), () => taken);
        execution.Take(new BufferId(1));
        execution.Dispose();
        Assert.Throws<ObjectDisposedException>(() => held.Span.Length);
        Assert.False(taken.Span.IsEmpty);
    }

    [Fact]
    public void WorkThatExistsIsSound()
    {
        using WorkerExecution execution = TestRun.Open("linear", threads: 1);
        Assert.True(execution.IsSound(TestRun.WholeMiniBatch()));
        Train last = TestRun.WholeMiniBatch();
        last.FirstSample = 9000 - TestRun.Batch;
        Assert.True(execution.IsSound(last));
        Assert.True(execution.IsSound(Evaluate(DataSplit.Validation, 1000 - 8, 8)));
        Assert.True(execution.IsSound(Evaluate(DataSplit.Test, 0, 2000)));
    }

    public static TheoryData<string, Action<Train>> WrongTrains => new()
    {
        { "another micro-batch", train => train.MicroBatch++ },
        { "no micro-batch", train => train.MicroBatch = 0 },
        { "no sample", train => train.Samples = 0 },
        { "fewer than no samples", train => train.Samples = int.MinValue },
        { "more than a mini-batch", train => train.Samples++ },
        { "as many as can be", train => (train.FirstSample, train.Samples) = (int.MaxValue, int.MaxValue) },
        { "before the first sample", train => train.FirstSample = -1 },
        { "beyond the last sample", train => train.FirstSample = 9000 - TestRun.Batch + 1 },
        { "an epoch before the first", train => train.Epoch = -1 },
        { "a node beyond the tree", train => train.Nodes.Add(TreeNode.Leaf(TestRun.MicroBatches)) },
        { "no node of the tree", train => train.Nodes.Add(new TreeNode(1, 3)) },
        { "an empty node", train => train.Nodes.Add(new TreeNode(2, 2)) },
    };

    [Theory]
    [MemberData(nameof(WrongTrains))]
    public void TrainingThatDoesNotExistIsRefused(string what, Action<Train> change)
    {
        using WorkerExecution execution = TestRun.Open("linear", threads: 1);
        Train train = TestRun.WholeMiniBatch();
        change(train);
        Assert.False(execution.IsSound(train), what);
    }

    [Theory]
    [InlineData(DataSplit.Validation, 0, 1001)]
    [InlineData(DataSplit.Validation, 1000, 1)]
    [InlineData(DataSplit.Test, 1996, 5)]
    [InlineData(DataSplit.Test, 2, 4)]
    [InlineData(DataSplit.Test, -4, 4)]
    [InlineData(DataSplit.Test, 0, 0)]
    [InlineData(DataSplit.Test, 4, -4)]
    [InlineData(DataSplit.Test, int.MaxValue - 3, int.MaxValue)]
    public void EvaluationThatDoesNotExistIsRefused(DataSplit split, int first, int count)
    {
        using WorkerExecution execution = TestRun.Open("linear", threads: 1);
        Assert.False(execution.IsSound(Evaluate(split, first, count)));
    }

    [Fact]
    public void EvaluationInAnotherMicroBatchIsRefused()
    {
        using WorkerExecution execution = TestRun.Open("linear", threads: 1);
        Assert.False(execution.IsSound(Evaluate(DataSplit.Test, 0, 8) with { MicroBatch = TestRun.MicroBatch + 1 }));
    }

    private static MicroBatchResult Compute(WorkerExecution execution, int thread, int microBatch, BufferId buffer) =>
        execution.Compute(thread, 0, microBatch * TestRun.MicroBatch, TestRun.Count(microBatch), buffer);

    private static Evaluate Evaluate(DataSplit split, int first, int count) =>
        new(default, 1, default, split, first, count, TestRun.MicroBatch);
}
