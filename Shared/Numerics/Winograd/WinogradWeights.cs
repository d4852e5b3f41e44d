using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Distributed.Numerics;

/// <summary>Transforms of weights, G g G^T, into panels: plane after plane, as <see cref="Panels"/>.</summary>
internal static unsafe class WinogradWeights
{
    private const int MaxTile = 6, MaxKernel = 5, MaxLanes = 16, Alignment = 64;

    /// <summary>
    /// HWIO weights as planes of panels, [c][k] or, <paramref name="flipped"/> along both axes for the input's
    /// gradient, [k][c].
    /// </summary>
    public static void Pack(in ConvolutionShape s, Winograd w, float* weights, float* packed, bool flipped)
    {
        if (w.Kernel == 5)
            Pack<Weights2x5>(s, weights, packed, flipped);
        else if (w.Output == 4)
            Pack<Weights4x3>(s, weights, packed, flipped);
        else
            Pack<Weights2x3>(s, weights, packed, flipped);
    }

    private static void Pack<TTransform>(in ConvolutionShape s, float* weights, float* packed, bool flipped)
        where TTransform : struct, ITransform
    {
        if (InstructionSet.HasAvx512)
            Pack<Vector512<float>, Simd512, TTransform>(s, weights, packed, flipped);
        else if (InstructionSet.HasAvx2)
            Pack<Vector256<float>, Simd256, TTransform>(s, weights, packed, flipped);
        else
            Pack<float, Scalar, TTransform>(s, weights, packed, flipped);
    }

    private static void Pack<TVector, TSimd, TTransform>(in ConvolutionShape s, float* weights, float* packed,
        bool flipped)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TTransform : struct, ITransform
    {
        if (flipped)
            PackFlipped<TVector, TSimd, TTransform>(s, weights, packed);
        else
            PackStraight<TVector, TSimd, TTransform>(s, weights, packed);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackStraight<TVector, TSimd, TTransform>(in ConvolutionShape s, float* weights, float* packed)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TTransform : struct, ITransform
    {
        int rows = s.InChannels, columns = s.OutChannels, vector = TSimd.Count;
        nint tap = (nint)rows * columns, plane = Panels.Length(rows, columns);
        for (int n = 0; n < columns;)
        {
            int width = MicroKernel.PanelWidth(columns - n);
            float* target = packed + (nint)rows * n;
            for (int r = 0; r < rows; r++, target += width)
                for (int k = 0; k < width; k += vector)
                    Transform<TVector, TSimd, TTransform>(weights + (nint)r * columns + n + k, tap, columns - n - k,
                        target + k, plane, width - k);
            n += width;
        }
    }

    /// <summary>Blocks of 16 output channels are transformed as they lie, then transposed.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackFlipped<TVector, TSimd, TTransform>(in ConvolutionShape s, float* weights, float* packed)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TTransform : struct, ITransform
    {
        const int BlockLength = MicroKernel.MaxPanel * MaxLanes;
        int rows = s.OutChannels, columns = s.InChannels, vector = TSimd.Count;
        int kernel = TTransform.Inputs, planes = TTransform.Outputs * TTransform.Outputs;
        nint tap = (nint)rows * columns, plane = Panels.Length(rows, columns);
        float* last = weights + (kernel * kernel - 1) * tap;
        float* memory = stackalloc float[MaxTile * MaxTile * BlockLength + MaxLanes];
        float* block = (float*)(((nint)memory + Alignment - 1) & -Alignment);
        for (int n = 0; n < columns;)
        {
            int width = MicroKernel.PanelWidth(columns - n), used = Math.Min(width, columns - n);
            float* target = packed + (nint)rows * n;
            for (int p = 0; p < planes && used < width; p++)
                new Span<float>(target + p * plane, rows * width).Clear();
            for (int k = 0; k < rows; k += vector)
            {
                for (int c = 0; c < used; c++)
                    Transform<TVector, TSimd, TTransform>(last + (nint)(n + c) * rows + k, -tap, rows - k,
                        block + c * MaxLanes, BlockLength, vector);
                for (int p = 0; p < planes; p++)
                    Transpose.Run(block + p * BlockLength, MaxLanes, target + p * plane + (nint)k * width, width, used,
                        Math.Min(vector, rows - k));
            }
            n += width;
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
