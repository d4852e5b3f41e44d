namespace Distributed.Numerics;

/// <summary>One step of stochastic gradient descent with momentum, by the formula of torch.optim.SGD.</summary>
public static class SgdUpdate
{
    /// <summary>
    /// d = fma(wd, p, g scale); buf = fma(mu, buf, d); p = fma(-lr, nesterov ? fma(mu, buf, d) : buf, p).
    /// The buffer starts at 0; it is empty if and only if <paramref name="momentum"/> is 0.
    /// </summary>
    public static void Run(Span<float> parameters, ReadOnlySpan<float> gradientSum, Span<float> momentumBuffer,
        float gradientScale, float learningRate, float momentum, float weightDecay, bool nesterov)
    {
        Check.Length(gradientSum.Length, parameters.Length, nameof(gradientSum));
        Check.Length(momentumBuffer.Length, momentum == 0 ? 0 : parameters.Length, nameof(momentumBuffer));
        for (int i = 0; i < parameters.Length; i++)
        {
            float p = parameters[i];
            float d = MathF.FusedMultiplyAdd(weightDecay, p, gradientSum[i] * gradientScale);
            if (momentum != 0)
            {
                float buffer = MathF.FusedMultiplyAdd(momentum, momentumBuffer[i], d);
                momentumBuffer[i] = buffer;
                d = nesterov ? MathF.FusedMultiplyAdd(momentum, buffer, d) : buffer;
            }
            parameters[i] = MathF.FusedMultiplyAdd(-learningRate, d, p);
        }
    }
}
