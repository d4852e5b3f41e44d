using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Distributed.Numerics;

/// <summary>
/// Mean of every channel over the pixels of a sample of NHWC activations: pixels are added in order and multiplied by
/// 1 / pixels.
/// </summary>
public static unsafe class GlobalAveragePool
{
    /// <summary>
    /// output[n][c] = mean over p of input[n][p][c], where <paramref name="pixels"/> are those of one sample.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(int pixels, int channels, int batch, ReadOnlySpan<float> input, Span<float> output)
    {
        CheckLengths(pixels, channels, batch, input.Length, output.Length);
        float scale = 1f / pixels;
        nint length = (nint)pixels * channels;
        fixed (float* x = input, y = output)
            for (int n = 0; n < batch; n++)
            {
                float* image = x + n * length, target = y + (nint)n * channels;
                int c = 0;
                for (; c <= channels - Lanes.Count; c += Lanes.Count)
                {
                    Vector256<float> sum = default;
                    for (nint p = c; p < length; p += channels)
                        sum += Vector256.Load(image + p);
                    (sum * Vector256.Create(scale)).Store(target + c);
                }
                for (; c < channels; c++)
                {
                    float sum = 0;
                    for (nint p = c; p < length; p += channels)
                        sum += image[p];
                    target[c] = sum * scale;
                }
            }
    }

    /// <summary>inputGradient[n][p][c] = outputGradient[n][c] / pixels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(int pixels, int channels, int batch, ReadOnlySpan<float> outputGradient,
        Span<float> inputGradient)
    {
        CheckLengths(pixels, channels, batch, inputGradient.Length, outputGradient.Length);
        float scale = 1f / pixels;
        fixed (float* dy = outputGradient, dx = inputGradient)
        {
            float* target = dx;
            for (int n = 0; n < batch; n++)
                for (int p = 0; p < pixels; p++, target += channels)
                {
                    float* source = dy + (nint)n * channels;
                    int c = 0;
                    for (; c <= channels - Lanes.Count; c += Lanes.Count)
                        (Vector256.Load(source + c) * Vector256.Create(scale)).Store(target + c);
                    for (; c < channels; c++)
                        target[c] = source[c] * scale;
                }
        }
    }

    private static void CheckLengths(int pixels, int channels, int batch, int input, int output)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pixels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        Check.Batch(batch);
        Check.Length(input, checked(batch * pixels * channels), nameof(input));
        Check.Length(output, checked(batch * channels), nameof(output));
    }
}
