using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Numerics;

/// <summary>What all tiles of a matrix product share; strides are in floats.</summary>
internal unsafe struct MatrixTile
{
    /// <summary>Floats of a tile's sums: as many as the largest tile of any machine has.</summary>
    public const int Floats = 14 * 32;

    /// <summary>Floats that <see cref="Sums"/> needs: a tile for every depth that <see cref="LeafTree"/> reaches
    /// before the last.</summary>
    public const int SumsLength = 3 * Floats;

    /// <summary>From one row of a to the next, and from one step of the sum to the next.</summary>
    public nint ARow, AStep;

    /// <summary>From one step of the sum to the next in b.</summary>
    public nint BStep;

    /// <summary>
    /// What will be read next, prefetched while the sum is under way: as wide as a panel, at every step
    /// <see cref="NextStep"/> further.
    /// </summary>
    public float* Next;

    /// <summary>From one step to the next in what is prefetched.</summary>
    public nint NextStep;

    /// <summary>From one row of the output to the next.</summary>
    public nint ORow;

    /// <summary>Steps of the sum, at least 1.</summary>
    public nint Steps;

    /// <summary>
    /// Steps of a leaf. Where there are several leaves each is summed alone from +0, and the sums are added along the
    /// <see cref="LeafTree"/>.
    /// </summary>
    public nint LeafSteps;

    /// <summary>Where the sums of leaves wait for their siblings; unused with one leaf.</summary>
    public float* Sums;

    /// <summary>True: continue from what is in memory; false: start from the bias or +0. One leaf only.</summary>
    public bool Accumulate;

    /// <summary>True: ReLU before storing.</summary>
    public bool Relu;
}

/// <summary>
/// A dense matrix product, on a tile of some rows by one panel of columns:
/// o[r][0..columns) = start + sum over steps of a[r ARow + step AStep] b[step][0..columns), one fused multiply-add
/// each, in order; or a tree of such sums over leaves. Every lane is summed alone and in that order, so neither the
/// vector width nor the number of rows in a tile changes a bit. As <see cref="MicroKernel"/>, but rows are evenly
/// spaced, so that more of them fit in the registers. MicroKernelGenerator writes the vector forms.
/// <para>b is read a whole panel wide (<see cref="MicroKernel.PanelWidth"/>); a, o and bias never beyond their last
/// element.</para>
/// </summary>
internal static unsafe partial class MatrixKernel
{
    private const int PortableRows = 4;

    /// <summary>Computes <paramref name="rows"/> rows of one panel, tile by tile.</summary>
    public static void Run(MatrixTile* tile, int rows, float* a, float* b, float* o, int columns, int width,
        float* bias)
    {
        int most = MaxRows(width);
        while (rows > 0)
        {
            // The last two tiles share their rows evenly: a tile of one row wastes most of the multiplier.
            int take = rows <= most ? rows : rows < 2 * most ? (rows + 1) / 2 : most;
            if (InstructionSet.HasAvx2)
                Select(width, take).Run(tile, a, b, o, columns, bias);
            else
                Portable(take, tile, a, b, o, columns, bias);
            a += take * tile->ARow;
            o += take * tile->ORow;
            rows -= take;
        }
    }

    /// <summary>Most rows of a tile.</summary>
    public static int MaxRows(int width)
    {
        if (!InstructionSet.HasAvx2)
            return PortableRows;
        if (width == 8)
            return Ymm1Rows;
        return !InstructionSet.HasAvx512 ? Ymm2Rows : width == 32 ? Zmm2Rows : Zmm1Rows;
    }

    private static Tile Select(int width, int rows)
    {
        if (width == 8)
            return Ymm1(rows);
        if (InstructionSet.HasAvx512)
            return width == 32 ? Zmm2(rows) : Zmm1(rows);
        return Ymm2(rows);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MaskStore(float* target, Vector256<float> mask, Vector256<float> value)
    {
        if (Avx512F.VL.IsSupported)
            Avx512F.VL.MaskStore(target, mask, value);
        else
            Avx.MaskStore(target, mask, value);
    }

    private static void Portable(int rows, MatrixTile* tile, float* a, float* b, float* o, int columns, float* bias)
    {
        for (int r = 0; r < rows; r++)
            for (int c = 0; c < columns; c++)
            {
                float* x = a + r * tile->ARow, y = b + c, target = o + r * tile->ORow + c;
                float start = tile->Accumulate ? *target : bias == null ? 0 : bias[c], sum = start;
                nint remaining = tile->Steps;
                for (int leaf = 0; ; leaf++)
                {
                    for (nint steps = Math.Min(remaining, tile->LeafSteps); steps > 0; steps--, remaining--)
                    {
                        sum = MathF.FusedMultiplyAdd(*x, *y, sum);
                        x += tile->AStep;
                        y += tile->BStep;
                    }
                    int depth = LeafTree.Depth(leaf);
                    for (int merges = LeafTree.Merges(leaf, remaining == 0); merges != 0; merges--)
                        sum = tile->Sums[--depth] + sum;
                    if (remaining == 0)
                        break;
                    tile->Sums[depth] = sum;
                    sum = start;
                }
                *target = tile->Relu && sum <= 0 ? 0 : sum;
            }
    }

    /// <summary>A kernel for a fixed number of rows.</summary>
    private readonly struct Tile(delegate*<MatrixTile*, float*, float*, float*, int, float*, void> kernel)
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Run(MatrixTile* tile, float* a, float* b, float* o, int columns, float* bias) =>
            kernel(tile, a, b, o, columns, bias);
    }
}
