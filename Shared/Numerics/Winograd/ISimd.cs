using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Numerics;

/// <summary>
/// Arithmetic on vectors of one size, so that a generic loop is written once: the same operations in the same order on
/// every machine, hence the same bits.
/// </summary>
internal unsafe interface ISimd<TVector>
    where TVector : struct
{
    /// <summary>Floats of a vector.</summary>
    static abstract int Count { get; }

    /// <summary>x in every lane.</summary>
    static abstract TVector Create(float x);

    /// <summary>Loads a whole vector.</summary>
    static abstract TVector Load(float* source);

    /// <summary>Loads the first lanes, and 0 into the others.</summary>
    static abstract TVector Load(float* source, int lanes);

    /// <summary>Stores a whole vector.</summary>
    static abstract void Store(float* target, TVector x);

    /// <summary>Stores the first lanes.</summary>
    static abstract void Store(float* target, TVector x, int lanes);

    /// <summary>x + y.</summary>
    static abstract TVector Add(TVector x, TVector y);

    /// <summary>x - y.</summary>
    static abstract TVector Subtract(TVector x, TVector y);

    /// <summary>x y.</summary>
    static abstract TVector Multiply(float x, TVector y);

    /// <summary>x y + z, rounded once.</summary>
    static abstract TVector MultiplyAdd(float x, TVector y, TVector z);

    /// <summary>x y + z, rounded once.</summary>
    static abstract TVector MultiplyAdd(TVector x, TVector y, TVector z);

    /// <summary>Asks for the cache line at an address, valid or not, to be brought near.</summary>
    static abstract void Prefetch(float* source);

    /// <summary>x where it is above 0 or NaN, else +0.</summary>
    static abstract TVector Relu(TVector x);

    /// <summary>x where y is above 0 or NaN, else +0.</summary>
    static abstract TVector ReluMask(TVector y, TVector x);

    /// <summary>sums[i] += lane i of x, in double, for the first lanes.</summary>
    static abstract void AddTo(double* sums, TVector x, int lanes);
}

/// <summary>AVX-512.</summary>
internal readonly unsafe struct Simd512 : ISimd<Vector512<float>>
{
    public static int Count
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 16;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Create(float x) => Vector512.Create(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* source, int lanes) => lanes >= 16 ? Vector512.Load(source)
        : Avx512F.MaskLoad(source, Mask(lanes), Vector512<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* target, Vector512<float> x) => x.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* target, Vector512<float> x, int lanes)
    {
        if (lanes >= 16)
            x.Store(target);
        else
            Avx512F.MaskStore(target, Mask(lanes), x);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> x, Vector512<float> y) => x + y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Subtract(Vector512<float> x, Vector512<float> y) => x - y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Multiply(float x, Vector512<float> y) => Vector512.Create(x) * y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(float x, Vector512<float> y, Vector512<float> z) =>
        Avx512F.FusedMultiplyAdd(Vector512.Create(x), y, z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> x, Vector512<float> y, Vector512<float> z) =>
        Avx512F.FusedMultiplyAdd(x, y, z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(float* source) => Sse.Prefetch1(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Relu(Vector512<float> x) => ReluMask(x, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ReluMask(Vector512<float> y, Vector512<float> x) => Vector512.ConditionalSelect(
        Vector512.LessThanOrEqual(y, Vector512<float>.Zero), Vector512<float>.Zero, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddTo(double* sums, Vector512<float> x, int lanes)
    {
        if (lanes < 16)
        {
            for (int i = 0; i < lanes; i++)
                sums[i] += x.GetElement(i);
            return;
        }
        (Vector512.Load(sums) + Avx512F.ConvertToVector512Double(x.GetLower())).Store(sums);
        (Vector512.Load(sums + 8) + Avx512F.ConvertToVector512Double(x.GetUpper())).Store(sums + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Mask(int lanes) =>
        Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(lanes)).AsSingle();
}

/// <summary>AVX2 with fused multiply-add.</summary>
internal readonly unsafe struct Simd256 : ISimd<Vector256<float>>
{
    public static int Count
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 8;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Create(float x) => Vector256.Create(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* source, int lanes) =>
        lanes >= 8 ? Vector256.Load(source) : Avx.MaskLoad(source, Mask(lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* target, Vector256<float> x) => x.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* target, Vector256<float> x, int lanes)
    {
        if (lanes >= 8)
            x.Store(target);
        else
            Avx.MaskStore(target, Mask(lanes), x);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> x, Vector256<float> y) => x + y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Subtract(Vector256<float> x, Vector256<float> y) => x - y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Multiply(float x, Vector256<float> y) => Vector256.Create(x) * y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(float x, Vector256<float> y, Vector256<float> z) =>
        Fma.MultiplyAdd(Vector256.Create(x), y, z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> x, Vector256<float> y, Vector256<float> z) =>
        Fma.MultiplyAdd(x, y, z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(float* source) => Sse.Prefetch1(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Relu(Vector256<float> x) => ReluMask(x, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ReluMask(Vector256<float> y, Vector256<float> x) => Vector256.ConditionalSelect(
        Vector256.LessThanOrEqual(y, Vector256<float>.Zero), Vector256<float>.Zero, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddTo(double* sums, Vector256<float> x, int lanes)
    {
        if (lanes < 8)
        {
            for (int i = 0; i < lanes; i++)
                sums[i] += x.GetElement(i);
            return;
        }
        (Vector256.Load(sums) + Avx.ConvertToVector256Double(x.GetLower())).Store(sums);
        (Vector256.Load(sums + 4) + Avx.ConvertToVector256Double(x.GetUpper())).Store(sums + 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Mask(int lanes) =>
        Vector256.LessThan(Vector256<int>.Indices, Vector256.Create(lanes)).AsSingle();
}

/// <summary>One float at a time, for machines without vectors.</summary>
internal readonly unsafe struct Scalar : ISimd<float>
{
    public static int Count => 1;

    public static float Create(float x) => x;

    public static float Load(float* source) => *source;

    public static float Load(float* source, int lanes) => lanes > 0 ? *source : 0;

    public static void Store(float* target, float x) => *target = x;

    public static void Store(float* target, float x, int lanes) => *target = x;

    public static float Add(float x, float y) => x + y;

    public static float Subtract(float x, float y) => x - y;

    public static float Multiply(float x, float y) => x * y;

    public static float MultiplyAdd(float x, float y, float z) => MathF.FusedMultiplyAdd(x, y, z);

    public static void Prefetch(float* source)
    {
    }

    public static float Relu(float x) => x <= 0 ? 0 : x;

    public static float ReluMask(float y, float x) => y <= 0 ? 0 : x;

    public static void AddTo(double* sums, float x, int lanes) => *sums += x;
}
