using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Numerics;

/// <summary>One step of RMSProp (Tieleman and Hinton 2012) by the formula of torch.optim.RMSprop.</summary>
public static unsafe class RmsPropUpdate
{
    /// <summary>
    /// g = fma(wd, p, sum scale); v = fma(a, v, ((1 - a) g) g); d = g / (sqrt(v) + epsilon); with momentum
    /// buf = fma(mu, buf, d), d = buf; p = fma(-rate, d, p). The blocks start at 0; the buffer is empty if and only if
    /// <paramref name="momentum"/> is 0. <paramref name="rest"/> is 1 - a, rounded from double.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(Span<float> parameters, ReadOnlySpan<float> gradientSum, Span<float> meanSquare,
        Span<float> momentumBuffer, float gradientScale, float learningRate, float alpha, float rest, float epsilon,
        float momentum, float weightDecay)
    {
        Check.Length(gradientSum.Length, parameters.Length, nameof(gradientSum));
        Check.Length(meanSquare.Length, parameters.Length, nameof(meanSquare));
        Check.Length(momentumBuffer.Length, momentum == 0 ? 0 : parameters.Length, nameof(momentumBuffer));
        fixed (float* p = parameters, g = gradientSum, v = meanSquare, buffer = momentumBuffer)
        {
            int i = 0;
            var step = new Step(gradientScale, learningRate, alpha, rest, epsilon, momentum, weightDecay);
            for (; i <= parameters.Length - Lanes.Count; i += Lanes.Count)
                step.RunEight(p + i, g + i, v + i, buffer == null ? null : buffer + i);
            for (; i < parameters.Length; i++)
                step.RunOne(p + i, g + i, v + i, buffer == null ? null : buffer + i);
        }
    }

    private readonly struct Step(
        float scale, float rate, float alpha, float rest, float epsilon, float momentum, float decay)
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void RunOne(float* parameter, float* gradient, float* meanSquare, float* buffer)
        {
            float g = MathF.FusedMultiplyAdd(decay, *parameter, *gradient * scale);
            *meanSquare = MathF.FusedMultiplyAdd(alpha, *meanSquare, rest * g * g);
            float d = g / (MathF.Sqrt(*meanSquare) + epsilon);
            if (buffer != null)
                d = *buffer = MathF.FusedMultiplyAdd(momentum, *buffer, d);
            *parameter = MathF.FusedMultiplyAdd(-rate, d, *parameter);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void RunEight(float* parameter, float* gradient, float* meanSquare, float* buffer)
        {
            Vector256<float> p = Vector256.Load(parameter);
            Vector256<float> g = Fma.MultiplyAdd(Vector256.Create(decay), p,
                Vector256.Load(gradient) * Vector256.Create(scale));
            Vector256<float> v = Fma.MultiplyAdd(Vector256.Create(alpha), Vector256.Load(meanSquare),
                Vector256.Create(rest) * g * g);
            v.Store(meanSquare);
            Vector256<float> d = g / (Vector256.Sqrt(v) + Vector256.Create(epsilon));
            if (buffer != null)
            {
                d = Fma.MultiplyAdd(Vector256.Create(momentum), Vector256.Load(buffer), d);
                d.Store(buffer);
            }
            Fma.MultiplyAdd(Vector256.Create(-rate), d, p).Store(parameter);
        }
    }
}
