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
            if (InstructionSet.HasAvx512)
                Run<Vector512<float>, Simd512>(arguments, pixels, w, dw, db);
            else if (InstructionSet.HasAvx2)
                Run<Vector256<float>, Simd256>(arguments, pixels, w, dw, db);
            else
                Run<float, Scalar>(arguments, pixels, w, dw, db);
        }
    }

    private static void Run<TVector, TSimd>(in Arguments arguments, int pixels, float* w, float* dw, float* db)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
    {
        int channels = arguments.Channels, last = (pixels - 1) / BatchNorm.Block * BatchNorm.Block;
        for (int p = 0; p < pixels; p += BatchNorm.Block)
            for (int c = 0; c < channels; c += TSimd.Count)
                arguments.Sum<TVector, TSimd>(p, Math.Min(BatchNorm.Block, pixels - p), c);
        arguments.Finish(pixels, w, dw, db);
        if (!arguments.HasInputGradient)
            return;
        // From the end, which the sums left in the caches.
        for (int p = last; p >= 0; p -= BatchNorm.Block)
            for (int c = 0; c < channels; c += TSimd.Count)
                arguments.Apply<TVector, TSimd>(p, Math.Min(BatchNorm.Block, pixels - p), c);
    }

    private readonly struct Arguments(in BatchNormShape s, float* x, float* k, bool recompute, float* y, float* dy,
        float* dx, bool accumulate, double* sums)
    {
        private readonly nint _inStep = s.InPitch, _outStep = s.OutPitch;
        private readonly float* _factors = (float*)(sums + 2 * s.Channels);

        public int Channels { get; } = s.Channels;

        public bool HasInputGradient => dx != null;

        /// <summary>
        /// Adds d and d (x - mean) of a block of pixels to the sums of a vector of channels, and masks in place where y
        /// is. The next block's are fetched meanwhile: the processor foresees no such strides.
        /// </summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Sum<TVector, TSimd>(nint first, int pixels, int c)
            where TVector : struct
            where TSimd : struct, ISimd<TVector>
        {
            int lanes = Channels - c;
            nint inStep = _inStep, outStep = _outStep, inAhead = BatchNorm.Block * inStep;
            nint outAhead = BatchNorm.Block * outStep;
            float* input = x + first * inStep + c, gradient = dy + first * outStep + c;
            float* output = y == null ? null : y + first * outStep + c;
            TVector scale = TSimd.Load(k + c, lanes), shift = TSimd.Load(k + Channels + c, lanes);
            TVector mean = TSimd.Load(k + 2 * Channels + c, lanes);
            TVector even = default, odd = default, evenDot = default, oddDot = default;
            for (int p = 0; p < pixels; p += 2)
            {
                Prefetch(input + inAhead, gradient + outAhead);
                TVector value = TSimd.Load(input, lanes);
                TVector d = Masked<TVector, TSimd>(value, scale, shift, gradient, output, lanes);
                even = TSimd.Add(even, d);
                evenDot = TSimd.MultiplyAdd(d, TSimd.Subtract(value, mean), evenDot);
                if (p == pixels - 1)
                    break;
                input += inStep;
                gradient += outStep;
                output = output == null ? null : output + outStep;
                Prefetch(input + inAhead, gradient + outAhead);
                value = TSimd.Load(input, lanes);
                d = Masked<TVector, TSimd>(value, scale, shift, gradient, output, lanes);
                odd = TSimd.Add(odd, d);
                oddDot = TSimd.MultiplyAdd(d, TSimd.Subtract(value, mean), oddDot);
                input += inStep;
                gradient += outStep;
                output = output == null ? null : output + outStep;
            }
            TSimd.AddTo(sums + c, TSimd.Add(even, odd), lanes);
            TSimd.AddTo(sums + Channels + c, TSimd.Add(evenDot, oddDot), lanes);
        }

        /// <summary>
        /// The gradients of weight and bias, and the factors of dx = fma(a, d, fma(b, x - mean, c)).
        /// </summary>
        public void Finish(int pixels, float* w, float* dw, float* db)
        {
            for (int c = 0; c < Channels; c++)
            {
                double inverse = k[3 * Channels + c], scale = w[c] * inverse;
                db[c] = (float)sums[c];
                dw[c] = (float)(sums[Channels + c] * inverse);
                _factors[c] = (float)scale;
                _factors[Channels + c] = (float)(-scale * inverse * inverse * sums[Channels + c] / pixels);
                _factors[2 * Channels + c] = (float)(-scale * sums[c] / pixels);
            }
        }

        /// <summary>The input's gradient of a block of pixels; the block before is fetched meanwhile.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Apply<TVector, TSimd>(nint first, int pixels, int c)
            where TVector : struct
            where TSimd : struct, ISimd<TVector>
        {
            int lanes = Channels - c;
            nint inStep = _inStep, outStep = _outStep, inBehind = BatchNorm.Block * inStep;
            nint outBehind = BatchNorm.Block * outStep;
            float* input = x + first * inStep + c, target = dx + first * inStep + c;
            float* gradient = dy + first * outStep + c;
            TVector scale = TSimd.Load(k + c, lanes), shift = TSimd.Load(k + Channels + c, lanes);
            TVector mean = TSimd.Load(k + 2 * Channels + c, lanes), a = TSimd.Load(_factors + c, lanes);
            TVector b = TSimd.Load(_factors + Channels + c, lanes);
            TVector constant = TSimd.Load(_factors + 2 * Channels + c, lanes);
            for (int p = 0; p < pixels; p++, input += inStep, gradient += outStep, target += inStep)
            {
                Prefetch(input - inBehind, gradient - outBehind);
                if (accumulate && Sse.IsSupported)
                    Sse.Prefetch1(target - inBehind);
                TVector value = TSimd.Load(input, lanes), d = TSimd.Load(gradient, lanes);
                if (recompute)
                    d = TSimd.ReluMask(TSimd.MultiplyAdd(value, scale, shift), d);
                d = TSimd.MultiplyAdd(a, d, TSimd.MultiplyAdd(b, TSimd.Subtract(value, mean), constant));
                if (accumulate)
                    d = TSimd.Add(TSimd.Load(target, lanes), d);
                TSimd.Store(target, d, lanes);
            }
        }

        /// <summary>The output's gradient behind the mask of a ReLU.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private TVector Masked<TVector, TSimd>(TVector value, TVector scale, TVector shift, float* gradient,
            float* output, int lanes)
            where TVector : struct
            where TSimd : struct, ISimd<TVector>
        {
            TVector d = TSimd.Load(gradient, lanes);
            if (recompute)
                return TSimd.ReluMask(TSimd.MultiplyAdd(value, scale, shift), d);
            if (output == null)
                return d;
            d = TSimd.ReluMask(TSimd.Load(output, lanes), d);
            TSimd.Store(gradient, d, lanes);
            return d;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Prefetch(float* input, float* gradient)
        {
            if (!Sse.IsSupported)
                return;
            Sse.Prefetch1(input);
            Sse.Prefetch1(gradient);
        }
    }
}
