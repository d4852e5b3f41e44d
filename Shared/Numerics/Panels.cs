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
            float* target = panels + (nint)rows * n, from = source + n;
            for (int r = 0; r < rows; r++, from += stride, target += width)
            {
                new ReadOnlySpan<float>(from, used).CopyTo(new Span<float>(target, used));
                if (used < width)
                    new Span<float>(target + used, width - used).Clear();
            }
            n += width;
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
