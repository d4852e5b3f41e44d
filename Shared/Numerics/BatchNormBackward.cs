using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Numerics;

/// <summary>
/// The gradients of a batch norm whose statistics are those of the same samples. With d the output's gradient, behind
/// the mask of a ReLU where there is one, x' = (input - mean) / deviation and n pixels: biasGradient = sum of d,
/// weightGradient = sum of d x', inputGradient = weight / deviation (d - biasGradient / n - x' weightGradient / n).
/// <para>
/// Sums are taken in float within blocks of pixels as <see cref="BatchNorm"/> says, and over blocks in double.
/// </para>
/// </summary>
public static unsafe class BatchNormBackward
{
    /// <summary>Floats of scratch that <see cref="Run"/> needs: two doubles and three floats a channel.</summary>
    public static int ScratchLength(int channels) => checked(7 * channels);

    /// <summary>
    /// Computes all three gradients; those of weight and bias are overwritten. The input's gradient may be the memory
    /// of the input, which it then overwrites.
    /// </summary>
    /// <param name="s">The channels.</param>
    /// <param name="pixels">Pixels of all samples.</param>
    /// <param name="input">The forward pass's input.</param>
    /// <param name="coefficients">Its coefficients, by the statistics of these samples.</param>
    /// <param name="relu">Whether ReLU followed.</param>
    /// <param name="output">
    /// The forward pass's output where it had a shortcut and ReLU: the gradient of the output is then masked in place
    /// and afterwards is also the shortcut's. Empty otherwise.
    /// </param>
    /// <param name="outputGradient">Pixels at the output's pitch.</param>
    /// <param name="weight">The scale of each channel.</param>
    /// <param name="weightGradient">Overwritten.</param>
    /// <param name="biasGradient">Overwritten.</param>
    /// <param name="inputGradient">Pixels at the input's pitch; empty: it isn't wanted.</param>
    /// <param name="accumulate">Whether to add to the input's gradient rather than overwrite it.</param>
    /// <param name="scratch">At least <see cref="ScratchLength"/> floats.</param>
    public static void Run(in BatchNormShape s, int pixels, ReadOnlySpan<float> input,
        ReadOnlySpan<float> coefficients, bool relu, ReadOnlySpan<float> output, Span<float> outputGradient,
        ReadOnlySpan<float> weight, Span<float> weightGradient, Span<float> biasGradient, Span<float> inputGradient,
        bool accumulate, Span<float> scratch)
    {
        int channels = s.Channels;
        Check.Shape(s, pixels);
        Check.Pixels(input.Length, pixels, channels, s.InPitch, nameof(input));
        Check.Length(coefficients.Length, BatchNormForward.CoefficientsLength(channels), nameof(coefficients));
        if (!output.IsEmpty)
            Check.Pixels(output.Length, pixels, channels, s.OutPitch, nameof(output));
        Check.Pixels(outputGradient.Length, pixels, channels, s.OutPitch, nameof(outputGradient));
        Check.Length(weight.Length, channels, nameof(weight));
        Check.Length(weightGradient.Length, channels, nameof(weightGradient));
        Check.Length(biasGradient.Length, channels, nameof(biasGradient));
        if (!inputGradient.IsEmpty)
            Check.Pixels(inputGradient.Length, pixels, channels, s.InPitch, nameof(inputGradient));
        Check.Scratch(scratch.Length, ScratchLength(channels));
        scratch[..(4 * channels)].Clear();
        fixed (float* x = input, k = coefficients, y = output, dy = outputGradient, dx = inputGradient,
            space = scratch, w = weight, dw = weightGradient, db = biasGradient)
        {
            var arguments = new Arguments(s, x, k, relu && y == null, y, dy, dx, accumulate, (double*)space);
            for (int p = 0; p < pixels; p += BatchNorm.Block)
                arguments.Sum(p, Math.Min(BatchNorm.Block, pixels - p));
            arguments.Finish(pixels, w, dw, db);
            for (int p = 0; p < pixels && dx != null; p += BatchNorm.Block)
                arguments.Apply(p, Math.Min(BatchNorm.Block, pixels - p));
        }
    }

    private readonly struct Arguments(in BatchNormShape s, float* x, float* k, bool recompute, float* y, float* dy,
        float* dx, bool accumulate, double* sums)
    {
        private readonly int _channels = s.Channels;
        private readonly nint _inStep = s.InPitch, _outStep = s.OutPitch;
        private readonly float* _factors = (float*)(sums + 2 * s.Channels);

        /// <summary>Adds d and d (x - mean) of a block of pixels to the sums, and masks in place where y is.</summary>
        public void Sum(nint first, int pixels)
        {
            if (_channels >= Lanes.Count)
            {
                for (int c = 0; c < _channels; c += Lanes.Count)
                    SumEight(first, pixels, BatchNorm.Start(c, _channels), BatchNorm.OwnLanes(c, _channels));
                return;
            }
            for (int c = 0; c < _channels; c++)
            {
                float even = 0, odd = 0, evenDot = 0, oddDot = 0;
                for (int p = 0; p < pixels; p++)
                {
                    float value = x[(first + p) * _inStep + c], d = Masked((first + p) * _outStep + c, c, value);
                    value -= k[2 * _channels + c];
                    if (p % 2 == 0)
                        (even, evenDot) = (even + d, MathF.FusedMultiplyAdd(d, value, evenDot));
                    else
                        (odd, oddDot) = (odd + d, MathF.FusedMultiplyAdd(d, value, oddDot));
                    if (y != null)
                        dy[(first + p) * _outStep + c] = d;
                }
                sums[c] += even + odd;
                sums[_channels + c] += evenDot + oddDot;
            }
        }

        /// <summary>
        /// The gradients of weight and bias, and the factors of dx = fma(a, d, fma(b, x - mean, c)).
        /// </summary>
        public void Finish(int pixels, float* w, float* dw, float* db)
        {
            for (int c = 0; c < _channels; c++)
            {
                double inverse = k[3 * _channels + c], scale = w[c] * inverse;
                db[c] = (float)sums[c];
                dw[c] = (float)(sums[_channels + c] * inverse);
                _factors[c] = (float)scale;
                _factors[_channels + c] = (float)(-scale * inverse * inverse * sums[_channels + c] / pixels);
                _factors[2 * _channels + c] = (float)(-scale * sums[c] / pixels);
            }
        }

        public void Apply(nint first, int pixels)
        {
            if (_channels >= Lanes.Count)
            {
                for (int c = 0; c < _channels; c += Lanes.Count)
                {
                    int start = BatchNorm.Start(c, _channels);
                    ApplyEight(first, pixels, start, BatchNorm.OwnLanes(c, _channels), start == c);
                }
                return;
            }
            for (nint p = first; p < first + pixels; p++)
                for (int c = 0; c < _channels; c++)
                {
                    float value = x[p * _inStep + c], d = Masked(p * _outStep + c, c, value);
                    float gradient = MathF.FusedMultiplyAdd(_factors[c], d, MathF.FusedMultiplyAdd(
                        _factors[_channels + c], value - k[2 * _channels + c], _factors[2 * _channels + c]));
                    float* target = dx + p * _inStep + c;
                    *target = accumulate ? *target + gradient : gradient;
                }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private float Masked(nint place, int c, float value)
        {
            float by = recompute ? MathF.FusedMultiplyAdd(value, k[c], k[_channels + c])
                : y != null ? y[place] : 1;
            return by <= 0 ? 0 : dy[place];
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void SumEight(nint first, int pixels, int start, Vector256<float> own)
        {
            float* input = x + first * _inStep + start, gradient = dy + first * _outStep + start;
            float* output = y == null ? null : y + first * _outStep + start;
            nint inStep = _inStep, outStep = _outStep;
            Vector256<float> scale = Vector256.Load(k + start), shift = Vector256.Load(k + _channels + start);
            Vector256<float> mean = Vector256.Load(k + 2 * _channels + start);
            Vector256<float> even = default, odd = default, evenDot = default, oddDot = default;
            int p = 0;
            for (; p < pixels - 1; p += 2, input += 2 * inStep, gradient += 2 * outStep)
            {
                Vector256<float> value = Vector256.Load(input), next = Vector256.Load(input + inStep);
                Vector256<float> d = Vector256.Load(gradient), e = Vector256.Load(gradient + outStep);
                if (recompute)
                {
                    d = Relu.Select(Fma.MultiplyAdd(value, scale, shift), d);
                    e = Relu.Select(Fma.MultiplyAdd(next, scale, shift), e);
                }
                else if (output != null)
                {
                    d = Relu.Select(Vector256.Load(output), d);
                    e = Relu.Select(Vector256.Load(output + outStep), e);
                    d.Store(gradient);
                    e.Store(gradient + outStep);
                    output += 2 * outStep;
                }
                even += d;
                odd += e;
                evenDot = Fma.MultiplyAdd(d, value - mean, evenDot);
                oddDot = Fma.MultiplyAdd(e, next - mean, oddDot);
            }
            if (p < pixels)
            {
                Vector256<float> value = Vector256.Load(input), d = Vector256.Load(gradient);
                if (recompute)
                    d = Relu.Select(Fma.MultiplyAdd(value, scale, shift), d);
                else if (output != null)
                {
                    d = Relu.Select(Vector256.Load(output), d);
                    d.Store(gradient);
                }
                even += d;
                evenDot = Fma.MultiplyAdd(d, value - mean, evenDot);
            }
            Vector256<float> sum = (even + odd) & own, dot = (evenDot + oddDot) & own;
            BatchNorm.AddTo(sums + start, Avx.ConvertToVector256Double(sum.GetLower()),
                Avx.ConvertToVector256Double(sum.GetUpper()));
            BatchNorm.AddTo(sums + _channels + start, Avx.ConvertToVector256Double(dot.GetLower()),
                Avx.ConvertToVector256Double(dot.GetUpper()));
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void ApplyEight(nint first, int pixels, int start, Vector256<float> own, bool whole)
        {
            float* input = x + first * _inStep + start, target = dx + first * _inStep + start;
            float* gradient = dy + first * _outStep + start;
            nint inStep = _inStep, outStep = _outStep;
            Vector256<float> scale = Vector256.Load(k + start), shift = Vector256.Load(k + _channels + start);
            Vector256<float> mean = Vector256.Load(k + 2 * _channels + start);
            Vector256<float> a = Vector256.Load(_factors + start), b = Vector256.Load(_factors + _channels + start);
            Vector256<float> c = Vector256.Load(_factors + 2 * _channels + start);
            for (int p = 0; p < pixels; p++, input += inStep, gradient += outStep, target += inStep)
            {
                Vector256<float> value = Vector256.Load(input), d = Vector256.Load(gradient);
                if (recompute)
                    d = Relu.Select(Fma.MultiplyAdd(value, scale, shift), d);
                d = Fma.MultiplyAdd(a, d, Fma.MultiplyAdd(b, value - mean, c));
                if (accumulate)
                    d = Vector256.Load(target) + d;
                // What the vector before wrote must stay: it may have been the input.
                if (!whole)
                    d = Vector256.ConditionalSelect(own, d, Vector256.Load(target));
                d.Store(target);
            }
        }
    }
}
