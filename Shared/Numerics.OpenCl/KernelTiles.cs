namespace Distributed.Numerics.OpenCl;

/// <summary>
/// How work is cut on a class of devices: by this table, never by timing, so that a device's bits are the same every
/// time.
/// </summary>
/// <param name="TileM">Rows of a product that a work-group computes.</param>
/// <param name="TileK">Steps that lie in local memory at a time.</param>
/// <param name="ThreadM">Rows that a work-item computes.</param>
/// <param name="Width">Columns that a work-item computes: a vector.</param>
/// <param name="Line">Work-items of a group where each computes a single value.</param>
/// <param name="Groups">Work-groups that long sums are cut into pieces for.</param>
/// <param name="Chunks">Most pieces that sums over pixels are cut into.</param>
internal sealed record KernelTiles(
    int TileM, int TileK, int ThreadM, int Width, int Line, int Groups, int Chunks)
{
    private const int LeastRows = 32;

    private static readonly KernelTiles Gpu = new(
        TileM: 64, TileK: 16, ThreadM: 8, Width: 4, Line: 128, Groups: 256, Chunks: 256);

    // A work-item is a piece of a loop there: fewer and larger ones, of the width of the processor's vectors.
    private static readonly KernelTiles Cpu = new(
        TileM: 32, TileK: 32, ThreadM: 4, Width: 16, Line: 64, Groups: 16, Chunks: 16);

    /// <summary>The row of a kind of device.</summary>
    public static KernelTiles Of(OpenClDeviceKind kind) => kind == OpenClDeviceKind.Cpu ? Cpu : Gpu;

    /// <summary>Columns that a work-group computes of a product of so many.</summary>
    public static int TileN(int columns) => columns <= 16 ? 16 : columns <= 32 ? 32 : 64;

    /// <summary>Work-items of a group that computes a tile of so many columns.</summary>
    public (int X, int Y, int Z) Items(int tileN) => (tileN / Width, TileM / ThreadM, 1);

    /// <summary>Rows of the pieces that a sum over pixels is cut into, and how many pieces there are.</summary>
    public (int Rows, int Count) Cut(int pixels)
    {
        int rows = Math.Max(LeastRows, (pixels + Chunks - 1) / Chunks);
        return (rows, (pixels + rows - 1) / rows);
    }

    /// <summary>
    /// Steps of the pieces that a product's sum is cut into where it has too few tiles, and how many pieces there are.
    /// </summary>
    public (int Span, int Count) Split(int rows, int columns, int steps)
    {
        int tileN = TileN(columns), tiles = (rows + TileM - 1) / TileM * ((columns + tileN - 1) / tileN);
        int most = Math.Max(1, steps / (8 * TileK)), pieces = Math.Clamp(Groups / tiles, 1, most);
        int span = (steps + pieces - 1) / pieces;
        return (span, (steps + span - 1) / span);
    }
}
