using System.Runtime.InteropServices;

namespace Distributed.Fuzz;

/// <summary>
/// Which edges between basic blocks an input passed, and about how often, in the manner of AFL
/// (https://lcamtuf.coredump.cx/afl/technical_details.txt). Instrumented assemblies call <see cref="Hit"/>.
/// </summary>
public static class Coverage
{
    private const int Size = 1 << 16;
    private static readonly byte[] Map = new byte[Size];
    private static readonly byte[] Known = new byte[Size];
    private static int _previous;

    /// <summary>Whether any instrumented code ran.</summary>
    public static bool IsOn { get; private set; }

    /// <summary>Edges that any input passed.</summary>
    public static int Edges => Known.Count(seen => seen != 0);

    /// <summary>A basic block begins. Called by instrumented code, on any thread; what a race loses does no harm.
    /// </summary>
    /// <param name="block">A number drawn for the block when it was instrumented, below 65,536.</param>
    public static void Hit(int block)
    {
        Map[(_previous ^ block) & (Size - 1)]++;
        _previous = block >> 1;
    }

    /// <summary>Forgets the last input.</summary>
    public static void Begin()
    {
        _previous = 0;
        Array.Clear(Map);
    }

    /// <summary>Whether the input did something that none did before: a new edge, or an edge as often as in no input
    /// so far (counted as 1, 2, 3, 4 to 7, 8 to 15, 16 to 31, 32 to 127 or more times).</summary>
    public static bool IsNew()
    {
        bool isNew = false;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(Map);
        for (int word = 0; word < words.Length; word++)
        {
            if (words[word] == 0) continue;
            IsOn = true;
            for (int index = word * sizeof(ulong); index < (word + 1) * sizeof(ulong); index++)
            {
                byte bucket = Bucket(Map[index]);
                isNew |= (Known[index] & bucket) != bucket;
                Known[index] |= bucket;
            }
        }

        return isNew;
    }

    private static byte Bucket(byte count) => count switch
    {
        0 => 0,
        <= 3 => (byte)(1 << (count - 1)),
        <= 7 => 8,
        <= 15 => 16,
        <= 31 => 32,
        <= 127 => 64,
        _ => 128,
    };
}
