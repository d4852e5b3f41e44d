using System.Numerics;

namespace Distributed.Protocol;

/// <summary>
/// A node of the canonical reduction tree over the G micro-batches of a mini-batch: the sum of the gradients of
/// micro-batches [Start, End). The tree depends on G alone: its root is [0, G), a node of one micro-batch is a leaf,
/// and any other node [a, b) splits at a + the largest power of two below b - a. A sum along the tree has the same
/// bits whoever added which part, and a node's name is the identity by which it is counted once.
/// </summary>
/// <param name="Start">The first micro-batch.</param>
/// <param name="End">One past the last micro-batch.</param>
public readonly record struct TreeNode(int Start, int End)
{
    /// <summary>No range has a frontier of more nodes than this: at most two a level.</summary>
    public const int FrontierLimit = 64;

    /// <summary>The whole tree over <paramref name="count"/> micro-batches (G).</summary>
    public static TreeNode Root(int count) => new(0, count);

    /// <summary>The node of one micro-batch.</summary>
    public static TreeNode Leaf(int microBatch) => new(microBatch, microBatch + 1);

    /// <summary>How many micro-batches the node sums.</summary>
    public int Count => End - Start;

    /// <summary>Whether the node is one micro-batch; it then has no children.</summary>
    public bool IsLeaf => Count == 1;

    /// <summary>Where a node that isn't a leaf splits.</summary>
    public int Middle => Start + (1 << BitOperations.Log2((uint)(Count - 1)));

    /// <summary>The first child of a node that isn't a leaf.</summary>
    public TreeNode Left => new(Start, Middle);

    /// <summary>The second child of a node that isn't a leaf.</summary>
    public TreeNode Right => new(Middle, End);

    /// <summary>Whether the other node is this one or lies within it: for nodes of one tree, itself or a
    /// descendant.</summary>
    public bool Contains(TreeNode other) => Start <= other.Start && other.End <= End;

    /// <summary>Whether the two share a micro-batch.</summary>
    public bool Overlaps(TreeNode other) => Start < other.End && other.Start < End;

    /// <summary>Whether this is a node of the tree over <paramref name="count"/> micro-batches.</summary>
    public bool IsNodeOf(int count) => TryDescend(count, out _);

    /// <summary>The node whose child this is in the tree over <paramref name="count"/> micro-batches.</summary>
    /// <exception cref="ArgumentException">It isn't a node of that tree, or it is the root.</exception>
    public TreeNode Parent(int count) =>
        TryDescend(count, out TreeNode parent) && parent != default
            ? parent
            : throw new ArgumentException($"{this} has no parent in the tree over {count}.", nameof(count));

    /// <summary>The other child of the <see cref="Parent"/>.</summary>
    /// <exception cref="ArgumentException">It isn't a node of that tree, or it is the root.</exception>
    public TreeNode Sibling(int count)
    {
        TreeNode parent = Parent(count);
        return parent.Left == this ? parent.Right : parent.Left;
    }

    /// <summary>
    /// The largest node within this one that starts at a micro-batch and has at most so many of them.
    /// </summary>
    /// <param name="start">A micro-batch of this node.</param>
    /// <param name="most">At least 1.</param>
    public TreeNode LargestAt(int start, int most)
    {
        if (start < Start || start >= End)
            throw new ArgumentOutOfRangeException(nameof(start), $"{start} isn't within {this}.");
        TreeNode node = this;
        while (node.Start != start || node.Count > Math.Max(most, 1))
            node = start < node.Middle ? node.Left : node.Right;
        return node;
    }

    /// <summary>
    /// The fewest nodes of the tree over <paramref name="count"/> micro-batches that tile [start, end), in order:
    /// the frontier of a range that is dealt, or the missing frontier of one that was lost.
    /// </summary>
    /// <param name="start">The first micro-batch, at least 0.</param>
    /// <param name="end">One past the last, at most count; an empty range has an empty frontier.</param>
    /// <param name="count">G.</param>
    /// <param name="nodes">Where to write; <see cref="FrontierLimit"/> entries always suffice.</param>
    /// <returns>How many nodes were written.</returns>
    public static int Frontier(int start, int end, int count, Span<TreeNode> nodes)
    {
        if (start < 0 || start > end || end > count)
            throw new ArgumentOutOfRangeException(nameof(start), $"[{start}, {end}) isn't within [0, {count}).");
        int written = 0;
        if (start < end)
            Collect(Root(count), new TreeNode(start, end), nodes, ref written);
        return written;
    }

    /// <summary>As the other overload, appended to a list.</summary>
    public static void Frontier(int start, int end, int count, List<TreeNode> nodes)
    {
        Span<TreeNode> found = stackalloc TreeNode[FrontierLimit];
        foreach (TreeNode node in found[..Frontier(start, end, count, found)])
            nodes.Add(node);
    }

    /// <summary>"[3, 7)".</summary>
    public override string ToString() => $"[{Start}, {End})";

    private static void Collect(TreeNode node, TreeNode range, Span<TreeNode> nodes, ref int written)
    {
        if (!node.Overlaps(range))
            return;
        if (range.Contains(node))
        {
            nodes[written++] = node;
            return;
        }
        // A leaf that overlaps the range lies within it, so this node has children.
        Collect(node.Left, range, nodes, ref written);
        Collect(node.Right, range, nodes, ref written);
    }

    // Walks from the root towards this node. True if it is reached; parent is then default for the root.
    private bool TryDescend(int count, out TreeNode parent)
    {
        parent = default;
        if (Start < 0 || End <= Start || End > count)
            return false;
        TreeNode node = Root(count);
        while (node != this)
        {
            if (node.IsLeaf)
                return false;
            parent = node;
            if (node.Left.Contains(this))
                node = node.Left;
            else if (node.Right.Contains(this))
                node = node.Right;
            else
                return false;
        }
        return true;
    }
}
