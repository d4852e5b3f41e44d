using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Distributed.Numerics;

/// <summary>
/// HWIO weights as the matrices of a Winograd product, one for every element of a tile: [c][k] or, flipped along both
/// axes for the input's gradient, [k][c].
/// </summary>
/// <param name="Sizes">The algorithm's.</param>
/// <param name="Rows">Rows of a matrix, over which products are summed.</param>
/// <param name="Columns">Columns of a matrix.</param>
/// <param name="Flipped">Whether it is for the input's gradient.</param>
internal readonly record struct WinogradMatrix(Winograd Sizes, int Rows, int Columns, bool Flipped)
{
    // Floats of transformed weights, 8 MiB, from which they are worth less than the memory that they fill.
    private const int MostResident = 2 * 1024 * 1024;

    /// <summary>
    /// Floats between matrices that are a power of two long: else one element of each, which are written together,
    /// would fall into one set of the cache.
    /// </summary>
    public const int Gap = 16;

    /// <summary>Floats from one matrix to the next.</summary>
    public int PlaneStep => checked(Panels.Length(Rows, Columns) + Gap);

    /// <summary>Floats of all matrices in panels.</summary>
    public int PackedLength => checked(Sizes.Planes * PlaneStep);

    /// <summary>
    /// Whether the weights are so many that no product keeps them transformed: it reads the weights themselves, and
    /// transforms a part at a time.
    /// </summary>
    public bool IsTransient => PackedLength >= MostResident;

    /// <summary>The matrices of a convolution.</summary>
    public static WinogradMatrix Forward(in ConvolutionShape s, ConvolutionAlgorithm algorithm) =>
        new(Winograd.Of(s, algorithm), s.InChannels, s.OutChannels, Flipped: false);

    /// <summary>The matrices of the gradient by a convolution's input.</summary>
    public static WinogradMatrix Backward(in ConvolutionShape s, ConvolutionAlgorithm algorithm) =>
        new(Winograd.Of(s, algorithm), s.OutChannels, s.InChannels, Flipped: true);
}

/// <summary>Transforms of weights, G g G^T, into panels: plane after plane, as <see cref="Panels"/>.</summary>
internal static unsafe class WinogradWeights
{
    private const int MaxTile = 6, MaxKernel = 5, MaxLanes = 16, Alignment = 64;

    // Floats of a panel between what is written and what is asked for.
    private const int Ahead = 64;

    /// <summary>All of the weights.</summary>
    public static void Pack(in WinogradMatrix m, float* weights, float* packed)
    {
        int plane = m.PlaneStep;
        for (int n = 0; n < m.Columns; n += MicroKernel.PanelWidth(m.Columns - n))
            Pack(m, weights, 0, m.Rows, n, packed + (nint)m.Rows * n, plane);
    }

    /// <summary>
    /// Some rows of the panel that starts at column <paramref name="n"/>, [row][column of the panel], for every plane.
    /// </summary>
    public static void Pack(in WinogradMatrix m, float* weights, int first, int rows, int n, float* target, nint plane)
    {
        if (m.Sizes.Kernel == 5)
            Pack<Weights2x5>(m, weights, first, rows, n, target, plane);
        else if (m.Sizes.Output == 4)
            Pack<Weights4x3>(m, weights, first, rows, n, target, plane);
        else
            Pack<Weights2x3>(m, weights, first, rows, n, target, plane);
    }

    private static void Pack<TTransform>(in WinogradMatrix m, float* weights, int first, int rows, int n, float* target,
        nint plane)
        where TTransform : struct, ITransform
    {
        if (InstructionSet.HasAvx512)
            Pack<Vector512<float>, Simd512, TTransform>(m, weights, first, rows, n, target, plane);
        else if (InstructionSet.HasAvx2)
            Pack<Vector256<float>, Simd256, TTransform>(m, weights, first, rows, n, target, plane);
        else
            Pack<float, Scalar, TTransform>(m, weights, first, rows, n, target, plane);
    }

    private static void Pack<TVector, TSimd, TTransform>(in WinogradMatrix m, float* weights, int first, int rows,
        int n, float* target, nint plane)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TTransform : struct, ITransform
    {
        int width = MicroKernel.PanelWidth(m.Columns - n);
        if (m.Flipped)
            PackFlipped<TVector, TSimd, TTransform>(m, weights, first, rows, n, width, target, plane);
        else
            PackRows<TVector, TSimd, TTransform>(weights + (nint)first * m.Columns + n, m.Columns,
                (nint)m.Rows * m.Columns, rows, m.Columns - n, width, target, plane);
    }

    /// <summary>Rows of a panel whose columns lie side by side, and whose taps are a step apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackRows<TVector, TSimd, TTransform>(float* source, nint rowStep, nint tap, int rows, int lanes,
        int width, float* target, nint plane)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TTransform : struct, ITransform
    {
        for (int r = 0; r < rows; r++, source += rowStep, target += width)
            for (int k = 0; k < width; k += TSimd.Count)
            {
                CacheLines.Prefetch(source + rowStep + k, tap, TTransform.Inputs * TTransform.Inputs);
                CacheLines.Prefetch(target + k + Ahead, plane, TTransform.Outputs * TTransform.Outputs);
                Transform<TVector, TSimd, TTransform>(source + k, tap, lanes - k, target + k, plane, width - k);
            }
    }

    /// <summary>Every tap of 16 rows is transposed, then they are like rows that aren't flipped.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackFlipped<TVector, TSimd, TTransform>(in WinogradMatrix m, float* weights, int first,
        int rows, int n, int width, float* target, nint plane)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TTransform : struct, ITransform
    {
        const int BlockLength = MicroKernel.MaxPanel * MaxLanes;
        int taps = TTransform.Inputs * TTransform.Inputs, used = Math.Min(width, m.Columns - n);
        float* memory = stackalloc float[MaxKernel * MaxKernel * BlockLength + MaxLanes];
        float* block = (float*)(((nint)memory + Alignment - 1) & -Alignment);
        for (int r = 0; r < rows; r += MaxLanes, target += MaxLanes * width)
        {
            int count = Math.Min(MaxLanes, rows - r);
            for (int t = 0; t < taps; t++)
                Transpose.Run(weights + ((nint)(taps - 1 - t) * m.Columns + n) * m.Rows + first + r, m.Rows,
                    block + t * BlockLength, width, used, count);
            PackRows<TVector, TSimd, TTransform>(block, width, BlockLength, count, used, width, target, plane);
        }
    }

    /// <summary>G g G^T of some lanes, whose taps are a step apart, into planes.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transform<TVector, TSimd, TTransform>(float* source, nint tap, int lanes, float* target,
        nint plane, int targetLanes)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TTransform : struct, ITransform
    {
        int kernel = TTransform.Inputs, tile = TTransform.Outputs, vector = TSimd.Count;
        float* memory = stackalloc float[MaxTile * MaxKernel * MaxLanes + MaxLanes];
        float* scratch = (float*)(((nint)memory + Alignment - 1) & -Alignment);
        for (int column = 0; column < kernel; column++)
            TTransform.Apply<TVector, TSimd, PartialVectors<TVector, TSimd>, Vectors<TVector, TSimd>>(
                new(source + column * tap, kernel * tap, lanes), new(scratch + column * vector, kernel * vector));
        for (int row = 0; row < tile; row++)
            TTransform.Apply<TVector, TSimd, Vectors<TVector, TSimd>, PartialVectors<TVector, TSimd>>(
                new(scratch + row * kernel * vector, vector),
                new(target + row * tile * plane, plane, targetLanes));
    }
}
