using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Distributed.Numerics;

/// <summary>
/// The gradient of <see cref="ConvolutionBackwardWeights"/> by Winograd's algorithm: tiles of the input and of the
/// output's gradient are transformed, every element of the tiles is a matrix product summed over tiles (in ascending
/// order, one fused multiply-add each, from +0), and its sums are transformed back.
/// </summary>
public static unsafe class WinogradBackwardWeights
{
    // Floats of tiles that are worked on together, but at least so many tiles: more where the transformed gradient,
    // which they are added to, doesn't stay in the second cache, or not even in the third.
    private const int TileBudget = 96 * 1024, LeastTiles = 32, SecondCache = 160 * 1024, LeastTilesBeyondSecond = 128,
        ThirdCache = 1024 * 1024, LeastTilesBeyondThird = 512;

    // The part of a larger gradient that tiles are added to at a time.
    private const int PartChannels = 64;

    /// <summary>Floats of scratch that <see cref="Run"/> needs for a batch.</summary>
    public static int ScratchLength(in ConvolutionShape s, ConvolutionAlgorithm algorithm, int batch)
    {
        var w = Winograd.Of(s, algorithm);
        var (tiles, rows, columns) = Blocks(s, w, batch);
        int parts = 1 + Parts(s.OutChannels);
        return checked(w.Planes
            * (parts * TilePlanes.PlaneLength(tiles, PartChannels) + TilePlanes.PlaneLength(rows, columns)));
    }

    /// <summary>
    /// Sums the gradient of <paramref name="batch"/> samples into HWIO <paramref name="weightGradient"/> (overwritten).
    /// With <paramref name="norm"/>, a batch norm's coefficients, it is that of the convolution of relu(norm(input)).
    /// </summary>
    public static void Run(in ConvolutionShape s, ConvolutionAlgorithm algorithm, int batch, ReadOnlySpan<float> input,
        ReadOnlySpan<float> outputGradient, Span<float> weightGradient, Span<float> scratch,
        ReadOnlySpan<float> norm = default)
    {
        var w = Winograd.Of(s, algorithm);
        Check.Batch(batch);
        Check.Tensors(s, batch, input.Length, nameof(input), outputGradient.Length, nameof(outputGradient));
        Check.Length(weightGradient.Length, s.WeightLength, nameof(weightGradient));
        Check.Scratch(scratch.Length, ScratchLength(s, algorithm, batch));
        Check.Norm(norm.Length, s.InChannels);
        fixed (float* x = input, dy = outputGradient, dw = weightGradient, work = scratch, k = norm)
        {
            var inputNorm = InputNorm.Of(k, s.InChannels);
            if (w.Kernel == 5)
                Run<Input6, Gradient2x5, WeightGradient2x5>(s, w, batch, x, inputNorm, dy, dw, work);
            else if (w.Output == 4)
                Run<Input6, Gradient4x3, WeightGradient4x3>(s, w, batch, x, inputNorm, dy, dw, work);
            else
                Run<Input4, Gradient2x3, WeightGradient2x3>(s, w, batch, x, inputNorm, dy, dw, work);
        }
    }

    private static void Run<TInput, TGradient, TWeightGradient>(in ConvolutionShape s, Winograd w, int batch, float* x,
        InputNorm norm, float* dy, float* dw, float* scratch)
        where TInput : struct, ITransform
        where TGradient : struct, ITransform
        where TWeightGradient : struct, ITransform
    {
        if (InstructionSet.HasAvx512)
            Run<Vector512<float>, Simd512, TInput, TGradient, TWeightGradient>(s, w, batch, x, norm, dy, dw, scratch);
        else if (InstructionSet.HasAvx2)
            Run<Vector256<float>, Simd256, TInput, TGradient, TWeightGradient>(s, w, batch, x, norm, dy, dw, scratch);
        else
            Run<float, Scalar, TInput, TGradient, TWeightGradient>(s, w, batch, x, norm, dy, dw, scratch);
    }

    private static void Run<TVector, TSimd, TInput, TGradient, TWeightGradient>(in ConvolutionShape s, Winograd w,
        int batch, float* x, InputNorm norm, float* dy, float* dw, float* scratch)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TInput : struct, ITransform
        where TGradient : struct, ITransform
        where TWeightGradient : struct, ITransform
    {
        TileGrid inputs = w.InputTiles(s), outputs = w.OutputTiles(s);
        int tiles = batch * inputs.TilesPerImage;
        var (block, sumRows, sumColumns) = Blocks(s, w, batch);
        var transformed = new TilePlanes(scratch, block, PartChannels);
        float* gradients = scratch + w.Planes * transformed.PlaneStep;
        float* free = gradients + Parts(s.OutChannels) * w.Planes * TilePlanes.PlaneLength(block, PartChannels);
        var sums = new TilePlanes(free, sumRows, sumColumns);
        for (int first = 0; first < tiles; first += block)
        {
            int count = Math.Min(block, tiles - first);
            for (int k = 0; k < s.OutChannels; k += PartChannels)
                WinogradTiles.Scatter<TVector, TSimd, TGradient>(outputs.Part(k, PartChannels), dy + k, default,
                    first, count, Part(gradients, w, block, k));
            for (int c = 0; c < s.InChannels; c += PartChannels)
            {
                int rows = Math.Min(PartChannels, s.InChannels - c);
                WinogradTiles.Scatter<TVector, TSimd, TInput>(inputs.Part(c, rows), x + c, norm.At(c), first, count,
                    transformed);
                for (int k = 0; k < s.OutChannels; k += PartChannels)
                {
                    int columns = Math.Min(PartChannels, s.OutChannels - k);
                    TilePlanes target = sums.At(c % sumRows, k % sumColumns);
                    AddProducts(w.Planes, count, rows, columns, transformed, Part(gradients, w, block, k), target,
                        first > 0);
                    if (first + count == tiles)
                        Finish<TVector, TSimd, TWeightGradient>(s, target, rows, columns,
                            dw + (nint)c * s.OutChannels + k);
                }
            }
        }
    }

    private static int Parts(int channels) => (channels + PartChannels - 1) / PartChannels;

    /// <summary>The transformed tiles of the part that starts at a channel: parts lie one behind the other.</summary>
    private static TilePlanes Part(float* parts, Winograd w, int tiles, int channel) => new(
        parts + channel / PartChannels * w.Planes * (nint)TilePlanes.PlaneLength(tiles, PartChannels), tiles,
        PartChannels);

    /// <summary>sums[plane][c][k] += sum over tiles of transformed[plane][tile][c] gradients[plane][tile][k].</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddProducts(int planes, int tiles, int rows, int columns, in TilePlanes transformed,
        in TilePlanes gradients, in TilePlanes sums, bool accumulate)
    {
        nint* channels = stackalloc nint[PartChannels], targets = stackalloc nint[PartChannels];
        for (int i = 0; i < rows; i++)
        {
            channels[i] = i;
            targets[i] = i * sums.TileStep;
        }
        TileLoop loop = TileLoop.Of(LoopLevel.Once, LoopLevel.Once,
            new LoopLevel(tiles, transformed.TileStep, gradients.TileStep));
        loop.Accumulate = accumulate;
        for (int p = 0; p < planes; p++)
            for (int n = 0; n < columns;)
            {
                int width = MicroKernel.PanelWidth(columns - n);
                MicroKernel.Run(&loop, rows, transformed.Data + p * transformed.PlaneStep, channels,
                    gradients.Data + p * gradients.PlaneStep + n, sums.Data + p * sums.PlaneStep + n, targets, width,
                    width, null);
                n += width;
            }
    }

    /// <summary>G^T sums G of some channels into the weights' gradient.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Finish<TVector, TSimd, TTransform>(in ConvolutionShape s, in TilePlanes sums, int rows,
        int columns, float* weights)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TTransform : struct, ITransform
    {
        const int MaxTile = 6, MaxKernel = 5, MaxLanes = 16, Alignment = 64;
        int tile = TTransform.Inputs, kernel = TTransform.Outputs, vector = TSimd.Count;
        nint plane = sums.PlaneStep, tap = (nint)s.InChannels * s.OutChannels;
        float* memory = stackalloc float[MaxTile * MaxKernel * MaxLanes + MaxLanes];
        float* scratch = (float*)(((nint)memory + Alignment - 1) & -Alignment);
        for (int c = 0; c < rows; c++, weights += s.OutChannels)
            for (int k = 0; k < columns; k += vector)
            {
                float* source = sums.Data + c * sums.TileStep + k;
                for (int column = 0; column < tile; column++)
                    TTransform.Apply<TVector, TSimd, Vectors<TVector, TSimd>, Vectors<TVector, TSimd>>(
                        new(source + column * plane, tile * plane), new(scratch + column * vector, tile * vector));
                for (int row = 0; row < kernel; row++)
                    TTransform.Apply<TVector, TSimd, Vectors<TVector, TSimd>, PartialVectors<TVector, TSimd>>(
                        new(scratch + row * tile * vector, vector),
                        new(weights + row * kernel * tap + k, tap, columns - k));
            }
    }

    /// <summary>
    /// Tiles that are worked on together, and rows and columns of the transformed gradient that are kept between blocks
    /// of tiles: only a part, where there is one block.
    /// </summary>
    private static (int Tiles, int SumRows, int SumColumns) Blocks(in ConvolutionShape s, Winograd w, int batch)
    {
        int tiles = checked(batch * w.OutputTiles(s).TilesPerImage);
        int row = (1 + Parts(s.OutChannels)) * PartChannels;
        long gradient = (long)w.Planes * s.InChannels * s.OutChannels;
        int least = gradient > ThirdCache ? LeastTilesBeyondThird
            : gradient > SecondCache ? LeastTilesBeyondSecond : LeastTiles;
        int block = Math.Max(TileBudget / (w.Planes * row) / 8 * 8, least);
        return block < tiles
            ? (block, s.InChannels, s.OutChannels)
            : (tiles, Math.Min(PartChannels, s.InChannels), Math.Min(PartChannels, s.OutChannels));
    }
}
