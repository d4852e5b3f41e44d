using Distributed.Data;
using Distributed.Learning;
using Distributed.Numerics;
using Distributed.Protocol;
using Distributed.Roles;
using Xunit;

namespace Distributed.Execution.Tests;

/// <summary>A gradient is the same bits whoever sums which nodes of the tree.</summary>
public class GradientSumTests
{
    private static readonly NodeStatistics None = new(0, 0, 0, 0);

    [Theory]
    [MemberData(nameof(TestRun.Models), MemberType = typeof(TestRun))]
    public void WorkersAndServerSumAlongTheSameTree(string model)
    {
        using WorkerExecution worker = TestRun.Open(model, threads: 1);
        worker.EnsureEpoch(0);
        float[][] leaves = new float[TestRun.MicroBatches][];
        for (int i = 0; i < leaves.Length; i++) leaves[i] = Leaf(worker, i);
        float[] expected = Sum(model, leaves, TreeNode.Root(leaves.Length));

        // A worker that does everything; a server that gets leaves; a server that gets one worker's sum of [0, 4).
        TestRun.SameBits(expected, WorkerSum(worker, TreeNode.Root(leaves.Length)));
        int[][] orders = [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [2, 5, 0, 4, 3, 1]];
        foreach (int[] order in orders)
            TestRun.SameBits(expected, ServerSum(model, [.. order.Select(i => (TreeNode.Leaf(i), leaves[i]))]));
        TreeNode half = new(0, 4);
        float[] sum = WorkerSum(worker, half);
        TestRun.SameBits(
            expected, ServerSum(model, [(TreeNode.Leaf(5), leaves[5]), (half, sum), (TreeNode.Leaf(4), leaves[4])]));
    }

    /// <summary>Passes over whole nodes have the sums of their leaves, and mix samples within a leaf alone.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("mixup")]
    public void NodesInOnePassHaveTheSameBits(string augmentation)
    {
        using WorkerExecution worker = TestRun.Open(
            TestRun.Specification("mlp") with { Augmentation = AugmentationList.Parse(augmentation) }, threads: 1);
        worker.EnsureEpoch(0);
        float[][] leaves = new float[TestRun.MicroBatches][];
        for (int i = 0; i < leaves.Length; i++) leaves[i] = Leaf(worker, i);
        foreach (TreeNode node in (TreeNode[])[new(0, 6), new(0, 4), new(4, 6), new(2, 4)])
            TestRun.SameBits(Sum("mlp", leaves, node), Pass(worker, node));
    }

    [Fact]
    public void TheOrderOfASumIsInItsBits()
    {
        using WorkerExecution worker = TestRun.Open("linear", threads: 1);
        worker.EnsureEpoch(0);
        float[][] leaves = new float[TestRun.MicroBatches][];
        for (int i = 0; i < leaves.Length; i++) leaves[i] = Leaf(worker, i);
        float[] inOrder = [.. leaves[0]];
        foreach (float[] leaf in leaves[1..]) Elementwise.Add(inOrder, leaf, inOrder);
        // Otherwise the other test compares nothing.
        Assert.False(inOrder.AsSpan().SequenceEqual(Sum("linear", leaves, TreeNode.Root(leaves.Length))));
    }

    private static float[] Leaf(WorkerExecution worker, int microBatch) => Pass(worker, TreeNode.Leaf(microBatch));

    private static float[] Pass(WorkerExecution worker, TreeNode node)
    {
        BufferId buffer = new(node.Start);
        int first = node.Start * TestRun.MicroBatch;
        worker.EnsureBuffer(buffer);
        worker.Compute(0, 0, first, Math.Min(node.End * TestRun.MicroBatch, TestRun.Batch) - first, buffer);
        return worker.Gradient(buffer).ToArray();
    }

    private static float[] WorkerSum(WorkerExecution worker, TreeNode root)
    {
        ReductionTree tree = new();
        List<BufferOperation> operations = [];
        tree.Reset(TestRun.MicroBatches, operations);
        tree.AddRoot(root);
        for (int i = root.End - 1; i >= root.Start; i--)
        {
            Leaf(worker, i);
            tree.Offer(TreeNode.Leaf(i), new BufferId(i), None, operations, out _);
            foreach (BufferOperation operation in operations) worker.Add(operation.Destination, operation.Source);
            operations.Clear();
        }

        return worker.Gradient(tree.Take(root).Buffer).ToArray();
    }

    private static float[] ServerSum(string model, (TreeNode Node, float[] Gradient)[] arrivals)
    {
        using ParameterStore store = new(TestRun.Specification(model), arrivals.Length);
        ReductionTree tree = new();
        List<BufferOperation> operations = [];
        TreeNode root = TreeNode.Root(TestRun.MicroBatches);
        tree.Reset(TestRun.MicroBatches, operations);
        tree.AddRoot(root);
        foreach ((TreeNode node, float[] gradient) in arrivals)
        {
            BufferId buffer = store.RentGradient() ?? throw new InvalidOperationException("No buffer is left.");
            gradient.CopyTo(store.Gradient(buffer));
            tree.Offer(node, buffer, None, operations, out _);
            foreach (BufferOperation operation in operations) store.Add(operation.Destination, operation.Source);
            operations.Clear();
        }

        return store.Gradient(tree.Take(root).Buffer).ToArray();
    }

    private static float[] Sum(string model, float[][] leaves, TreeNode node)
    {
        if (node.IsLeaf) return leaves[node.Start];
        float[] sum = [.. Sum(model, leaves, node.Left)];
        ParameterLayout.Of(TestRun.Specification(model).Model).AddGradients(sum, Sum(model, leaves, node.Right));
        return sum;
    }
}
