using Distributed.Protocol;

namespace Distributed.Roles;

/// <summary>What <see cref="ReductionTree.Offer"/> did with a node.</summary>
public enum OfferOutcome
{
    /// <summary>The node, or an ancestor of it, was accepted before: its buffer is to be released.</summary>
    Duplicate,

    /// <summary>The node was accepted and its root is still incomplete.</summary>
    Accepted,

    /// <summary>The node was accepted and completed the root that contains it.</summary>
    Completed,
}

/// <summary>An operation on gradient buffers that an offered node brings about, in order.</summary>
/// <param name="Add">True: destination += source, then the source is free. False: the destination is free.</param>
/// <param name="Destination">The buffer that receives the sum, or that is released.</param>
/// <param name="Source">The buffer that is added (unused for a release).</param>
public readonly record struct BufferOperation(bool Add, BufferId Destination, BufferId Source);

/// <summary>A node that is held: received or summed, and waiting for its sibling.</summary>
/// <param name="Node">The node's range of micro-batches.</param>
/// <param name="Buffer">The buffer with its gradient sum.</param>
/// <param name="Statistics">Its sums.</param>
public readonly record struct HeldNode(TreeNode Node, BufferId Buffer, NodeStatistics Statistics);

/// <summary>
/// The canonical reduction tree over the micro-batches of one step, as a node by node bookkeeping of which partial
/// sums are held. Siblings are merged (left plus right) as soon as both are held, up to the roots: one root [0, G) at
/// the server, the dealt nodes at a worker. The sum is therefore the same bits in whatever order nodes arrive.
/// Invariant: roots are disjoint; held nodes are disjoint, ordered by start, and none has its sibling held below a
/// root. After the first steps nothing is allocated.
/// </summary>
public sealed class ReductionTree
{
    private readonly List<HeldNode> _held = [];
    private readonly List<TreeNode> _roots = [];
    private int _microBatches;

    /// <summary>Nodes held now.</summary>
    public IReadOnlyList<HeldNode> Held => _held;

    /// <summary>
    /// Empties the tree for a step of <paramref name="microBatches"/> leaves; held buffers are released.
    /// </summary>
    public void Reset(int microBatches, List<BufferOperation> operations)
    {
        foreach (HeldNode held in _held) operations.Add(new BufferOperation(false, held.Buffer, default));
        _held.Clear();
        _roots.Clear();
        _microBatches = microBatches;
    }

    /// <summary>Adds a node up to which siblings are merged.</summary>
    public void AddRoot(TreeNode root) => _roots.Add(root);

    /// <summary>Removes a root and releases what is held under it.</summary>
    public void RemoveRoot(TreeNode root, List<BufferOperation> operations)
    {
        _roots.Remove(root);
        for (int i = _held.Count - 1; i >= 0; i--)
        {
            if (!root.Contains(_held[i].Node)) continue;
            operations.Add(new BufferOperation(false, _held[i].Buffer, default));
            _held.RemoveAt(i);
        }
    }

    /// <summary>Whether a node lies under a root.</summary>
    public bool Covers(TreeNode node)
    {
        foreach (TreeNode root in _roots)
        {
            if (root.Contains(node)) return true;
        }

        return false;
    }

    /// <summary>
    /// Takes a complete root out of the tree, with its buffer: nothing is accepted under it any more.
    /// </summary>
    public HeldNode Take(TreeNode root)
    {
        _roots.Remove(root);
        for (int i = 0; i < _held.Count; i++)
        {
            HeldNode held = _held[i];
            if (held.Node != root) continue;
            _held.RemoveAt(i);
            return held;
        }

        throw new InvalidOperationException($"Node {root} is not complete.");
    }

    /// <summary>
    /// Offers a node. It is accepted only if neither it nor an ancestor is held; accepted, it supersedes (releases) its
    /// held descendants. The buffer work that follows is appended to <paramref name="operations"/>.
    /// <paramref name="completed"/> is the root that became complete, if one did.
    /// </summary>
    public OfferOutcome Offer(
        TreeNode node, BufferId buffer, in NodeStatistics statistics,
        List<BufferOperation> operations, out TreeNode completed)
    {
        completed = default;
        TreeNode root = RootOf(node);
        int index = 0;
        while (index < _held.Count && _held[index].Node.End <= node.Start) index++;
        if (index < _held.Count && _held[index].Node.Contains(node)) return OfferOutcome.Duplicate;
        while (index < _held.Count && node.Contains(_held[index].Node))
        {
            operations.Add(new BufferOperation(false, _held[index].Buffer, default));
            _held.RemoveAt(index);
        }

        _held.Insert(index, new HeldNode(node, buffer, statistics));
        index = MergeUpwards(index, root, operations);
        if (_held[index].Node != root) return OfferOutcome.Accepted;
        completed = root;
        return OfferOutcome.Completed;
    }

    private int MergeUpwards(int index, TreeNode root, List<BufferOperation> operations)
    {
        while (_held[index].Node != root)
        {
            TreeNode node = _held[index].Node;
            TreeNode parent = node.Parent(_microBatches);
            bool isLeft = node.Start == parent.Start;
            int other = isLeft ? index + 1 : index - 1;
            if (other < 0 || other >= _held.Count || _held[other].Node != node.Sibling(_microBatches)) break;
            int left = isLeft ? index : other;
            HeldNode l = _held[left], r = _held[left + 1];
            operations.Add(new BufferOperation(true, l.Buffer, r.Buffer));
            _held[left] = new HeldNode(parent, l.Buffer, NodeStatistics.Merge(l.Statistics, r.Statistics));
            _held.RemoveAt(left + 1);
            index = left;
        }

        return index;
    }

    private TreeNode RootOf(TreeNode node)
    {
        foreach (TreeNode root in _roots)
        {
            if (root.Contains(node)) return root;
        }

        throw new InvalidOperationException($"Node {node} lies under no root.");
    }
}
