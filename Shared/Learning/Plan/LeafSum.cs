using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// A sum over the micro-batches of a pass, added along the canonical tree (<see cref="LeafTree"/>): each leaf is
/// written where <see cref="Open"/> says, then taken up by <see cref="Close"/>. After the last one the total has all.
/// </summary>
internal readonly ref struct LeafSum(Span<float> total, Span<float> waiting, int leaves)
{
    private readonly Span<float> _total = total;
    private readonly Span<float> _waiting = waiting;

    /// <summary>Where the leaf's own sum goes, all of it.</summary>
    public Span<float> Open(int leaf) => At(LeafTree.Depth(leaf));

    /// <summary>Adds the leaf's sum to those that waited for it.</summary>
    public void Close(int leaf)
    {
        var depth = LeafTree.Depth(leaf);
        for (var merges = LeafTree.Merges(leaf, leaf == leaves - 1); merges > 0; merges--, depth--)
            Elementwise.Add(At(depth - 1), At(depth), At(depth - 1));
    }

    private Span<float> At(int depth) =>
        depth == 0 ? _total : _waiting.Slice((depth - 1) * _total.Length, _total.Length);
}
