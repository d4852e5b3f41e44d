using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Numerics;

/// <summary>One step of stochastic gradient descent with momentum, by the formula of torch.optim.SGD.</summary>
public static unsafe class SgdUpdate
{
    /// <summary>
    /// d = fma(wd, p, g scale); buf = fma(mu, buf, d); p = fma(-lr, nesterov ? fma(mu, buf, d) : buf, p).
    /// The buffer starts at 0; it is empty if and only if <paramref name="momentum"/> is 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(Span<float> parameters, ReadOnlySpan<float> gradientSum, Span<float> momentumBuffer,
        float gradientScale, float learningRate, float momentum, float weightDecay, bool nesterov)
    {
        Check.Length(gradientSum.Length, parameters.Length, nameof(gradientSum));
        Check.Length(momentumBuffer.Length, momentum == 0 ? 0 : parameters.Length, nameof(momentumBuffer));
        fixed (float* p = parameters, g = gradientSum, buffer = momentumBuffer)
        {
            int i = 0;
            var step = new Step(gradientScale, learningRate, momentum, weightDecay, nesterov);
            for (; i <= parameters.Length - Lanes.Count; i += Lanes.Count)
            {
                if (i % CacheLines.Length == 0)
                {
                    CacheLines.Prefetch(p + i + CacheLines.Ahead);
                    CacheLines.Prefetch(g + i + CacheLines.Ahead);
                    CacheLines.Prefetch(buffer + i + CacheLines.Ahead);
                }

                step.RunEight(p + i, g + i, buffer == null ? null : buffer + i);
            }

            for (; i < parameters.Length; i++)
                step.RunOne(p + i, g + i, buffer == null ? null : buffer + i);
        }
    }

    private readonly struct Step(float scale, float rate, float momentum, float decay, bool nesterov)
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void RunOne(float* parameter, float* gradient, float* buffer)
        {
            float d = MathF.FusedMultiplyAdd(decay, *parameter, *gradient * scale);
            if (buffer != null)
            {
                *buffer = MathF.FusedMultiplyAdd(momentum, *buffer, d);
                d = nesterov ? MathF.FusedMultiplyAdd(momentum, *buffer, d) : *buffer;
            }
            *parameter = MathF.FusedMultiplyAdd(-rate, d, *parameter);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void RunEight(float* parameter, float* gradient, float* buffer)
        {
            Vector256<float> p = Vector256.Load(parameter), mu = Vector256.Create(momentum);
            Vector256<float> d = Fma.MultiplyAdd(Vector256.Create(decay), p,
                Vector256.Load(gradient) * Vector256.Create(scale));
            if (buffer != null)
            {
                Vector256<float> next = Fma.MultiplyAdd(mu, Vector256.Load(buffer), d);
                next.Store(buffer);
                d = nesterov ? Fma.MultiplyAdd(mu, next, d) : next;
            }
            Fma.MultiplyAdd(Vector256.Create(-rate), d, p).Store(parameter);
        }
    }
}
