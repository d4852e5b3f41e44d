using System.Globalization;
using Distributed.Protocol;
using Xunit;

namespace Distributed.Roles.Tests;

public sealed class ReductionTreeTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(8)]
    [InlineData(13)]
    [InlineData(100)]
    public void Any_order_of_arrival_gives_the_canonical_expression(int microBatches)
    {
        string expected = Expression(TreeNode.Root(microBatches));
        for (int seed = 0; seed < 50; seed++)
        {
            Random random = new(seed);
            Bench bench = new(microBatches);
            bench.Tree.AddRoot(TreeNode.Root(microBatches));
            TreeNode[] nodes = RandomTiling(TreeNode.Root(microBatches), random);
            random.Shuffle(nodes);
            for (int i = 0; i < nodes.Length; i++)
            {
                OfferOutcome outcome = bench.Offer(nodes[i]);
                Assert.Equal(i == nodes.Length - 1 ? OfferOutcome.Completed : OfferOutcome.Accepted, outcome);
            }

            HeldNode root = bench.Tree.Take(TreeNode.Root(microBatches));
            Assert.Equal(expected, bench.Values[root.Buffer.Value]);
            Assert.Equal(microBatches, root.Statistics.Samples);
            Assert.Single(bench.Values);
        }
    }

    [Fact]
    public void Duplicates_ancestors_and_descendants_leave_one_copy_of_each_micro_batch()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            Random random = new(seed);
            int microBatches = random.Next(1, 20);
            TreeNode root = TreeNode.Root(microBatches);
            Bench bench = new(microBatches);
            bench.Tree.AddRoot(root);
            OfferOutcome outcome = OfferOutcome.Accepted;
            for (int offers = 0; outcome != OfferOutcome.Completed; offers++)
            {
                Assert.True(offers < 10_000);
                TreeNode node = root;
                while (!node.IsLeaf && random.Next(4) > 0) node = random.Next(2) == 0 ? node.Left : node.Right;
                bool isCovered = bench.Tree.Held.Any(held => held.Node.Contains(node));
                outcome = bench.Offer(node);
                Assert.Equal(isCovered, outcome == OfferOutcome.Duplicate);
                Assert.Equal(bench.Tree.Held.Count, bench.Values.Count);
            }

            Assert.Equal(Expression(root), bench.Values[bench.Tree.Take(root).Buffer.Value]);
        }
    }

    [Fact]
    public void A_worker_merges_up_to_its_own_roots_only()
    {
        Bench bench = new(8);
        bench.Tree.AddRoot(new TreeNode(0, 2));
        bench.Tree.AddRoot(new TreeNode(2, 4));
        Assert.Equal(OfferOutcome.Accepted, bench.Offer(TreeNode.Leaf(2)));
        Assert.Equal(OfferOutcome.Accepted, bench.Offer(TreeNode.Leaf(1)));
        Assert.Equal(OfferOutcome.Completed, bench.Offer(TreeNode.Leaf(0)));
        Assert.Equal(OfferOutcome.Completed, bench.Offer(TreeNode.Leaf(3)));
        Assert.Equal(2, bench.Tree.Held.Count);
        Assert.Equal("(0+1)", bench.Values[bench.Tree.Take(new TreeNode(0, 2)).Buffer.Value]);
    }

    [Fact]
    public void Nothing_is_accepted_under_a_root_that_was_taken_or_removed()
    {
        Bench bench = new(4);
        TreeNode left = new(0, 2), right = new(2, 4);
        bench.Tree.AddRoot(left);
        bench.Tree.AddRoot(right);
        bench.Offer(left);
        bench.Offer(TreeNode.Leaf(3));
        bench.Tree.Take(left);
        Assert.False(bench.Tree.Covers(TreeNode.Leaf(0)));
        List<BufferOperation> operations = [];
        bench.Tree.RemoveRoot(right, operations);
        Assert.False(bench.Tree.Covers(TreeNode.Leaf(3)));
        Assert.False(Assert.Single(operations).Add);
        Assert.Throws<InvalidOperationException>(() => bench.Tree.Take(right));
    }

    [Fact]
    public void A_new_step_releases_what_is_held()
    {
        Bench bench = new(4);
        bench.Tree.AddRoot(TreeNode.Root(4));
        bench.Offer(TreeNode.Leaf(0));
        bench.Offer(TreeNode.Leaf(2));
        List<BufferOperation> operations = [];
        bench.Tree.Reset(2, operations);
        Assert.Equal(2, operations.Count);
        Assert.All(operations, operation => Assert.False(operation.Add));
        Assert.Empty(bench.Tree.Held);
    }

    private static string Expression(TreeNode node) => node.IsLeaf
        ? node.Start.ToString(CultureInfo.InvariantCulture)
        : $"({Expression(node.Left)}+{Expression(node.Right)})";

    private static TreeNode[] RandomTiling(TreeNode node, Random random) => node.IsLeaf || random.Next(4) == 0
        ? [node]
        : [.. RandomTiling(node.Left, random), .. RandomTiling(node.Right, random)];

    /// <summary>
    /// A tree whose buffers hold the expression they were summed by; a buffer that is not there is an error.
    /// </summary>
    private sealed class Bench
    {
        private readonly List<BufferOperation> _operations = [];
        private int _buffers;

        public Bench(int microBatches) => Tree.Reset(microBatches, _operations);

        public ReductionTree Tree { get; } = new();

        public Dictionary<int, string> Values { get; } = [];

        public OfferOutcome Offer(TreeNode node)
        {
            BufferId buffer = new(_buffers++);
            Values.Add(buffer.Value, Expression(node));
            OfferOutcome outcome = Tree.Offer(
                node, buffer, new NodeStatistics(node.Count, 1, 0, 0), _operations, out TreeNode completed);
            Assert.Equal(outcome == OfferOutcome.Completed, completed != default);
            foreach (BufferOperation operation in _operations)
            {
                if (operation.Add)
                {
                    Assert.True(Values.Remove(operation.Source.Value, out string? right));
                    Values[operation.Destination.Value] = $"({Values[operation.Destination.Value]}+{right})";
                }
                else
                {
                    Assert.True(Values.Remove(operation.Destination.Value));
                }
            }

            _operations.Clear();
            if (outcome == OfferOutcome.Duplicate) Values.Remove(buffer.Value);
            return outcome;
        }
    }
}
