using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Numerics;

/// <summary>
/// The convolution of <see cref="ConvolutionForward"/> by Winograd's algorithm: input and weights are transformed,
/// every element of the tiles is a matrix product (c ascending, one fused multiply-add each, from +0), and the products
/// are transformed back and added to the bias. The sums' order is that of the transforms, whatever the number of tiles
/// that are worked on together.
/// </summary>
public static unsafe class WinogradForward
{
    /// <summary>Floats that <see cref="Pack"/> writes.</summary>
    public static int PackedLength(in ConvolutionShape s, ConvolutionAlgorithm algorithm) =>
        checked(Winograd.Of(s, algorithm).Planes * Panels.Length(s.InChannels, s.OutChannels));

    /// <summary>Floats of scratch that <see cref="Run"/> needs for a batch.</summary>
    public static int ScratchLength(in ConvolutionShape s, ConvolutionAlgorithm algorithm, int batch) =>
        WinogradProduct.ScratchLength(s, Winograd.Of(s, algorithm), batch);

    /// <summary>Transforms HWIO weights for <see cref="Run"/>; once per parameter version.</summary>
    public static void Pack(in ConvolutionShape s, ConvolutionAlgorithm algorithm, ReadOnlySpan<float> weights,
        Span<float> packed)
    {
        Check.Length(packed.Length, PackedLength(s, algorithm), nameof(packed));
        Check.Length(weights.Length, s.WeightLength, nameof(weights));
        fixed (float* w = weights, p = packed)
            WinogradWeights.Pack(s, Winograd.Of(s, algorithm), w, p, flipped: false);
    }

    /// <summary>
    /// Computes <paramref name="batch"/> samples; an empty bias means none. With <paramref name="norm"/>, a batch
    /// norm's coefficients, the convolution is that of relu(norm(input)).
    /// </summary>
    public static void Run(in ConvolutionShape s, ConvolutionAlgorithm algorithm, int batch, ReadOnlySpan<float> input,
        ReadOnlySpan<float> packed, ReadOnlySpan<float> bias, Span<float> output, bool relu, Span<float> scratch,
        ReadOnlySpan<float> norm = default)
    {
        Check.Length(packed.Length, PackedLength(s, algorithm), nameof(packed));
        Check.Batch(batch);
        Check.Tensors(s, batch, input.Length, nameof(input), output.Length, nameof(output));
        if (!bias.IsEmpty)
            Check.Length(bias.Length, s.OutChannels, nameof(bias));
        Check.Scratch(scratch.Length, ScratchLength(s, algorithm, batch));
        Check.Norm(norm.Length, s.InChannels);
        fixed (float* x = input, w = packed, b = bias, y = output, work = scratch, k = norm)
            WinogradProduct.Run(s, Winograd.Of(s, algorithm), batch, x, InputNorm.Of(k, s.InChannels), w, b, y, false,
                relu, work);
    }
}

/// <summary>
/// The gradient of <see cref="ConvolutionBackwardData"/> by Winograd's algorithm: the forward one over the output's
/// gradient, with the weights mirrored and their channels exchanged. What the input gradient holds is added last.
/// </summary>
public static unsafe class WinogradBackwardData
{
    /// <summary>Floats that <see cref="Pack"/> writes.</summary>
    public static int PackedLength(in ConvolutionShape s, ConvolutionAlgorithm algorithm) =>
        checked(Winograd.Of(s, algorithm).Planes * Panels.Length(s.OutChannels, s.InChannels));

    /// <summary>Floats of scratch that <see cref="Run"/> needs for a batch.</summary>
    public static int ScratchLength(in ConvolutionShape s, ConvolutionAlgorithm algorithm, int batch) =>
        WinogradProduct.ScratchLength(Winograd.Backward(s), Winograd.Of(s, algorithm), batch);

    /// <summary>Transforms HWIO weights for <see cref="Run"/>; once per parameter version.</summary>
    public static void Pack(in ConvolutionShape s, ConvolutionAlgorithm algorithm, ReadOnlySpan<float> weights,
        Span<float> packed)
    {
        Check.Length(packed.Length, PackedLength(s, algorithm), nameof(packed));
        Check.Length(weights.Length, s.WeightLength, nameof(weights));
        fixed (float* w = weights, p = packed)
            WinogradWeights.Pack(s, Winograd.Of(s, algorithm), w, p, flipped: true);
    }

    /// <summary>
    /// Computes the input gradient of <paramref name="batch"/> samples, which is overwritten or, to
    /// <paramref name="accumulate"/>, added to.
    /// </summary>
    public static void Run(in ConvolutionShape s, ConvolutionAlgorithm algorithm, int batch,
        ReadOnlySpan<float> outputGradient, ReadOnlySpan<float> packed, Span<float> inputGradient, Span<float> scratch,
        bool accumulate = false)
    {
        Check.Length(packed.Length, PackedLength(s, algorithm), nameof(packed));
        Check.Batch(batch);
        Check.Tensors(s, batch, inputGradient.Length, nameof(inputGradient), outputGradient.Length,
            nameof(outputGradient));
        Check.Scratch(scratch.Length, ScratchLength(s, algorithm, batch));
        fixed (float* dy = outputGradient, w = packed, dx = inputGradient, work = scratch)
            WinogradProduct.Run(Winograd.Backward(s), Winograd.Of(s, algorithm), batch, dy, default, w, null, dx,
                accumulate, false, work);
    }
}

/// <summary>Tiles in, matrix products, tiles out, a block of tiles at a time.</summary>
internal static unsafe class WinogradProduct
{
    // Floats of transformed tiles that are worked on together, but at least so many tiles, because large weights are
    // read once for every block.
    private const int Budget = 128 * 1024, LeastTiles = 32, MostTiles = 256;

    /// <summary>Floats of scratch that <see cref="Run"/> needs.</summary>
    public static int ScratchLength(in ConvolutionShape s, Winograd w, int batch)
    {
        int tiles = BlockTiles(s, w, batch);
        return checked(w.Planes
            * (TilePlanes.PlaneLength(tiles, s.InChannels) + TilePlanes.PlaneLength(tiles, s.OutChannels)));
    }

    /// <summary>y = (y or bias) + x * w, then ReLU.</summary>
    public static void Run(in ConvolutionShape s, Winograd w, int batch, float* x, InputNorm norm, float* packed,
        float* bias, float* y, bool accumulate, bool relu, float* scratch)
    {
        if (w.Kernel == 5)
            Run<Input6, Output2x5>(s, w, batch, x, norm, packed, bias, y, accumulate, relu, scratch);
        else if (w.Output == 4)
            Run<Input6, Output4x3>(s, w, batch, x, norm, packed, bias, y, accumulate, relu, scratch);
        else
            Run<Input4, Output2x3>(s, w, batch, x, norm, packed, bias, y, accumulate, relu, scratch);
    }

    private static void Run<TInput, TOutput>(in ConvolutionShape s, Winograd w, int batch, float* x, InputNorm norm,
        float* packed, float* bias, float* y, bool accumulate, bool relu, float* scratch)
        where TInput : struct, ITransform
        where TOutput : struct, ITransform
    {
        if (InstructionSet.HasAvx512)
            Run<Vector512<float>, Simd512, TInput, TOutput>(s, w, batch, x, norm, packed, bias, y, accumulate, relu,
                scratch);
        else if (InstructionSet.HasAvx2)
            Run<Vector256<float>, Simd256, TInput, TOutput>(s, w, batch, x, norm, packed, bias, y, accumulate, relu,
                scratch);
        else
            Run<float, Scalar, TInput, TOutput>(s, w, batch, x, norm, packed, bias, y, accumulate, relu, scratch);
    }

    private static void Run<TVector, TSimd, TInput, TOutput>(in ConvolutionShape s, Winograd w, int batch, float* x,
        InputNorm norm, float* packed, float* bias, float* y, bool accumulate, bool relu, float* scratch)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TInput : struct, ITransform
        where TOutput : struct, ITransform
    {
        TileGrid inputs = w.InputTiles(s), outputs = w.OutputTiles(s);
        int tiles = batch * inputs.TilesPerImage, block = BlockTiles(s, w, batch);
        var transformed = new TilePlanes(scratch, block, s.InChannels);
        var products = new TilePlanes(scratch + w.Planes * transformed.PlaneStep, block, s.OutChannels);
        for (int first = 0; first < tiles; first += block)
        {
            int count = Math.Min(block, tiles - first);
            WinogradTiles.Scatter<TVector, TSimd, TInput>(inputs, x, norm, first, count, transformed);
            Multiply(w.Planes, count, s.InChannels, s.OutChannels, transformed, packed, products);
            WinogradTiles.Gather<TVector, TSimd, TOutput>(outputs, products, first, count, y, bias, accumulate, relu);
        }
    }

    /// <summary>products[plane][tile][k] = sum over c of transformed[plane][tile][c] packed[plane][c][k].</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply(int planes, int tiles, int inChannels, int outChannels, in TilePlanes transformed,
        float* packed, in TilePlanes products)
    {
        nint* rows = stackalloc nint[MostTiles], targets = stackalloc nint[MostTiles];
        for (int i = 0; i < tiles; i++)
        {
            rows[i] = i * transformed.TileStep;
            targets[i] = i * products.TileStep;
        }
        TileLoop loop = TileLoop.Of(LoopLevel.Once, LoopLevel.Once, new LoopLevel(inChannels, 1, 0));
        nint packedStep = Panels.Length(inChannels, outChannels);
        for (int p = 0; p < planes; p++)
        {
            if (p + 1 < planes)
                Prefetch(transformed.Data + (p + 1) * transformed.PlaneStep, tiles * transformed.TileStep);
            for (int n = 0; n < outChannels;)
            {
                // Rows of products have room for whole panels.
                int width = MicroKernel.PanelWidth(outChannels - n);
                loop.BStep = width;
                MicroKernel.Run(&loop, tiles, transformed.Data + p * transformed.PlaneStep, rows,
                    packed + p * packedStep + (nint)inChannels * n, products.Data + p * products.PlaneStep + n, targets,
                    width, width, null);
                n += width;
            }
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

    private static int BlockTiles(in ConvolutionShape s, Winograd w, int batch)
    {
        int tiles = checked(batch * w.OutputTiles(s).TilesPerImage);
        int fit = Budget / (w.Planes * (TilePlanes.RowLength(s.InChannels) + TilePlanes.RowLength(s.OutChannels)));
        int block = Math.Clamp(fit / 8 * 8, LeastTiles, MostTiles);
        int blocks = (tiles + block - 1) / block;
        return Math.Min(((tiles + blocks - 1) / blocks + 7) / 8 * 8, tiles);
    }
}
