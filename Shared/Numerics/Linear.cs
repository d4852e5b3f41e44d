using System.Runtime.CompilerServices;

namespace Distributed.Numerics;

/// <summary>
/// output[n][o] = bias[o] + sum over i (ascending) of input[n][i] weight[i][o], fused, optionally followed by ReLU.
/// </summary>
public static unsafe class LinearForward
{
    // With few samples a weight is used too rarely to be worth packing: it is read where it lies, in blocks of rows
    // small enough that all of their columns' next panels are under way from memory at once.
    private const int FewSamples = 32, FewSamplesBlock = 128, FewSamplesAhead = 128;

    // Inputs of a packed panel, which stays in the second-level cache.
    private const int PanelBlock = 1024;

    // Rows a power of two apart would share cache sets.
    private const int RowPadding = 16;

    /// <summary>Floats of scratch that <see cref="Run"/> needs.</summary>
    public static int ScratchLength(in LinearShape s, int batch) => checked(PanelLength(s) + (s.Inputs > PanelBlock
        ? batch * (PanelBlock + RowPadding)
        : Math.Min(batch, FewSamples) * (FewSamplesBlock + RowPadding)));

    /// <summary>Computes <paramref name="batch"/> samples; an empty bias means none.</summary>
    public static void Run(in LinearShape s, int batch, ReadOnlySpan<float> input, ReadOnlySpan<float> weights,
        ReadOnlySpan<float> bias, Span<float> output, bool relu, Span<float> scratch)
    {
        Check.Shape(s);
        Check.Batch(batch);
        Check.Length(input.Length, checked(batch * s.Inputs), nameof(input));
        Check.Length(weights.Length, s.WeightLength, nameof(weights));
        if (!bias.IsEmpty)
            Check.Length(bias.Length, s.Outputs, nameof(bias));
        Check.Length(output.Length, checked(batch * s.Outputs), nameof(output));
        Check.Scratch(scratch.Length, ScratchLength(s, batch));
        int block = batch <= FewSamples ? FewSamplesBlock : PanelBlock;
        var tile = new MatrixTile { AStep = 1, ORow = s.Outputs };
        fixed (float* x = input, w = weights, b = bias, y = output, panel = scratch)
            for (int first = 0; first < s.Inputs; first += block)
            {
                int inputs = Math.Min(block, s.Inputs - first);
                float* rows = x + first;
                tile.ARow = s.Inputs;
                if (inputs < s.Inputs)
                {
                    rows = panel + PanelLength(s);
                    tile.ARow = inputs + RowPadding;
                    CopyRows(x + first, s.Inputs, rows, tile.ARow, batch, inputs);
                }
                tile.Steps = tile.LeafSteps = inputs;
                tile.Accumulate = first > 0;
                tile.Relu = relu && first + inputs == s.Inputs;
                Block(s, batch, &tile, rows, w + (nint)first * s.Outputs, b, y, panel);
            }
    }

    /// <summary>Adds some inputs' part to all outputs.</summary>
    private static void Block(in LinearShape s, int batch, MatrixTile* tile, float* rows, float* w, float* bias,
        float* y, float* panel)
    {
        for (int n = 0; n < s.Outputs;)
        {
            int width = MicroKernel.PanelWidth(s.Outputs - n), columns = Math.Min(width, s.Outputs - n);
            float* b = w + n;
            tile->BStep = tile->NextStep = s.Outputs;
            tile->Next = b + FewSamplesAhead;
            if (batch > FewSamples || columns < width)
            {
                Panels.Copy(w + n, s.Outputs, (int)tile->Steps, columns, panel);
                b = panel;
                tile->BStep = width;
                tile->Next = w + n + width;
            }
            MatrixKernel.Run(tile, batch, rows, b, y + n, columns, width, bias == null ? null : bias + n);
            n += width;
        }
    }

    private static int PanelLength(in LinearShape s) => Math.Min(s.Inputs, PanelBlock) * MicroKernel.MaxPanel;

    private static void CopyRows(float* source, nint sourceRow, float* target, nint targetRow, int rows, int columns)
    {
        for (int r = 0; r < rows; r++, source += sourceRow, target += targetRow)
            new ReadOnlySpan<float>(source, columns).CopyTo(new Span<float>(target, columns));
    }
}

/// <summary>
/// inputGradient[n][i] = sum over o (ascending) of outputGradient[n][o] weight[i][o], fused, from +0.
/// <para>
/// Computed transposed, a strip of inputs at a time, so that the weights are read once, in their own order, and only
/// gradients are rearranged.
/// </para>
/// </summary>
public static unsafe class LinearBackwardData
{
    private const int Strip = 56;

    /// <summary>Floats of scratch that <see cref="Run"/> needs.</summary>
    public static int ScratchLength(in LinearShape s, int batch) =>
        checked(Panels.Length(s.Outputs, batch) + Strip * batch);

    /// <summary>Computes the whole input gradient (overwritten) of <paramref name="batch"/> samples.</summary>
    public static void Run(in LinearShape s, int batch, ReadOnlySpan<float> outputGradient,
        ReadOnlySpan<float> weights, Span<float> inputGradient, Span<float> scratch)
    {
        Check.Shape(s);
        Check.Batch(batch);
        Check.Length(outputGradient.Length, checked(batch * s.Outputs), nameof(outputGradient));
        Check.Length(weights.Length, s.WeightLength, nameof(weights));
        Check.Length(inputGradient.Length, checked(batch * s.Inputs), nameof(inputGradient));
        Check.Scratch(scratch.Length, ScratchLength(s, batch));
        var tile = new MatrixTile
        {
            ARow = s.Outputs,
            AStep = 1,
            ORow = batch,
            Steps = s.Outputs,
            LeafSteps = s.Outputs,
            NextStep = MicroKernel.MaxPanel,
        };
        fixed (float* dy = outputGradient, w = weights, dx = inputGradient, panels = scratch)
        {
            float* sums = panels + Panels.Length(s.Outputs, batch);
            Panels.CopyTransposed(dy, s.Outputs, s.Outputs, batch, panels);
            for (int first = 0; first < s.Inputs; first += Strip)
            {
                int inputs = Math.Min(Strip, s.Inputs - first);
                tile.Next = w + (nint)(first + inputs) * s.Outputs;
                for (int n = 0; n < batch;)
                {
                    int width = MicroKernel.PanelWidth(batch - n), samples = Math.Min(width, batch - n);
                    tile.BStep = width;
                    MatrixKernel.Run(&tile, inputs, w + (nint)first * s.Outputs, panels + (nint)s.Outputs * n,
                        sums + n, samples, width, null);
                    n += width;
                }
                Transpose.Run(sums, batch, dx + first, s.Inputs, inputs, batch);
            }
        }
    }
}

/// <summary>
/// weightGradient[i][o] = sum over n (ascending) of input[n][i] outputGradient[n][o], fused, from +0. Of several leaves
/// each is summed so, and their sums are added along the <see cref="LeafTree"/>: the bits are those of one call a leaf
/// and <see cref="Elementwise.Add"/>.
/// </summary>
public static unsafe class LinearBackwardWeights
{
    /// <summary>Floats of scratch that <see cref="Run"/> needs.</summary>
    public static int ScratchLength(in LinearShape s, int batch) => Panels.Length(batch, s.Outputs);

    /// <summary>
    /// Sums the gradient of <paramref name="batch"/> samples, <paramref name="leaf"/> of them a leaf but for the last,
    /// into [in][out] <paramref name="weightGradient"/> (overwritten).
    /// </summary>
    [SkipLocalsInit]
    public static void Run(in LinearShape s, int batch, int leaf, ReadOnlySpan<float> input,
        ReadOnlySpan<float> outputGradient, Span<float> weightGradient, Span<float> scratch)
    {
        Check.Shape(s);
        Check.Batch(batch);
        Check.Batch(leaf);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((batch - 1) / leaf, LeafTree.MaxLeaves - 1, nameof(batch));
        Check.Length(input.Length, checked(batch * s.Inputs), nameof(input));
        Check.Length(outputGradient.Length, checked(batch * s.Outputs), nameof(outputGradient));
        Check.Length(weightGradient.Length, s.WeightLength, nameof(weightGradient));
        Check.Scratch(scratch.Length, ScratchLength(s, batch));
        float* sums = stackalloc float[MatrixTile.SumsLength];
        var tile = new MatrixTile
        {
            ARow = 1,
            AStep = s.Inputs,
            ORow = s.Outputs,
            Steps = batch,
            LeafSteps = leaf,
            Sums = sums,
            NextStep = s.Inputs,
        };
        fixed (float* x = input, dy = outputGradient, dw = weightGradient, panels = scratch)
        {
            Panels.Copy(dy, s.Outputs, batch, s.Outputs, panels);
            // Rows of the gradient are written whole, a tile of them at a time.
            int most = MatrixKernel.MaxRows(MicroKernel.PanelWidth(s.Outputs));
            for (int first = 0; first < s.Inputs; first += most)
            {
                int inputs = Math.Min(most, s.Inputs - first);
                tile.Next = x + first + inputs;
                for (int n = 0; n < s.Outputs;)
                {
                    int width = MicroKernel.PanelWidth(s.Outputs - n), columns = Math.Min(width, s.Outputs - n);
                    tile.BStep = width;
                    MatrixKernel.Run(&tile, inputs, x + first, panels + (nint)batch * n,
                        dw + (nint)first * s.Outputs + n, columns, width, null);
                    n += width;
                }
            }
        }
    }
}
