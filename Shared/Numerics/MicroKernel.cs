using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Numerics;

/// <summary>
/// The one computation behind convolutions and linear layers, on a tile of some rows by one panel of columns:
/// o[oRows[r]][0..columns) = start + sum over the loops' steps (in their order) of
/// a[aRows[r]][step] b[step][0..columns), one fused multiply-add each, where start is memory, bias or +0. Every lane is
/// summed alone and in that order, so the vector width and the number of rows in a tile don't change a bit.
/// MicroKernelGenerator writes the vector forms.
/// <para>
/// b is read a whole panel wide (<see cref="PanelWidth"/>); a, o and bias never beyond their last element.
/// </para>
/// </summary>
internal static unsafe partial class MicroKernel
{
    /// <summary>Most columns in a panel.</summary>
    public const int MaxPanel = 32;

    private const int PortableRows = 4;
    private const int PortableWidth = 16;

    private static readonly bool HasAvx512 = InstructionSet.HasAvx512, HasAvx2 = InstructionSet.HasAvx2;

    /// <summary>
    /// Width of the panel that starts where <paramref name="remaining"/> columns remain: all panels of a matrix are as
    /// wide as possible but the last, which may be narrower.
    /// </summary>
    public static int PanelWidth(int remaining)
    {
        if (HasAvx512)
            return remaining <= 8 ? 8 : remaining <= 16 ? 16 : 32;
        return HasAvx2 && remaining <= 8 ? 8 : PortableWidth;
    }

    /// <summary>Computes <paramref name="rows"/> rows of one panel, tile by tile.</summary>
    public static void Run(TileLoop* loop, int rows, float* a, nint* aRows, float* b, float* o, nint* oRows,
        int columns, int width, float* bias)
    {
        int most = MaxRows(width);
        while (rows > 0)
        {
            // The last two tiles share their rows evenly: a tile of one row wastes most of the multiplier.
            int take = rows <= most ? rows : rows < 2 * most ? (rows + 1) / 2 : most;
            if (HasAvx2)
                Select(width, take).Run(loop, a, aRows, b, o, oRows, columns, bias);
            else
                Portable(take, loop, a, aRows, b, o, oRows, columns, bias);
            aRows += take;
            oRows += take;
            rows -= take;
        }
    }

    private static int MaxRows(int width)
    {
        if (!HasAvx2)
            return PortableRows;
        if (width == 8)
            return Ymm1Rows;
        return !HasAvx512 ? Ymm2Rows : width == 32 ? Zmm2Rows : Zmm1Rows;
    }

    private static Tile Select(int width, int rows)
    {
        if (width == 8)
            return Ymm1(rows);
        if (HasAvx512)
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

    [SkipLocalsInit]
    private static void Portable(int rows, TileLoop* loop, float* a, nint* aRows, float* b, float* o, nint* oRows,
        int columns, float* bias)
    {
        float* sums = stackalloc float[PortableRows * PortableWidth];
        for (int r = 0; r < rows; r++)
            for (int c = 0; c < columns; c++)
                sums[r * PortableWidth + c] = loop->Accumulate ? o[oRows[r] + c] : bias == null ? 0 : bias[c];
        nint i = 0;
        for (nint outer = 0; outer < loop->Outer; outer++, i += loop->AOuter, b += loop->BOuter)
            for (nint middle = 0; middle < loop->Middle; middle++, i += loop->AMiddle, b += loop->BMiddle)
                for (nint inner = 0; inner < loop->Inner; inner++, i += loop->AStep, b += loop->BStep)
                    for (int r = 0; r < rows; r++)
                    {
                        float x = a[aRows[r] + i];
                        float* sum = sums + r * PortableWidth;
                        for (int c = 0; c < columns; c++)
                            sum[c] = MathF.FusedMultiplyAdd(x, b[c], sum[c]);
                    }
        for (int r = 0; r < rows; r++)
            for (int c = 0; c < columns; c++)
            {
                float sum = sums[r * PortableWidth + c];
                o[oRows[r] + c] = loop->Relu && sum <= 0 ? 0 : sum;
            }
    }

    /// <summary>A kernel for a fixed number of rows.</summary>
    private readonly struct Tile(
        delegate*<TileLoop*, float*, nint*, float*, float*, nint*, int, float*, void> kernel)
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Run(TileLoop* loop, float* a, nint* aRows, float* b, float* o, nint* oRows, int columns,
            float* bias) =>
            kernel(loop, a, aRows, b, o, oRows, columns, bias);
    }
}
