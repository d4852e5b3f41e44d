using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Distributed.Numerics;

/// <summary>
/// exp, tanh and erf of eight floats: polynomials in fused multiply-add, fitted by weighted least squares. The error is
/// at most 2 units in the last place. Where vectors aren't in hardware the runtime computes the same lane by lane, so
/// that the bits are equal everywhere.
/// </summary>
internal static class VectorFunctions
{
    /// <summary>e^x for x in [-87, 88]; beyond, the value at the nearer end. NaN stays.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Exp(Vector256<float> x)
    {
        Vector256<float> bounded = Clamp(x, -87, 88);
        Vector256<float> k = Vector256.Floor(Fma(bounded, 1.44269504f, Vector256.Create(0.5f)));
        Vector256<float> r = Fma(k, -0.693359375f, bounded);
        r = Fma(k, 2.12194440e-4f, r);
        Vector256<float> p = Vector256.Create(0.00139461481f) + r * 0.000199165952f;
        p = Fma(p, r, 0.00833326764f);
        p = Fma(p, r, 0.0416662693f);
        p = Fma(p, r, 0.166666672f);
        p = Fma(p, r, 0.5f);
        p = Vector256.FusedMultiplyAdd(r * r, p, r) + Vector256<float>.One;
        // 2^k, made of its exponent bits; a NaN's k is anything.
        Vector256<int> bits = Vector256.ConvertToInt32(k) + Vector256.Create(127);
        return KeepNaN(x, p * Vector256.ShiftLeft(bits, 23).AsSingle());
    }

    /// <summary>tanh x = x + x^3 P(x^2) below 0.625, else 1 - 2 / (e^2x + 1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Tanh(Vector256<float> x)
    {
        Vector256<float> size = Vector256.Abs(x), square = x * x;
        Vector256<float> p = Vector256.Create(-0.00818266906f) + square * 0.002147533f;
        p = Fma(p, square, 0.0217029657f);
        p = Fma(p, square, -0.0539472029f);
        p = Fma(p, square, 0.133332103f);
        p = Fma(p, square, -0.333333313f);
        Vector256<float> small = Vector256.FusedMultiplyAdd(p * square, x, x);
        Vector256<float> large = Vector256<float>.One
            - Vector256.Create(2f) / (Exp(size + size) + Vector256<float>.One);
        return Vector256.ConditionalSelect(
            Vector256.LessThan(size, Vector256.Create(0.625f)), small, WithSignOf(x, large));
    }

    /// <summary>erf x = x + x P(x^2) below 0.93, else 1 - e^(-x Q(x)), which is 1 from 4 on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Erf(Vector256<float> x)
    {
        Vector256<float> size = Vector256.Abs(x), square = x * x;
        Vector256<float> p = Vector256.Create(-0.000814091007f) + square * 8.35989194e-05f;
        p = Fma(p, square, 0.00520093972f);
        p = Fma(p, square, -0.0268593933f);
        p = Fma(p, square, 0.112836964f);
        p = Fma(p, square, -0.376126349f);
        p = Fma(p, square, 0.128379166f);
        Vector256<float> small = Vector256.FusedMultiplyAdd(p, x, x), t = Clamp(size, 0, 4);
        Vector256<float> q = Vector256.Create(-0.000325656874f) + t * 1.15227222e-05f;
        q = Fma(q, t, 0.00365378032f);
        q = Fma(q, t, -0.0237853806f);
        q = Fma(q, t, 0.106263183f);
        q = Fma(q, t, 0.635135889f);
        q = Fma(q, t, 1.12865222f);
        Vector256<float> large = KeepNaN(x, Vector256<float>.One - Exp(-(q * t)));
        return Vector256.ConditionalSelect(
            Vector256.LessThan(size, Vector256.Create(0.9277344f)), small, WithSignOf(x, large));
    }

    /// <summary>a b + c, rounded once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Fma(Vector256<float> a, Vector256<float> b, float c) =>
        Vector256.FusedMultiplyAdd(a, b, Vector256.Create(c));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Fma(Vector256<float> a, float b, Vector256<float> c) =>
        Vector256.FusedMultiplyAdd(a, Vector256.Create(b), c);

    /// <summary>NaN becomes the lower end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Clamp(Vector256<float> x, float low, float high)
    {
        Vector256<float> least = Vector256.Create(low), most = Vector256.Create(high);
        x = Vector256.ConditionalSelect(Vector256.GreaterThan(x, least), x, least);
        return Vector256.ConditionalSelect(Vector256.LessThan(x, most), x, most);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> KeepNaN(Vector256<float> x, Vector256<float> value) =>
        Vector256.ConditionalSelect(Vector256.Equals(x, x), value, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> WithSignOf(Vector256<float> x, Vector256<float> value) =>
        value | (x & Vector256.Create(-0f));
}
