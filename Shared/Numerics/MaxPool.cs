using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Distributed.Numerics;

/// <summary>
/// Maximum over a window of NHWC activations. Of equal elements the first in row-major order wins, NaN wins over
/// everything (the first NaN); padding never wins. An index is kh KernelWidth + kw within the window.
/// </summary>
public static unsafe class MaxPool
{
    /// <summary>Writes the maxima and, for <see cref="Backward"/>, where each was found.</summary>
    public static void Forward(in PoolShape s, int batch, ReadOnlySpan<float> input, Span<float> output, Span<byte> indices)
    {
        Check.Shape(s);
        Check.Batch(batch);
        Check.Length(input.Length, checked(batch * s.InputLength), nameof(input));
        Check.Length(output.Length, checked(batch * s.OutputLength), nameof(output));
        Check.Length(indices.Length, output.Length, nameof(indices));
        int height = s.OutHeight, width = s.OutWidth;
        fixed (float* x = input, y = output)
        fixed (byte* where = indices)
            for (int n = 0, o = 0; n < batch; n++)
                for (int oh = 0; oh < height; oh++)
                    for (int ow = 0; ow < width; ow++, o += s.Channels)
                    {
                        Window w = Window.At(s, n, oh, ow);
                        int c = 0;
                        // The vector may reach into the next pixel, which overwrites what it wrote there.
                        for (; c < s.Channels && w.Last + c <= input.Length - Lanes.Count
                            && o + c <= output.Length - Lanes.Count; c += Lanes.Count)
                            BestOfEight(s, w, x + c, y + o + c, where + o + c);
                        for (; c < s.Channels; c++)
                            Best(s, w, x + c, y + o + c, where + o + c);
                    }
    }

    /// <summary>Adds each output gradient to the input that won; the input gradient is overwritten.</summary>
    public static void Backward(in PoolShape s, int batch, ReadOnlySpan<float> outputGradient, ReadOnlySpan<byte> indices,
        Span<float> inputGradient)
    {
        Check.Shape(s);
        Check.Batch(batch);
        Check.Length(outputGradient.Length, checked(batch * s.OutputLength), nameof(outputGradient));
        Check.Length(indices.Length, outputGradient.Length, nameof(indices));
        Check.Length(inputGradient.Length, checked(batch * s.InputLength), nameof(inputGradient));
        int height = s.OutHeight, width = s.OutWidth, inputLength = s.InputLength;
        fixed (float* dy = outputGradient, dx = inputGradient)
        fixed (byte* where = indices)
            for (int n = 0, o = 0; n < batch; n++)
            {
                new Span<float>(dx + (nint)n * inputLength, inputLength).Clear();
                for (int oh = 0; oh < height; oh++)
                    for (int ow = 0; ow < width; ow++, o += s.Channels)
                    {
                        Window w = Window.At(s, n, oh, ow);
                        int c = 0;
                        for (; c < s.Channels && w.Last + c <= inputGradient.Length - Lanes.Count
                            && o + c <= indices.Length - Lanes.Count; c += Lanes.Count)
                            ScatterEight(s, w, dy + o + c, where + o + c, dx + c, s.Channels - c);
                        for (; c < s.Channels; c++)
                            Scatter(s, w, dy[o + c], where[o + c], dx + c);
                    }
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void BestOfEight(in PoolShape s, in Window w, float* x, float* y, byte* where)
    {
        Vector256<float> best = Vector256.Load(x + w.First);
        Vector256<int> index = Vector256.Create(w.Kh0 * s.KernelWidth + w.Kw0);
        for (int kh = w.Kh0; kh < w.Kh1; kh++)
            for (int kw = w.Kw0; kw < w.Kw1; kw++)
            {
                Vector256<float> value = Vector256.Load(x + w.Start + kh * w.RowLength + kw * s.Channels);
                // Not (value <= best), but false where best is NaN: greater, or the first NaN.
                Vector256<float> wins = Vector256.AndNot(Vector256.Equals(best, best), Vector256.LessThanOrEqual(value, best));
                best = Vector256.ConditionalSelect(wins, value, best);
                index = Vector256.ConditionalSelect(wins.AsInt32(), Vector256.Create(kh * s.KernelWidth + kw), index);
            }
        best.Store(y);
        Vector256<short> narrow = Vector256.Narrow(index, index);
        Vector128<byte> bytes = Vector128.Narrow(narrow.GetLower(), narrow.GetLower()).AsByte();
        Unsafe.WriteUnaligned(where, bytes.AsUInt64().ToScalar());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Best(in PoolShape s, in Window w, float* x, float* y, byte* where)
    {
        float best = x[w.First];
        int index = w.Kh0 * s.KernelWidth + w.Kw0;
        for (int kh = w.Kh0; kh < w.Kh1; kh++)
            for (int kw = w.Kw0; kw < w.Kw1; kw++)
            {
                float value = x[w.Start + kh * w.RowLength + kw * s.Channels];
                if (value <= best || float.IsNaN(best))
                    continue;
                best = value;
                index = kh * s.KernelWidth + kw;
            }
        *y = best;
        *where = (byte)index;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScatterEight(in PoolShape s, in Window w, float* dy, byte* where, float* dx, int channels)
    {
        Vector128<byte> bytes = Vector128.CreateScalar(Unsafe.ReadUnaligned<ulong>(where)).AsByte();
        Vector128<ushort> words = Vector128.WidenLower(bytes);
        Vector256<int> index = Vector256.Create(Vector128.WidenLower(words), Vector128.WidenUpper(words)).AsInt32();
        // Lanes of the next pixel match nothing.
        index |= Vector256.GreaterThanOrEqual(Vector256<int>.Indices, Vector256.Create(channels));
        Vector256<float> gradient = Vector256.Load(dy);
        for (int kh = w.Kh0; kh < w.Kh1; kh++)
            for (int kw = w.Kw0; kw < w.Kw1; kw++)
            {
                float* target = dx + w.Start + kh * w.RowLength + kw * s.Channels;
                Vector256<float> won = Vector256.Equals(index, Vector256.Create(kh * s.KernelWidth + kw)).AsSingle();
                Vector256<float> before = Vector256.Load(target);
                Vector256.ConditionalSelect(won, before + gradient, before).Store(target);
            }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Scatter(in PoolShape s, in Window w, float gradient, byte where, float* dx) =>
        dx[w.Start + where / s.KernelWidth * w.RowLength + where % s.KernelWidth * s.Channels] += gradient;

    /// <summary>One window: the part of the kernel that lies inside the image, and where its elements are.</summary>
    private readonly struct Window
    {
        public int Kh0 { get; private init; }

        public int Kh1 { get; private init; }

        public int Kw0 { get; private init; }

        public int Kw1 { get; private init; }

        /// <summary>Offset of kernel element (0, 0), which may be in the padding.</summary>
        public nint Start { get; private init; }

        public nint RowLength { get; private init; }

        /// <summary>Offset of the first element inside.</summary>
        public nint First { get; private init; }

        /// <summary>Offset of the last element inside.</summary>
        public nint Last { get; private init; }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Window At(in PoolShape s, int n, int oh, int ow)
        {
            int ih = oh * s.StrideHeight - s.PadHeight, iw = ow * s.StrideWidth - s.PadWidth;
            int kh0 = Math.Max(0, -ih), kh1 = Math.Min(s.KernelHeight, s.InHeight - ih);
            int kw0 = Math.Max(0, -iw), kw1 = Math.Min(s.KernelWidth, s.InWidth - iw);
            nint rowLength = (nint)s.InWidth * s.Channels;
            nint start = ((nint)n * s.InHeight + ih) * rowLength + (nint)iw * s.Channels;
            return new Window
            {
                Kh0 = kh0,
                Kh1 = kh1,
                Kw0 = kw0,
                Kw1 = kw1,
                Start = start,
                RowLength = rowLength,
                First = start + kh0 * rowLength + (nint)kw0 * s.Channels,
                Last = start + (kh1 - 1) * rowLength + (nint)(kw1 - 1) * s.Channels,
            };
        }
    }
}
