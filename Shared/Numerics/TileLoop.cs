namespace Distributed.Numerics;

/// <summary>
/// The summation that all tiles of a matrix product share: three nested loops, of which each has a count and moves both
/// operands by a stride. (Images, rows of the kernel or of pixels, and the run within one.) The order of summation is
/// the loops'.
/// </summary>
internal struct TileLoop
{
    /// <summary>Trip counts, outermost first; all at least 1.</summary>
    public nint Outer, Middle, Inner;

    /// <summary>Floats that the operand moves by after each step of the inner loop.</summary>
    public nint AStep, BStep;

    /// <summary>Floats that the operand moves by in addition after each middle or outer step.</summary>
    public nint AMiddle, BMiddle, AOuter, BOuter;

    /// <summary>True: continue from what is in memory; false: start from the bias or +0.</summary>
    public bool Accumulate;

    /// <summary>True: ReLU before storing.</summary>
    public bool Relu;

    /// <summary>
    /// The loops, outermost first, each with the strides of both operands; loops that chain are merged.
    /// </summary>
    public static TileLoop Of(LoopLevel outer, LoopLevel middle, LoopLevel inner)
    {
        if (inner.TryMerge(middle, out LoopLevel merged))
            (inner, middle, outer) = (merged, outer, LoopLevel.Once);
        if (inner.TryMerge(middle, out merged))
            (inner, middle, outer) = (merged, outer, LoopLevel.Once);
        if (middle.TryMerge(outer, out merged))
            (middle, outer) = (merged, LoopLevel.Once);
        return new TileLoop
        {
            Outer = outer.Count,
            Middle = middle.Count,
            Inner = inner.Count,
            AStep = inner.A,
            BStep = inner.B,
            AMiddle = middle.A - inner.Count * inner.A,
            BMiddle = middle.B - inner.Count * inner.B,
            AOuter = outer.A - middle.Count * middle.A,
            BOuter = outer.B - middle.Count * middle.B,
        };
    }
}

/// <summary>One loop: how often, and by how many floats each operand moves.</summary>
internal readonly record struct LoopLevel(nint Count, nint A, nint B)
{
    /// <summary>A loop that runs once.</summary>
    public static LoopLevel Once => new(1, 0, 0);

    /// <summary>One loop that does what <paramref name="outer"/> around this loop does, if there is one.</summary>
    public bool TryMerge(LoopLevel outer, out LoopLevel merged)
    {
        merged = Count == 1 ? outer : this with { Count = Count * outer.Count };
        return Count == 1 || outer.Count == 1 || (outer.A == Count * A && outer.B == Count * B);
    }
}
