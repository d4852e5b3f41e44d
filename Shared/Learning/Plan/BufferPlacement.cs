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

    /// <summary>
    /// Places buffers so that two whose lives overlap never share memory: the longest first, each at the lowest free
    /// place (greedy by size, Pisarchyk and Lee 2020, "Efficient Memory Management for Deep Neural Net Inference").
    /// Throws <see cref="OverflowException"/> when the arena exceeds 2^31 floats.
    /// </summary>
    public static BufferPlacement Place(IReadOnlyList<BufferLife> lives)
    {
        var offsets = new long[lives.Count];
        var placed = new List<int>(); // in order of offset
        long end = 0;
        foreach (var index in Enumerable.Range(0, lives.Count).OrderByDescending(i => lives[i].Length).ThenBy(i => i))
        {
            var life = lives[index];
            if (!life.IsUsed)
                continue;
            long offset = 0;
            foreach (var other in placed)
            {
                if (!lives[other].Overlaps(life))
                    continue;
                if (offset + life.Length <= offsets[other])
                    break;
                offset = Math.Max(offset, Align(offsets[other] + lives[other].Length));
            }
            offsets[index] = offset;
            end = Math.Max(end, Align(offset + life.Length));
            var position = placed.FindIndex(other => offsets[other] > offset);
            placed.Insert(position < 0 ? placed.Count : position, index);
        }
        return new BufferPlacement(Array.ConvertAll(offsets, offset => checked((int)offset)), checked((int)end));
    }

    private static long Align(long length) => (length + Alignment - 1) / Alignment * Alignment;
}
