using System.Runtime.CompilerServices;

namespace Distributed.Numerics;

/// <summary>
/// A^T of F(4, 3): (1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1).
/// </summary>
internal readonly struct Output4x3 : ITransform
{
    public static int Inputs => 6;

    public static int Outputs => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<TVector, TSimd, TSource, TTarget>(TSource x, TTarget y)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TSource : struct, ITransformSource<TVector>
        where TTarget : struct, ITransformTarget<TVector>
    {
        TVector x0 = x.Get(0), x1 = x.Get(1), x2 = x.Get(2);
        TVector x3 = x.Get(3), x4 = x.Get(4), x5 = x.Get(5);
        TVector s = TSimd.Add(x1, x2), d = TSimd.Subtract(x1, x2), p = TSimd.Add(x3, x4), r = TSimd.Subtract(x3, x4);
        y.Put(0, TSimd.Add(TSimd.Add(x0, s), p));
        y.Put(1, TSimd.MultiplyAdd(2, r, d));
        y.Put(2, TSimd.MultiplyAdd(4, p, s));
        y.Put(3, TSimd.Add(TSimd.MultiplyAdd(8, r, d), x5));
    }
}

/// <summary>
/// G of F(4, 3): (6, 0, 0), (-4, -4, -4), (-4, 4, -4), (1, 2, 4), (1, -2, 4), (0, 0, 24), all over 24.
/// </summary>
internal readonly struct Weights4x3 : ITransform
{
    public static int Inputs => 3;

    public static int Outputs => 6;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<TVector, TSimd, TSource, TTarget>(TSource x, TTarget y)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TSource : struct, ITransformSource<TVector>
        where TTarget : struct, ITransformTarget<TVector>
    {
        TVector x0 = x.Get(0), x1 = x.Get(1), x2 = x.Get(2);
        TVector e = TSimd.Add(x0, x2), f = TSimd.MultiplyAdd(1f / 6, x2, TSimd.Multiply(1f / 24, x0));
        y.Put(0, TSimd.Multiply(1f / 4, x0));
        y.Put(1, TSimd.Multiply(-1f / 6, TSimd.Add(e, x1)));
        y.Put(2, TSimd.Multiply(-1f / 6, TSimd.Subtract(e, x1)));
        y.Put(3, TSimd.MultiplyAdd(1f / 12, x1, f));
        y.Put(4, TSimd.MultiplyAdd(-1f / 12, x1, f));
        y.Put(5, x2);
    }
}

/// <summary>A of F(4, 3).</summary>
internal readonly struct Gradient4x3 : ITransform
{
    public static int Inputs => 4;

    public static int Outputs => 6;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<TVector, TSimd, TSource, TTarget>(TSource x, TTarget y)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TSource : struct, ITransformSource<TVector>
        where TTarget : struct, ITransformTarget<TVector>
    {
        TVector x0 = x.Get(0), x1 = x.Get(1), x2 = x.Get(2), x3 = x.Get(3);
        TVector e = TSimd.Add(x0, x2), o = TSimd.Add(x1, x3), f = TSimd.MultiplyAdd(4, x2, x0);
        TVector h = TSimd.MultiplyAdd(4, x3, x1);
        y.Put(0, x0);
        y.Put(1, TSimd.Add(e, o));
        y.Put(2, TSimd.Subtract(e, o));
        y.Put(3, TSimd.MultiplyAdd(2, h, f));
        y.Put(4, TSimd.MultiplyAdd(-2, h, f));
        y.Put(5, x3);
    }
}

/// <summary>G^T of F(4, 3).</summary>
internal readonly struct WeightGradient4x3 : ITransform
{
    public static int Inputs => 6;

    public static int Outputs => 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<TVector, TSimd, TSource, TTarget>(TSource x, TTarget y)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TSource : struct, ITransformSource<TVector>
        where TTarget : struct, ITransformTarget<TVector>
    {
        TVector x0 = x.Get(0), x1 = x.Get(1), x2 = x.Get(2);
        TVector x3 = x.Get(3), x4 = x.Get(4), x5 = x.Get(5);
        TVector s = TSimd.Add(x1, x2), p = TSimd.Add(x3, x4);
        y.Put(0, TSimd.MultiplyAdd(-1f / 6, s, TSimd.MultiplyAdd(1f / 24, p, TSimd.Multiply(1f / 4, x0))));
        y.Put(1, TSimd.MultiplyAdd(1f / 12, TSimd.Subtract(x3, x4), TSimd.Multiply(1f / 6, TSimd.Subtract(x2, x1))));
        y.Put(2, TSimd.MultiplyAdd(-1f / 6, s, TSimd.MultiplyAdd(1f / 6, p, x5)));
    }
}
