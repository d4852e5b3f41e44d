namespace Distributed.Numerics;

/// <summary>
/// A batch norm and the ReLU behind it, applied as tiles are read rather than in a pass of their own: max(fma(x, scale,
/// shift), 0) of the pixel's channel, the bits of <see cref="BatchNormForward"/>. What is outside the image stays 0.
/// </summary>
/// <param name="scale">Of every channel; null: there is no norm.</param>
/// <param name="shift">Of every channel.</param>
internal readonly unsafe struct InputNorm(float* scale, float* shift)
{
    /// <summary>The norm whose coefficients start at a place; null: none.</summary>
    public static InputNorm Of(float* coefficients, int channels) =>
        coefficients == null ? default : new InputNorm(coefficients, coefficients + channels);

    /// <summary>Whether there is one.</summary>
    public bool Exists => scale != null;

    /// <summary>That of the channels from one on.</summary>
    public InputNorm At(int channel) => scale == null ? this : new InputNorm(scale + channel, shift + channel);

    /// <summary>The scales of some channels.</summary>
    public TVector Scale<TVector, TSimd>(int channel, int lanes)
        where TVector : struct
        where TSimd : struct, ISimd<TVector> => TSimd.Load(scale + channel, lanes);

    /// <summary>The shifts of some channels.</summary>
    public TVector Shift<TVector, TSimd>(int channel, int lanes)
        where TVector : struct
        where TSimd : struct, ISimd<TVector> => TSimd.Load(shift + channel, lanes);
}
