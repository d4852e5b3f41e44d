using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Numerics;

/// <summary>
/// Matrices as column panels: panel after panel, each [rows][width] and contiguous, zero beyond the last column. The
/// panel that starts at column n starts at float rows x n, because only the last may be narrower than the others.
/// </summary>
internal static unsafe class Panels
{
    /// <summary>Floats of a matrix in panels, at most, on any machine.</summary>
    public static int Length(int rows, int columns) =>
        checked(rows * ((columns + MicroKernel.MaxPanel - 1) / MicroKernel.MaxPanel * MicroKernel.MaxPanel));

    /// <summary>Copies [rows][columns] with a row stride.</summary>
    public static void Copy(float* source, nint stride, int rows, int columns, float* panels)
    {
        for (int n = 0; n < columns;)
        {
            int width = MicroKernel.PanelWidth(columns - n), used = Math.Min(width, columns - n);
            if (Avx.IsSupported)
                CopyVectors(source + n, stride, rows, used, width, panels + (nint)rows * n);
            else
                CopyElements(source + n, stride, rows, used, width, panels + (nint)rows * n);
            n += width;
        }
    }

    private static void CopyElements(float* source, nint stride, int rows, int used, int width, float* target)
    {
        for (int r = 0; r < rows; r++, source += stride, target += width)
            for (int c = 0; c < width; c++)
                target[c] = c < used ? source[c] : 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyVectors(float* source, nint stride, int rows, int used, int width, float* target)
    {
        const int Lanes = 8;
        int whole = used / Lanes * Lanes;
        Vector256<float> mask = Vector256.LessThan(Vector256<int>.Indices, Vector256.Create(used - whole)).AsSingle();
        for (int r = 0; r < rows; r++, source += stride, target += width)
        {
            int c = 0;
            for (; c < whole; c += Lanes)
                Vector256.Load(source + c).Store(target + c);
            if (c < width)
                Avx.MaskLoad(source + c, mask).Store(target + c);
            for (c += Lanes; c < width; c += Lanes)
                Vector256<float>.Zero.Store(target + c);
        }
    }

    /// <summary>Copies the transpose of [columns][rows] with a row stride.</summary>
    public static void CopyTransposed(float* source, nint stride, int rows, int columns, float* panels)
    {
        for (int n = 0; n < columns;)
        {
            int width = MicroKernel.PanelWidth(columns - n), used = Math.Min(width, columns - n);
            float* target = panels + (nint)rows * n;
            if (used < width)
                new Span<float>(target, rows * width).Clear();
            Transpose.Run(source + n * stride, stride, target, width, used, rows);
            n += width;
        }
    }
}
