using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Numerics;

/// <summary>
/// Maximum over a window of NHWC activations. Of equal elements the first in row-major order wins, NaN wins over
/// everything (the first NaN); padding never wins. An index is kh KernelWidth + kw within the window.
/// </summary>
public static unsafe class MaxPool
{
    private const int MaxPlaces = 256;

    /// <summary>Writes the maxima and, for <see cref="Backward"/>, where each was found.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(in PoolShape s, int batch, ReadOnlySpan<float> input, Span<float> output,
        Span<byte> indices)
    {
        Check.Shape(s);
        Check.Batch(batch);
        Check.Tensors(s, batch, input.Length, nameof(input), output.Length, nameof(output));
        Check.Length(indices.Length, checked(batch * s.OutputLength), nameof(indices));
        int height = s.OutHeight, width = s.OutWidth, channels = s.Channels, pitch = s.OutPitch;
        nint inputStep = (nint)s.InHeight * s.InWidth * s.InPitch;
        nint* offsets = stackalloc nint[MaxPlaces];
        byte* places = stackalloc byte[MaxPlaces];
        var window = new PoolWindow(s, offsets, places);
        fixed (float* x = input, y = output)
        fixed (byte* where = indices)
            for (int n = 0, o = 0, w = 0; n < batch; n++)
                for (int oh = 0; oh < height; oh++)
                    for (int ow = 0; ow < width; ow++, o += pitch, w += channels)
                    {
                        nint start = n * inputStep + window.MoveTo(oh, ow);
                        // The last vector may reach into the next pixel, which overwrites what it wrote there.
                        nint written = pitch == channels ? output.Length - o : channels;
                        nint room = Math.Min(input.Length - start - window.Last, written) - Lanes.Count;
                        int c = 0;
                        for (; c <= channels - 4L * Lanes.Count; c += 4 * Lanes.Count)
                            BestOfFourVectors(window, x + start + c, y + o + c, where + w + c);
                        for (; c < channels && c <= room; c += Lanes.Count)
                            BestOfEight(window, x + start + c, y + o + c, where + w + c);
                        for (; c < channels; c++)
                            Best(window, x + start + c, y + o + c, where + w + c);
                    }
    }

    /// <summary>
    /// Adds each output gradient to the input that won; the input gradient is overwritten, or added to in memory.
    /// </summary>
    public static void Backward(in PoolShape s, int batch, ReadOnlySpan<float> outputGradient,
        ReadOnlySpan<byte> indices, Span<float> inputGradient, bool accumulate = false)
    {
        Check.Shape(s);
        Check.Batch(batch);
        Check.Tensors(
            s, batch, inputGradient.Length, nameof(inputGradient), outputGradient.Length, nameof(outputGradient));
        Check.Length(indices.Length, checked(batch * s.OutputLength), nameof(indices));
        bool disjoint = !accumulate && s.StrideHeight >= s.KernelHeight && s.StrideWidth >= s.KernelWidth
            && s.PadHeight + s.PadWidth == 0
            && (s.OutHeight - 1) * s.StrideHeight + s.KernelHeight <= s.InHeight
            && (s.OutWidth - 1) * s.StrideWidth + s.KernelWidth <= s.InWidth;
        bool tiled = disjoint && s.StrideHeight * s.OutHeight == s.InHeight && s.StrideWidth * s.OutWidth == s.InWidth
            && s.StrideHeight == s.KernelHeight && s.StrideWidth == s.KernelWidth;
        nint rest = inputGradient.Length;
        int imagePixels = s.InHeight * s.InWidth, outputPixels = s.OutHeight * s.OutWidth;
        fixed (float* dy = outputGradient, dx = inputGradient)
        fixed (byte* where = indices)
            for (int n = 0; n < batch; n++, rest -= (nint)imagePixels * s.InPitch)
            {
                float* image = dx + (nint)n * imagePixels * s.InPitch;
                float* gradient = dy + (nint)n * outputPixels * s.OutPitch;
                byte* winners = where + (nint)n * s.OutputLength;
                if (!tiled && !accumulate)
                    Pixels.Clear(image, s.InPitch, imagePixels, s.Channels);
                if (disjoint)
                    ScatterDisjoint(s, gradient, winners, image, s.InPitch == s.Channels ? rest : 0,
                        indices.Length - n * s.OutputLength);
                else
                    Scatter(s, gradient, winners, image);
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void BestOfEight(in PoolWindow w, float* x, float* y, byte* where)
    {
        var best = new VectorBest(x + w.Offsets[0], w.Places[0]);
        for (int k = 1; k < w.Count; k++)
            best.Consider(x + w.Offsets[k], Vector256.Create((int)w.Places[k]));
        best.Store(y, where);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void BestOfFourVectors(in PoolWindow w, float* x, float* y, byte* where)
    {
        float* first = x + w.Offsets[0];
        var best0 = new VectorBest(first, w.Places[0]);
        var best1 = new VectorBest(first + 8, w.Places[0]);
        var best2 = new VectorBest(first + 16, w.Places[0]);
        var best3 = new VectorBest(first + 24, w.Places[0]);
        for (int k = 1; k < w.Count; k++)
        {
            float* value = x + w.Offsets[k];
            Vector256<int> place = Vector256.Create((int)w.Places[k]);
            best0.Consider(value, place);
            best1.Consider(value + 8, place);
            best2.Consider(value + 16, place);
            best3.Consider(value + 24, place);
        }
        best0.Store(y, where);
        best1.Store(y + 8, where + 8);
        best2.Store(y + 16, where + 16);
        best3.Store(y + 24, where + 24);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Best(in PoolWindow w, float* x, float* y, byte* where)
    {
        float best = x[w.Offsets[0]];
        byte index = w.Places[0];
        for (int k = 1; k < w.Count; k++)
        {
            float value = x[w.Offsets[k]];
            if (value <= best || float.IsNaN(best))
                continue;
            best = value;
            index = w.Places[k];
        }
        *y = best;
        *where = index;
    }

    /// <summary>
    /// Every input lies in one window at most: the gradient or 0 is stored, in the order of memory, so that a vector
    /// may reach (with zeros) into what is written after it. rest (0 where other channels lie between) and outputs say
    /// how far memory goes.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScatterDisjoint(in PoolShape s, float* dy, byte* where, float* dx, nint rest, nint outputs)
    {
        int height = s.OutHeight, width = s.OutWidth, channels = s.Channels, kernelWidth = s.KernelWidth;
        nint pitch = s.InPitch, outPitch = s.OutPitch;
        for (int oh = 0; oh < height; oh++)
            for (int kh = 0; kh < s.KernelHeight; kh++)
            {
                nint row = ((nint)oh * s.StrideHeight + kh) * s.InWidth * pitch;
                nint o = (nint)oh * width;
                for (int ow = 0; ow < width; ow++, o++, row += (s.StrideWidth - kernelWidth) * pitch)
                    for (int kw = 0; kw < kernelWidth; kw++, row += pitch)
                        ScatterPlace(dy + o * outPitch, where + o * channels, dx + row, channels, kh * kernelWidth + kw,
                            rest == 0 ? channels : Math.Min(rest - row, outputs - o * channels));
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScatterPlace(float* dy, byte* where, float* dx, int channels, int place, nint room)
    {
        int c = 0;
        for (; c < channels && c <= room - Lanes.Count; c += Lanes.Count)
        {
            Vector256<int> won = Vector256.Equals(Avx2.ConvertToVector256Int32(where + c), Vector256.Create(place));
            if (channels - c < Lanes.Count)
                won &= Vector256.LessThan(Vector256<int>.Indices, Vector256.Create(channels - c));
            (won.AsSingle() & Vector256.Load(dy + c)).Store(dx + c);
        }
        for (; c < channels; c++)
            dx[c] = where[c] == place ? dy[c] : 0;
    }

    /// <summary>Windows overlap, or the image holds something: gradients are added, window by window.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scatter(in PoolShape s, float* dy, byte* where, float* dx)
    {
        int height = s.OutHeight, width = s.OutWidth, channels = s.Channels;
        nint* offsets = stackalloc nint[MaxPlaces];
        byte* places = stackalloc byte[MaxPlaces];
        var window = new PoolWindow(s, offsets, places);
        for (int oh = 0; oh < height; oh++)
            for (int ow = 0; ow < width; ow++, dy += s.OutPitch, where += channels)
            {
                float* target = dx + window.MoveTo(oh, ow);
                int c = 0;
                for (; c <= channels - Lanes.Count; c += Lanes.Count)
                    AddToWinners(window, dy + c, where + c, target + c);
                for (; c < channels; c++)
                {
                    nint row = where[c] / s.KernelWidth, column = where[c] % s.KernelWidth;
                    target[(row * s.InWidth + column) * s.InPitch + c] += dy[c];
                }
            }
    }

    /// <summary>Adds eight gradients, each to the element that won; the others keep their bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddToWinners(in PoolWindow w, float* dy, byte* where, float* dx)
    {
        Vector256<int> winners = Avx2.ConvertToVector256Int32(where);
        Vector256<float> gradient = Vector256.Load(dy);
        for (int k = 0; k < w.Count; k++)
        {
            float* at = dx + w.Offsets[k];
            Vector256<float> before = Vector256.Load(at);
            Vector256<int> won = Vector256.Equals(winners, Vector256.Create((int)w.Places[k]));
            Vector256.ConditionalSelect(won.AsSingle(), before + gradient, before).Store(at);
        }
    }

    /// <summary>The largest elements so far of eight channels, and their places.</summary>
    private struct VectorBest
    {
        private Vector256<float> _value;
        private Vector256<int> _place;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public VectorBest(float* first, byte place)
        {
            _value = Vector256.Load(first);
            _place = Vector256.Create((int)place);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Consider(float* candidate, Vector256<int> place)
        {
            Vector256<float> value = Vector256.Load(candidate);
            // Not (value <= best), but false where best is NaN: greater, or the first NaN.
            Vector256<float> wins = Vector256.AndNot(
                Vector256.Equals(_value, _value), Vector256.LessThanOrEqual(value, _value));
            _value = Vector256.ConditionalSelect(wins, value, _value);
            _place = Vector256.ConditionalSelect(wins.AsInt32(), place, _place);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Store(float* values, byte* places)
        {
            _value.Store(values);
            Vector128<short> narrow = Sse2.PackSignedSaturate(_place.GetLower(), _place.GetUpper());
            Unsafe.WriteUnaligned(places, Sse2.PackUnsignedSaturate(narrow, narrow).AsUInt64().ToScalar());
        }
    }
}
