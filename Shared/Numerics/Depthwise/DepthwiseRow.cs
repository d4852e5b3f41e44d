namespace Distributed.Numerics;

/// <summary>
/// A row of targets, outputs or input gradients, each a sum over taps of source pixels times weights, from the bias,
/// from what the target holds, or from +0. Strides are in floats and may be negative.
/// </summary>
internal unsafe struct DepthwiseRow
{
    /// <summary>Column 0 of the source row that the first tap row reads.</summary>
    public float* Source;

    /// <summary>From one source row, and column, to the next.</summary>
    public nint SourceRow, SourceColumn;

    /// <summary>Columns of the source.</summary>
    public int SourceWidth;

    /// <summary>From the source to the rows that the next targets are the first to read; 0: don't read ahead.</summary>
    public nint Ahead;

    /// <summary>How many rows that are, where targets are computed row by row.</summary>
    public int AheadRows;

    /// <summary>The first target.</summary>
    public float* Target;

    /// <summary>From one row of targets, and from one target, to the next.</summary>
    public nint TargetRow, TargetColumn;

    /// <summary>Targets of the row.</summary>
    public int TargetWidth;

    /// <summary>Target t's first tap column is the source's column t Stride - Pad.</summary>
    public int Stride, Pad;

    /// <summary>The first tap's weights, in the packed form.</summary>
    public float* Weights;

    /// <summary>From one row of taps, one tap, and one block of channels to the next.</summary>
    public nint WeightRow, WeightColumn, WeightBlock;

    /// <summary>Taps; all rows of them are inside the source.</summary>
    public int KernelHeight, KernelWidth;

    /// <summary>Channels of every pixel.</summary>
    public int Channels;

    /// <summary>A value a channel to start from, or null.</summary>
    public float* Bias;

    /// <summary>Start from what the target holds.</summary>
    public bool Accumulate;

    /// <summary>ReLU before storing.</summary>
    public bool Relu;

    /// <summary>Where a block's weights of the vector that starts at channel c lie.</summary>
    public readonly float* WeightsOf(int c) =>
        Weights + c / DepthwiseConvolution.Block * WeightBlock + c % DepthwiseConvolution.Block;
}
