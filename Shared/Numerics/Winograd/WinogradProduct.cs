using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Numerics;

/// <summary>Tiles in, matrix products, tiles out, a block of tiles at a time.</summary>
internal static unsafe class WinogradProduct
{
    // Floats of transformed tiles that are worked on together, but at least so many tiles, because large weights are
    // read once for every block.
    private const int Budget = 128 * 1024, LeastTiles = 32, MostTiles = 256;

    // Transient weights are transformed anew for every block of tiles, so many rows of a panel at a time.
    private const int LeastTilesOfTransient = 64, PartRows = 128;

    /// <summary>Floats that <see cref="Pack"/> writes.</summary>
    public static int PackedLength(in WinogradMatrix m) => m.IsTransient ? 0 : m.PackedLength;

    /// <summary>Transforms weights that aren't transient.</summary>
    public static void Pack(in WinogradMatrix m, float* weights, float* packed)
    {
        if (!m.IsTransient)
            WinogradWeights.Pack(m, weights, packed);
    }

    /// <summary>Floats of scratch that <see cref="Run"/> needs.</summary>
    public static int ScratchLength(in ConvolutionShape s, in WinogradMatrix m, int batch)
    {
        int tiles = BlockTiles(s, m, batch);
        int part = m.IsTransient ? PartRows * MicroKernel.MaxPanel + WinogradMatrix.Gap : 0;
        return checked(m.Sizes.Planes
            * (TilePlanes.PlaneLength(tiles, s.InChannels) + TilePlanes.PlaneLength(tiles, s.OutChannels) + part));
    }

    /// <summary>y = (y or bias) + x * w, then ReLU; transient weights are as they are, others packed.</summary>
    public static void Run(in ConvolutionShape s, in WinogradMatrix m, int batch, float* x, InputNorm norm,
        float* weights, float* bias, float* y, bool accumulate, bool relu, float* scratch)
    {
        Winograd w = m.Sizes;
        if (w.Kernel == 5)
            Run<Input6, Output2x5>(s, m, batch, x, norm, weights, bias, y, accumulate, relu, scratch);
        else if (w.Output == 4)
            Run<Input6, Output4x3>(s, m, batch, x, norm, weights, bias, y, accumulate, relu, scratch);
        else
            Run<Input4, Output2x3>(s, m, batch, x, norm, weights, bias, y, accumulate, relu, scratch);
    }

    private static void Run<TInput, TOutput>(in ConvolutionShape s, in WinogradMatrix m, int batch, float* x,
        InputNorm norm, float* weights, float* bias, float* y, bool accumulate, bool relu, float* scratch)
        where TInput : struct, ITransform
        where TOutput : struct, ITransform
    {
        if (InstructionSet.HasAvx512)
            Run<Vector512<float>, Simd512, TInput, TOutput>(s, m, batch, x, norm, weights, bias, y, accumulate, relu,
                scratch);
        else if (InstructionSet.HasAvx2)
            Run<Vector256<float>, Simd256, TInput, TOutput>(s, m, batch, x, norm, weights, bias, y, accumulate, relu,
                scratch);
        else
            Run<float, Scalar, TInput, TOutput>(s, m, batch, x, norm, weights, bias, y, accumulate, relu, scratch);
    }

    private static void Run<TVector, TSimd, TInput, TOutput>(in ConvolutionShape s, in WinogradMatrix m, int batch,
        float* x, InputNorm norm, float* weights, float* bias, float* y, bool accumulate, bool relu, float* scratch)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TInput : struct, ITransform
        where TOutput : struct, ITransform
    {
        Winograd w = m.Sizes;
        TileGrid inputs = w.InputTiles(s), outputs = w.OutputTiles(s);
        int tiles = batch * inputs.TilesPerImage, block = BlockTiles(s, m, batch);
        var transformed = new TilePlanes(scratch, block, s.InChannels);
        var products = new TilePlanes(scratch + w.Planes * transformed.PlaneStep, block, s.OutChannels);
        float* part = products.Data + w.Planes * products.PlaneStep;
        for (int first = 0; first < tiles; first += block)
        {
            int count = Math.Min(block, tiles - first);
            WinogradTiles.Scatter<TVector, TSimd, TInput>(inputs, x, norm, first, count, transformed);
            if (m.IsTransient)
                MultiplyTransient(m, count, transformed, weights, part, products);
            else
                Multiply(m, count, transformed, weights, products);
            WinogradTiles.Gather<TVector, TSimd, TOutput>(outputs, products, first, count, y, bias, accumulate, relu);
        }
    }

    /// <summary>products[plane][tile][k] = sum over c of transformed[plane][tile][c] packed[plane][c][k].</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply(in WinogradMatrix m, int tiles, in TilePlanes transformed, float* packed,
        in TilePlanes products)
    {
        nint* rows = stackalloc nint[MostTiles], targets = stackalloc nint[MostTiles];
        for (int i = 0; i < tiles; i++)
        {
            rows[i] = i * transformed.TileStep;
            targets[i] = i * products.TileStep;
        }
        TileLoop loop = TileLoop.Of(LoopLevel.Once, LoopLevel.Once, new LoopLevel(m.Rows, 1, 0));
        nint packedStep = m.PlaneStep;
        for (int p = 0; p < m.Sizes.Planes; p++)
        {
            if (p + 1 < m.Sizes.Planes)
                Prefetch(transformed.Data + (p + 1) * transformed.PlaneStep, tiles * transformed.TileStep);
            for (int n = 0; n < m.Columns;)
            {
                // Rows of products have room for whole panels.
                int width = MicroKernel.PanelWidth(m.Columns - n);
                loop.BStep = width;
                MicroKernel.Run(&loop, tiles, transformed.Data + p * transformed.PlaneStep, rows,
                    packed + p * packedStep + (nint)m.Rows * n, products.Data + p * products.PlaneStep + n, targets,
                    width, width, null);
                n += width;
            }
        }
    }

    /// <summary>
    /// The same with weights that are transformed meanwhile: sums over so many rows go on from what is in memory.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyTransient(in WinogradMatrix m, int tiles, in TilePlanes transformed, float* weights,
        float* part, in TilePlanes products)
    {
        nint* rows = stackalloc nint[MostTiles], targets = stackalloc nint[MostTiles];
        for (int i = 0; i < tiles; i++)
        {
            rows[i] = i * transformed.TileStep;
            targets[i] = i * products.TileStep;
        }
        for (int n = 0; n < m.Columns;)
        {
            int width = MicroKernel.PanelWidth(m.Columns - n), partStep = PartRows * width + WinogradMatrix.Gap;
            for (int c = 0; c < m.Rows; c += PartRows)
            {
                int count = Math.Min(PartRows, m.Rows - c);
                WinogradWeights.Pack(m, weights, c, count, n, part, partStep);
                TileLoop loop = TileLoop.Of(LoopLevel.Once, LoopLevel.Once, new LoopLevel(count, 1, width));
                loop.Accumulate = c > 0;
                for (int p = 0; p < m.Sizes.Planes; p++)
                    MicroKernel.Run(&loop, tiles, transformed.Data + p * transformed.PlaneStep + c, rows,
                        part + p * partStep, products.Data + p * products.PlaneStep + n, targets, width, width, null);
            }
            n += width;
        }
    }

    /// <summary>
    /// Asks for memory to come into the second cache: rows of a plane are too far apart for the processor to guess.
    /// </summary>
    private static void Prefetch(float* memory, nint length)
    {
        if (Sse.IsSupported)
            for (nint i = 0; i < length; i += 16)
                Sse.Prefetch1(memory + i);
    }

    private static int BlockTiles(in ConvolutionShape s, in WinogradMatrix m, int batch)
    {
        Winograd w = m.Sizes;
        int tiles = checked(batch * w.OutputTiles(s).TilesPerImage);
        int fit = Budget / (w.Planes * (TilePlanes.RowLength(s.InChannels) + TilePlanes.RowLength(s.OutChannels)));
        int block = Math.Clamp(fit / 8 * 8, m.IsTransient ? LeastTilesOfTransient : LeastTiles, MostTiles);
        int blocks = (tiles + block - 1) / block;
        return Math.Min(((tiles + blocks - 1) / blocks + 7) / 8 * 8, tiles);
    }
}
