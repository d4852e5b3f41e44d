using System.Numerics;

namespace Distributed.Numerics;

/// <summary>
/// The order in which the sums of consecutive leaves are added along the canonical tree, which splits at the largest
/// power of two below the number of leaves. Leaf i is summed at depth <see cref="Depth"/>; then, <see cref="Merges"/>
/// times, the sum one depth up becomes itself plus this one, and takes its place. After the last leaf the sum at
/// depth 0 is that of all.
/// </summary>
public static class LeafTree
{
    /// <summary>Most leaves of one sum.</summary>
    public const int MaxLeaves = 8;

    /// <summary>The greatest depth of that many leaves.</summary>
    public static int MaxDepth(int leaves) => BitOperations.Log2((uint)leaves);

    /// <summary>Sums that wait when leaf <paramref name="leaf"/> begins.</summary>
    public static int Depth(int leaf) => BitOperations.PopCount((uint)leaf);

    /// <summary>Sums that a leaf's is added to: all that wait, where it is the last.</summary>
    public static int Merges(int leaf, bool isLast) =>
        isLast ? Depth(leaf) : BitOperations.TrailingZeroCount(~leaf);
}
