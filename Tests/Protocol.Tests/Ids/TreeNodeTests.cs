using Xunit;

namespace Distributed.Protocol.Tests;

public class TreeNodeTests
{
    private const int Largest = 70;

    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(4, 2)]
    [InlineData(5, 4)]
    [InlineData(8, 4)]
    [InlineData(9, 8)]
    [InlineData(70, 64)]
    public void Root_splits_at_the_largest_power_of_two_below_its_count(int count, int middle)
    {
        Assert.Equal(new TreeNode(0, middle), TreeNode.Root(count).Left);
        Assert.Equal(new TreeNode(middle, count), TreeNode.Root(count).Right);
    }

    [Fact]
    public void Tree_of_seven_is_as_written_out_by_hand()
    {
        TreeNode[] expected =
        [
            new(0, 7), new(0, 4), new(0, 2), new(0, 1), new(1, 2), new(2, 4), new(2, 3), new(3, 4),
            new(4, 7), new(4, 6), new(4, 5), new(5, 6), new(6, 7),
        ];
        Assert.Equal(expected, NodesOf(7));
    }

    [Fact]
    public void Only_the_trees_own_nodes_are_nodes_of_it()
    {
        for (int count = 1; count <= Largest; count++)
        {
            HashSet<TreeNode> nodes = [.. NodesOf(count)];
            Assert.Equal(2 * count - 1, nodes.Count);
            for (int start = -1; start <= count + 1; start++)
            {
                for (int end = start - 1; end <= count + 1; end++)
                    Assert.Equal(nodes.Contains(new(start, end)), new TreeNode(start, end).IsNodeOf(count));
            }
        }
    }

    [Fact]
    public void Parent_and_sibling_agree_with_the_children()
    {
        for (int count = 1; count <= Largest; count++)
        {
            foreach (TreeNode node in NodesOf(count).Where(node => !node.IsLeaf))
            {
                Assert.Equal(node.Count, node.Left.Count + node.Right.Count);
                Assert.Equal(node, node.Left.Parent(count));
                Assert.Equal(node, node.Right.Parent(count));
                Assert.Equal(node.Right, node.Left.Sibling(count));
                Assert.Equal(node.Left, node.Right.Sibling(count));
            }
        }
    }

    [Fact]
    public void Root_and_strangers_have_no_parent()
    {
        Assert.Throws<ArgumentException>(() => TreeNode.Root(7).Parent(7));
        Assert.Throws<ArgumentException>(() => TreeNode.Root(1).Parent(1));
        Assert.Throws<ArgumentException>(() => new TreeNode(1, 3).Parent(7));
        Assert.Throws<ArgumentException>(() => new TreeNode(1, 3).Sibling(7));
    }

    [Fact]
    public void Frontier_is_the_maximal_nodes_that_tile_the_range()
    {
        Span<TreeNode> buffer = stackalloc TreeNode[TreeNode.FrontierLimit];
        for (int count = 1; count <= Largest; count++)
        {
            TreeNode[] nodes = NodesOf(count);
            for (int start = 0; start <= count; start++)
            {
                for (int end = start; end <= count; end++)
                {
                    TreeNode range = new(start, end);
                    // Maximal: within the range, and no node that is its parent lies within the range too.
                    IEnumerable<TreeNode> expected = nodes
                        .Where(node => range.Contains(node)
                            && (node == TreeNode.Root(count) || !range.Contains(node.Parent(count))))
                        .OrderBy(node => node.Start);
                    int written = TreeNode.Frontier(start, end, count, buffer);
                    Assert.Equal(expected, buffer[..written].ToArray());
                }
            }
        }
    }

    [Fact]
    public void Frontier_of_any_range_of_the_largest_tree_fits_the_limit()
    {
        List<TreeNode> nodes = [];
        TreeNode.Frontier(1, int.MaxValue - 1, int.MaxValue, nodes);
        Assert.InRange(nodes.Count, 2, TreeNode.FrontierLimit);
        Assert.Equal(1, nodes[0].Start);
        Assert.Equal(int.MaxValue - 1, nodes[^1].End);
    }

    [Fact]
    public void Frontier_refuses_what_is_not_a_range()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => TreeNode.Frontier(-1, 2, 4, new List<TreeNode>()));
        Assert.Throws<ArgumentOutOfRangeException>(() => TreeNode.Frontier(3, 2, 4, new List<TreeNode>()));
        Assert.Throws<ArgumentOutOfRangeException>(() => TreeNode.Frontier(0, 5, 4, new List<TreeNode>()));
    }

    [Fact]
    public void Containing_and_overlapping_are_about_micro_batches()
    {
        TreeNode node = new(2, 4);
        Assert.True(node.Contains(node));
        Assert.True(node.Contains(TreeNode.Leaf(3)));
        Assert.False(node.Contains(new(0, 4)));
        Assert.True(node.Overlaps(new(0, 4)));
        Assert.False(node.Overlaps(new(0, 2)));
        Assert.False(node.Overlaps(new(4, 5)));
    }

    // By the definition: the root, and both children of every node of more than one micro-batch.
    private static TreeNode[] NodesOf(int count)
    {
        List<TreeNode> nodes = [];
        void Add(int start, int end)
        {
            nodes.Add(new(start, end));
            if (end - start == 1)
                return;
            int power = 1;
            while (2 * power < end - start)
                power *= 2;
            Add(start, start + power);
            Add(start + power, end);
        }
        Add(0, count);
        return [.. nodes];
    }
}
