namespace Distributed.Numerics;

/// <summary>
/// exp, log, sin and cos made of + - * / and fused multiply-add alone, so that every machine computes the same bits
/// (the C runtime's differ). The error of the double forms is at most 1 unit in the last place in the ranges named,
/// of the float forms 0.51.
/// </summary>
public static class ElementaryFunctions
{
    private const double Log2E = 1.4426950408889634, Ln2High = 6.93147180369123816490e-01,
        Ln2Low = 1.90821492927058770002e-10;

    // pi/2 in three parts; with fused multiply-add the reduction below is exact to 2^-100 or so.
    private const double TwoOverPi = 0.63661977236758138, HalfPiHigh = 1.5707963267948966,
        HalfPiMiddle = 6.123233995736766e-17, HalfPiLow = -1.4973849048591833e-33;

    /// <summary>Largest argument that <see cref="Sin(double)"/> and <see cref="Cos(double)"/> take.</summary>
    public const double MaxAngle = 1 << 20;

    // 1/n! for n = 2.. (Taylor): with |r| <= ln2/2 thirteen terms leave 2^-57 of the sum, seven leave 2^-29.
    private static ReadOnlySpan<double> Factorials =>
    [
        1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800,
        1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800, 1.0 / 87178291200, 1.0 / 1307674368000,
        1.0 / 20922789888000, 1.0 / 355687428096000, 1.0 / 6402373705728000,
    ];

    // Coefficients of log(1+f) - (f - s (f - R)) in s^2, s = f/(2+f), from Sun's fdlibm e_log.c (error below 2^-58).
    private static ReadOnlySpan<double> LogCoefficients =>
    [
        6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
        1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01,
    ];

    /// <summary>e^x; 0 below -745.14, infinity above 709.78.</summary>
    public static double Exp(double x)
    {
        if (!(x > -745.2))
            return double.IsNaN(x) ? x : 0;
        if (x > 709.79)
            return double.PositiveInfinity;
        return ExpCore(x, 13);
    }

    /// <summary>e^x, computed in double and rounded once.</summary>
    public static float Exp(float x)
    {
        if (!(x > -104))
            return float.IsNaN(x) ? x : 0;
        if (x > 89)
            return float.PositiveInfinity;
        return (float)ExpCore(x, 9);
    }

    /// <summary>ln x; -infinity at 0, NaN below.</summary>
    public static double Log(double x)
    {
        if (!(x > 0))
            return x == 0 ? double.NegativeInfinity : double.NaN;
        if (double.IsPositiveInfinity(x))
            return x;
        int exponent = 0;
        if (!double.IsNormal(x))
        {
            x *= 1UL << 54;
            exponent = -54;
        }
        // x = 2^exponent (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).
        long bits = BitConverter.DoubleToInt64Bits(x);
        long shifted = bits - 0x3FE6A09E667F3BCD;
        exponent += (int)(shifted >> 52);
        double f = BitConverter.Int64BitsToDouble(bits - (shifted & unchecked((long)0xFFF0000000000000))) - 1.0;
        double s = f / (2.0 + f), z = s * s, half = 0.5 * f * f;
        double r = Horner(LogCoefficients, LogCoefficients.Length, z) * z;
        return exponent * Ln2High - (half - (s * (half + r) + exponent * Ln2Low) - f);
    }

    /// <summary>ln x, computed in double and rounded once.</summary>
    public static float Log(float x) => (float)Log((double)x);

    /// <summary>
    /// sin x for |x| up to <see cref="MaxAngle"/> (absolute error 2^-52); ArgumentOutOfRangeException beyond.
    /// </summary>
    public static double Sin(double x) => Circular(x, 0);

    /// <summary>
    /// cos x for |x| up to <see cref="MaxAngle"/> (absolute error 2^-52); ArgumentOutOfRangeException beyond.
    /// </summary>
    public static double Cos(double x) => Circular(x, 1);

    /// <summary>sin x, computed in double and rounded once.</summary>
    public static float Sin(float x) => (float)Sin((double)x);

    /// <summary>cos x, computed in double and rounded once.</summary>
    public static float Cos(float x) => (float)Cos((double)x);

    private static double ExpCore(double x, int terms)
    {
        double k = Math.Floor(x * Log2E + 0.5);
        double high = Math.FusedMultiplyAdd(-k, Ln2High, x), low = k * Ln2Low, r = high - low;
        double tail = (high - r) - low;
        // e^r = 1 + (r + (tail + r^2 (1/2 + r/6 + ...)))
        double p = Horner(Factorials, terms - 1, r);
        double sum = 1.0 + (r + Math.FusedMultiplyAdd(r * r, p, tail));
        // Two factors, because 2^k alone may be out of range where the result is not.
        int first = (int)k / 2, second = (int)k - first;
        return sum * PowerOfTwo(first) * PowerOfTwo(second);
    }

    private static double PowerOfTwo(int exponent) => BitConverter.Int64BitsToDouble((long)(exponent + 1023) << 52);

    private static double Circular(double x, int quarters)
    {
        if (!double.IsFinite(x))
            return double.NaN;
        if (x > MaxAngle || x < -MaxAngle)
            throw new ArgumentOutOfRangeException(nameof(x), x, $"angles beyond {MaxAngle} are not reduced exactly");
        double n = Math.Floor(x * TwoOverPi + 0.5);
        double high = Math.FusedMultiplyAdd(-n, HalfPiHigh, x);
        double r = Math.FusedMultiplyAdd(-n, HalfPiLow, Math.FusedMultiplyAdd(-n, HalfPiMiddle, high));
        int quadrant = ((int)n + quarters) & 3;
        double value = (quadrant & 1) == 0 ? SinNear0(r) : CosNear0(r);
        return (quadrant & 2) == 0 ? value : -value;
    }

    private static double SinNear0(double r)
    {
        double z = r * r, sum = 0;
        for (int n = 17; n >= 3; n -= 2)
            sum = Math.FusedMultiplyAdd(sum, z, (n & 2) == 0 ? Factorials[n - 2] : -Factorials[n - 2]);
        return Math.FusedMultiplyAdd(r * z, sum, r);
    }

    private static double CosNear0(double r)
    {
        double z = r * r, sum = 0;
        for (int n = 18; n >= 4; n -= 2)
            sum = Math.FusedMultiplyAdd(sum, z, (n & 2) == 0 ? Factorials[n - 2] : -Factorials[n - 2]);
        double half = 0.5 * z, one = 1.0 - half;
        return one + Math.FusedMultiplyAdd(z * z, sum, (1.0 - one) - half);
    }

    private static double Horner(ReadOnlySpan<double> coefficients, int count, double x)
    {
        double sum = coefficients[count - 1];
        for (int i = count - 2; i >= 0; i--)
            sum = Math.FusedMultiplyAdd(sum, x, coefficients[i]);
        return sum;
    }
}
