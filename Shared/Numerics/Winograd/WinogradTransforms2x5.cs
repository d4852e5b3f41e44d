using System.Runtime.CompilerServices;

namespace Distributed.Numerics;

/// <summary>A^T of F(2, 5): (1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 1).</summary>
internal readonly struct Output2x5 : ITransform
{
    public static int Inputs => 6;

    public static int Outputs => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<TVector, TSimd, TSource, TTarget>(TSource x, TTarget y)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TSource : struct, ITransformSource<TVector>
        where TTarget : struct, ITransformTarget<TVector>
    {
        TVector x0 = x.Get(0), x1 = x.Get(1), x2 = x.Get(2);
        TVector x3 = x.Get(3), x4 = x.Get(4), x5 = x.Get(5);
        y.Put(0, TSimd.Add(TSimd.Add(x0, TSimd.Add(x1, x2)), TSimd.Add(x3, x4)));
        y.Put(1, TSimd.Add(TSimd.MultiplyAdd(2, TSimd.Subtract(x3, x4), TSimd.Subtract(x1, x2)), x5));
    }
}

/// <summary>
/// G of F(2, 5): (6, 0, 0, 0, 0), -4 (1, 1, 1, 1, 1), -4 (1, -1, 1, -1, 1), (1, 2, 4, 8, 16), (1, -2, 4, -8, 16),
/// (0, 0, 0, 0, 24), all over 24.
/// </summary>
internal readonly struct Weights2x5 : ITransform
{
    public static int Inputs => 5;

    public static int Outputs => 6;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<TVector, TSimd, TSource, TTarget>(TSource x, TTarget y)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TSource : struct, ITransformSource<TVector>
        where TTarget : struct, ITransformTarget<TVector>
    {
        TVector x0 = x.Get(0), x1 = x.Get(1), x2 = x.Get(2);
        TVector x3 = x.Get(3), x4 = x.Get(4);
        TVector e = TSimd.Add(TSimd.Add(x0, x2), x4), o = TSimd.Add(x1, x3);
        TVector f = TSimd.MultiplyAdd(16, x4, TSimd.MultiplyAdd(4, x2, x0));
        TVector h = TSimd.MultiplyAdd(8, x3, TSimd.Multiply(2, x1));
        y.Put(0, TSimd.Multiply(1f / 4, x0));
        y.Put(1, TSimd.Multiply(-1f / 6, TSimd.Add(e, o)));
        y.Put(2, TSimd.Multiply(-1f / 6, TSimd.Subtract(e, o)));
        y.Put(3, TSimd.Multiply(1f / 24, TSimd.Add(f, h)));
        y.Put(4, TSimd.Multiply(1f / 24, TSimd.Subtract(f, h)));
        y.Put(5, x4);
    }
}

/// <summary>A of F(2, 5).</summary>
internal readonly struct Gradient2x5 : ITransform
{
    public static int Inputs => 2;

    public static int Outputs => 6;

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
        y.Put(3, TSimd.MultiplyAdd(2, x1, x0));
        y.Put(4, TSimd.MultiplyAdd(-2, x1, x0));
        y.Put(5, x1);
    }
}

/// <summary>G^T of F(2, 5).</summary>
internal readonly struct WeightGradient2x5 : ITransform
{
    public static int Inputs => 6;

    public static int Outputs => 5;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<TVector, TSimd, TSource, TTarget>(TSource x, TTarget y)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TSource : struct, ITransformSource<TVector>
        where TTarget : struct, ITransformTarget<TVector>
    {
        TVector x0 = x.Get(0), x1 = x.Get(1), x2 = x.Get(2);
        TVector x3 = x.Get(3), x4 = x.Get(4), x5 = x.Get(5);
        TVector a = TSimd.Add(x1, x2), b = TSimd.Subtract(x1, x2), p = TSimd.Add(x3, x4), r = TSimd.Subtract(x3, x4);
        TVector c = TSimd.Multiply(-1f / 6, a), d = TSimd.Multiply(-1f / 6, b);
        y.Put(0, TSimd.Add(TSimd.MultiplyAdd(1f / 24, p, TSimd.Multiply(1f / 4, x0)), c));
        y.Put(1, TSimd.MultiplyAdd(1f / 12, r, d));
        y.Put(2, TSimd.MultiplyAdd(1f / 6, p, c));
        y.Put(3, TSimd.MultiplyAdd(1f / 3, r, d));
        y.Put(4, TSimd.Add(TSimd.MultiplyAdd(2f / 3, p, c), x5));
    }
}
