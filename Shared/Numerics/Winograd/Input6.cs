using System.Runtime.CompilerServices;

namespace Distributed.Numerics;

/// <summary>B^T of tiles of 6, at the points 0, 1, -1, 2, -2 and infinity.</summary>
internal readonly struct Input6 : ITransform
{
    public static int Inputs => 6;

    public static int Outputs => 6;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply<TVector, TSimd, TSource, TTarget>(TSource x, TTarget y)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TSource : struct, ITransformSource<TVector>
        where TTarget : struct, ITransformTarget<TVector>
    {
        TVector x0 = x.Get(0), x1 = x.Get(1), x2 = x.Get(2);
        TVector x3 = x.Get(3), x4 = x.Get(4), x5 = x.Get(5);
        TVector a = TSimd.MultiplyAdd(-4, x2, x4), b = TSimd.MultiplyAdd(-4, x1, x3), g = TSimd.Subtract(x4, x2);
        TVector e = TSimd.Subtract(x3, x1);
        y.Put(0, TSimd.MultiplyAdd(4, x0, TSimd.MultiplyAdd(-5, x2, x4)));
        y.Put(1, TSimd.Add(a, b));
        y.Put(2, TSimd.Subtract(a, b));
        y.Put(3, TSimd.MultiplyAdd(2, e, g));
        y.Put(4, TSimd.MultiplyAdd(-2, e, g));
        y.Put(5, TSimd.MultiplyAdd(4, x1, TSimd.MultiplyAdd(-5, x3, x5)));
    }
}
