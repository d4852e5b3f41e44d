using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Numerics;

/// <summary>What one step of Adam and its kin multiplies with: settings and bias corrections, rounded once.</summary>
/// <param name="GradientScale">What the gradient sum is multiplied with.</param>
/// <param name="Beta1">Share of the old mean that stays.</param>
/// <param name="Beta2">Share of the old mean square that stays.</param>
/// <param name="Epsilon">Added to the root of the mean square.</param>
/// <param name="WeightDecay">L2 penalty, added to the gradient.</param>
public readonly record struct AdamCoefficients(
    float GradientScale, float Beta1, float Beta2, float Epsilon, float WeightDecay)
{
    /// <summary>1 - beta1, rounded from double.</summary>
    public float Rest1 { get; init; } = 1 - Beta1;

    /// <summary>1 - beta2, rounded from double.</summary>
    public float Rest2 { get; init; } = 1 - Beta2;

    /// <summary>1 / (1 - beta1^step).</summary>
    public float MeanCorrection { get; init; } = 1;

    /// <summary>1 / sqrt(1 - beta2^step).</summary>
    public float RootCorrection { get; init; } = 1;
}

/// <summary>
/// One step of Adam (Kingma and Ba 2014) by the formula of torch.optim.Adam:
/// g = fma(wd, p, sum scale); m = fma(b1, m, rest1 g); v = fma(b2, v, (rest2 g) g);
/// direction = (m meanCorrection) / fma(sqrt(v), rootCorrection, epsilon).
/// </summary>
public static unsafe class AdamUpdate
{
    /// <summary>
    /// p = fma(-rate, direction, p shrink). <paramref name="shrink"/> is 1 for Adam and 1 - rate * decay for AdamW
    /// (Loshchilov and Hutter 2017). The state blocks start at 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(Span<float> parameters, ReadOnlySpan<float> gradientSum, Span<float> mean,
        Span<float> meanSquare, in AdamCoefficients coefficients, float learningRate, float shrink)
    {
        CheckLengths(parameters.Length, gradientSum.Length, mean.Length, meanSquare.Length);
        fixed (float* p = parameters, g = gradientSum, m = mean, v = meanSquare)
        {
            int i = 0;
            var direction = new Direction(coefficients);
            Vector256<float> keep = Vector256.Create(shrink), down = Vector256.Create(-learningRate);
            for (; i <= parameters.Length - Lanes.Count; i += Lanes.Count)
            {
                Vector256<float> step = direction.OfEight(p + i, g + i, m + i, v + i);
                Fma.MultiplyAdd(down, step, Vector256.Load(p + i) * keep).Store(p + i);
            }
            for (; i < parameters.Length; i++)
            {
                float step = direction.OfOne(p + i, g + i, m + i, v + i);
                p[i] = MathF.FusedMultiplyAdd(-learningRate, step, p[i] * shrink);
            }
        }
    }

    /// <summary>
    /// gradientSum = fma(decay, p, direction): what LAMB (You et al. 2019) scales by its trust ratio; its coefficients
    /// have no weight decay. The parameters stay.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LambDirection(ReadOnlySpan<float> parameters, Span<float> gradientSum, Span<float> mean,
        Span<float> meanSquare, in AdamCoefficients coefficients, float decay)
    {
        CheckLengths(parameters.Length, gradientSum.Length, mean.Length, meanSquare.Length);
        fixed (float* p = parameters, g = gradientSum, m = mean, v = meanSquare)
        {
            int i = 0;
            var direction = new Direction(coefficients);
            Vector256<float> pull = Vector256.Create(decay);
            for (; i <= parameters.Length - Lanes.Count; i += Lanes.Count)
                Fma.MultiplyAdd(pull, Vector256.Load(p + i), direction.OfEight(p + i, g + i, m + i, v + i))
                    .Store(g + i);
            for (; i < parameters.Length; i++)
                g[i] = MathF.FusedMultiplyAdd(decay, p[i], direction.OfOne(p + i, g + i, m + i, v + i));
        }
    }

    private static void CheckLengths(int parameters, int gradient, int mean, int meanSquare)
    {
        Check.Length(gradient, parameters, "gradientSum");
        Check.Length(mean, parameters, nameof(mean));
        Check.Length(meanSquare, parameters, nameof(meanSquare));
    }

    private readonly struct Direction(in AdamCoefficients c)
    {
        private readonly AdamCoefficients _c = c;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public float OfOne(float* parameter, float* gradient, float* mean, float* meanSquare)
        {
            float g = MathF.FusedMultiplyAdd(_c.WeightDecay, *parameter, *gradient * _c.GradientScale);
            *mean = MathF.FusedMultiplyAdd(_c.Beta1, *mean, _c.Rest1 * g);
            *meanSquare = MathF.FusedMultiplyAdd(_c.Beta2, *meanSquare, _c.Rest2 * g * g);
            float root = MathF.FusedMultiplyAdd(MathF.Sqrt(*meanSquare), _c.RootCorrection, _c.Epsilon);
            return *mean * _c.MeanCorrection / root;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<float> OfEight(float* parameter, float* gradient, float* mean, float* meanSquare)
        {
            Vector256<float> g = Fma.MultiplyAdd(Vector256.Create(_c.WeightDecay), Vector256.Load(parameter),
                Vector256.Load(gradient) * Vector256.Create(_c.GradientScale));
            Vector256<float> m = Fma.MultiplyAdd(Vector256.Create(_c.Beta1), Vector256.Load(mean),
                Vector256.Create(_c.Rest1) * g);
            Vector256<float> v = Fma.MultiplyAdd(Vector256.Create(_c.Beta2), Vector256.Load(meanSquare),
                Vector256.Create(_c.Rest2) * g * g);
            m.Store(mean);
            v.Store(meanSquare);
            Vector256<float> root = Fma.MultiplyAdd(Vector256.Sqrt(v), Vector256.Create(_c.RootCorrection),
                Vector256.Create(_c.Epsilon));
            return m * Vector256.Create(_c.MeanCorrection) / root;
        }
    }
}
