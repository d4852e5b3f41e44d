using System.Runtime.CompilerServices;

namespace Distributed.Numerics;

/// <summary>B^T of tiles of 4, at the points 0, 1, -1 and infinity.</summary>
internal readonly struct Input4 : ITransform
{
    public static int Inputs => 4;

    public static int Outputs => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<TVector, TSimd, TSource, TTarget>(TSource x, TTarget y)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TSource : struct, ITransformSource<TVector>
        where TTarget : struct, ITransformTarget<TVector>
    {
        TVector x0 = x.Get(0), x1 = x.Get(1), x2 = x.Get(2), x3 = x.Get(3);
        y.Put(0, TSimd.Subtract(x0, x2));
        y.Put(1, TSimd.Add(x1, x2));
        y.Put(2, TSimd.Subtract(x2, x1));
        y.Put(3, TSimd.Subtract(x1, x3));
    }
}

/// <summary>A^T of F(2, 3): (1, 1, 1, 0), (0, 1, -1, -1).</summary>
internal readonly struct Output2x3 : ITransform
{
    public static int Inputs => 4;

    public static int Outputs => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<TVector, TSimd, TSource, TTarget>(TSource x, TTarget y)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TSource : struct, ITransformSource<TVector>
        where TTarget : struct, ITransformTarget<TVector>
    {
        TVector x0 = x.Get(0), x1 = x.Get(1), x2 = x.Get(2), x3 = x.Get(3);
        y.Put(0, TSimd.Add(TSimd.Add(x0, x1), x2));
        y.Put(1, TSimd.Subtract(TSimd.Subtract(x1, x2), x3));
    }
}

/// <summary>G of F(2, 3): (2, 0, 0), (1, 1, 1), (1, -1, 1), (0, 0, 2), all over 2.</summary>
internal readonly struct Weights2x3 : ITransform
{
    public static int Inputs => 3;

    public static int Outputs => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<TVector, TSimd, TSource, TTarget>(TSource x, TTarget y)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TSource : struct, ITransformSource<TVector>
        where TTarget : struct, ITransformTarget<TVector>
    {
        TVector x0 = x.Get(0), x1 = x.Get(1), x2 = x.Get(2);
        TVector e = TSimd.Add(x0, x2);
        y.Put(0, x0);
        y.Put(1, TSimd.Multiply(0.5f, TSimd.Add(e, x1)));
        y.Put(2, TSimd.Multiply(0.5f, TSimd.Subtract(e, x1)));
        y.Put(3, x2);
    }
}

/// <summary>A of F(2, 3).</summary>
internal readonly struct Gradient2x3 : ITransform
{
    public static int Inputs => 2;

    public static int Outputs => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<TVector, TSimd, TSource, TTarget>(TSource x, TTarget y)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TSource : struct, ITransformSource<TVector>
        where TTarget : struct, ITransformTarget<TVector>
    {
        TVector x0 = x.Get(0), x1 = x.Get(1);
        y.Put(0, x0);
        y.Put(1, TSimd.Add(x0, x1));
        y.Put(2, TSimd.Subtract(x0, x1));
        y.Put(3, TSimd.Multiply(-1, x1));
    }
}

/// <summary>G^T of F(2, 3).</summary>
internal readonly struct WeightGradient2x3 : ITransform
{
    public static int Inputs => 4;

    public static int Outputs => 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<TVector, TSimd, TSource, TTarget>(TSource x, TTarget y)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TSource : struct, ITransformSource<TVector>
        where TTarget : struct, ITransformTarget<TVector>
    {
        TVector x0 = x.Get(0), x1 = x.Get(1), x2 = x.Get(2), x3 = x.Get(3);
        TVector s = TSimd.Multiply(0.5f, TSimd.Add(x1, x2));
        y.Put(0, TSimd.Add(x0, s));
        y.Put(1, TSimd.Multiply(0.5f, TSimd.Subtract(x1, x2)));
        y.Put(2, TSimd.Add(s, x3));
    }
}
