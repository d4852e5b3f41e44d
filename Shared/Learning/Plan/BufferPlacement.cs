namespace Distributed.Learning;

/// <summary>A buffer's length and the inclusive interval in which its content matters.</summary>
internal readonly record struct BufferLife(long Length, int First, int Last)
{
    public bool IsUsed => First <= Last && Length > 0;

    public bool Overlaps(BufferLife other) => First <= other.Last && other.First <= Last;
}

/// <summary>Where each buffer lies in the arena, in floats, and how long the arena is.</summary>
internal sealed record BufferPlacement(int[] Offsets, int Length)
{
    /// <summary>Buffers start at multiples of 64 bytes.</summary>
    public const int Alignment = 16;

    /// <summary>A length rounded up to the alignment.</summary>
    public static int Align(int length) => checked((int)RoundUp(length));

    /// <summary>
    /// Places buffers so that two whose lives overlap never share memory: the longest first, each at the lowest free
    /// place (greedy by size, Pisarchyk and Lee 2020, "Efficient Memory Management for Deep Neural Net Inference").
    /// Throws <see cref="OverflowException"/> when the arena exceeds 2^31 floats.
    /// </summary>
    public static BufferPlacement Place(BufferLife[] lives)
    {
        var offsets = new int[lives.Length];
        var placed = new List<int>(); // in order of offset
        var end = 0;
        foreach (var index in LongestFirst(lives))
        {
            long offset = 0;
            foreach (var other in placed)
            {
                if (!lives[other].Overlaps(lives[index]))
                    continue;
                if (offset + lives[index].Length <= offsets[other])
                    break;
                offset = Math.Max(offset, RoundUp(offsets[other] + lives[other].Length));
            }
            offsets[index] = checked((int)offset);
            end = Math.Max(end, checked((int)RoundUp(offset + lives[index].Length)));
            var position = placed.Count;
            while (position > 0 && offsets[placed[position - 1]] > offset)
                position--;
            placed.Insert(position, index);
        }
        return new BufferPlacement(offsets, end);
    }

    /// <summary>
    /// The used buffers by length, equal ones by index. Sorted by hand: a plan is compiled as a program starts, where
    /// compiling the library's generic sort takes longer than all the placing.
    /// </summary>
    private static List<int> LongestFirst(BufferLife[] lives)
    {
        var order = new List<int>();
        for (var index = 0; index < lives.Length; index++)
        {
            if (!lives[index].IsUsed)
                continue;
            var position = order.Count;
            while (position > 0 && lives[order[position - 1]].Length < lives[index].Length)
                position--;
            order.Insert(position, index);
        }
        return order;
    }

    private static long RoundUp(long length) => (length + Alignment - 1) / Alignment * Alignment;
}
