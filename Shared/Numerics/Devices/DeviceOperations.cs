namespace Distributed.Numerics;

/// <summary>A function of single values, as its layer is called.</summary>
public enum DeviceActivation
{
    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>x, or slope x where it isn't positive.</summary>
    LeakyRelu,

    /// <summary>1 / (1 + e^-x).</summary>
    Sigmoid,

    /// <summary>The hyperbolic tangent.</summary>
    Tanh,

    /// <summary>x Phi(x); its derivative is taken from the input, those of the others from the output.</summary>
    Gelu,
}

/// <summary>What dropout's random numbers are a function of, beside each sample's index and the element.</summary>
public readonly record struct DropoutKey(ulong Seed, int Epoch, int Layer);

public partial interface IDeviceQueue
{
    /// <summary>
    /// A convolution of so many groups, whose shape is that of one group; with a <paramref name="norm"/> (coefficients
    /// of a batch norm) the input is normalised and passed through a ReLU as it is read.
    /// </summary>
    void ConvolutionForward(
        in ConvolutionShape s, int groups, int batch, DeviceTensor input, DeviceTensor? norm, DeviceTensor weights,
        DeviceTensor? bias, DeviceTensor output, bool relu);

    /// <summary>The gradient by the input, which is overwritten or added to.</summary>
    void ConvolutionBackwardData(
        in ConvolutionShape s, int groups, int batch, DeviceTensor outputGradient, DeviceTensor weights,
        DeviceTensor inputGradient, bool accumulate);

    /// <summary>The gradient by the weights, summed over samples.</summary>
    void ConvolutionBackwardWeights(
        in ConvolutionShape s, int groups, int batch, DeviceTensor input, DeviceTensor? norm,
        DeviceTensor outputGradient, DeviceTensor weightGradient);

    /// <summary>A convolution of every channel alone.</summary>
    void DepthwiseForward(
        in ConvolutionShape s, int batch, DeviceTensor input, DeviceTensor weights, DeviceTensor? bias,
        DeviceTensor output, bool relu);

    /// <inheritdoc cref="ConvolutionBackwardData"/>
    void DepthwiseBackwardData(
        in ConvolutionShape s, int batch, DeviceTensor outputGradient, DeviceTensor weights,
        DeviceTensor inputGradient, bool accumulate);

    /// <inheritdoc cref="ConvolutionBackwardWeights"/>
    void DepthwiseBackwardWeights(
        in ConvolutionShape s, int batch, DeviceTensor input, DeviceTensor outputGradient, DeviceTensor weightGradient);

    /// <summary>
    /// The sum of a gradient's pixels, at the shape's InPitch; where a ReLU's output is given, at OutPitch, the
    /// gradient is first masked by it in place.
    /// </summary>
    void BiasGradient(
        in PixelShape s, int batch, DeviceTensor gradient, DeviceTensor? output, DeviceTensor biasGradient);

    /// <summary>The largest value of each window, and its place there as a byte.</summary>
    void MaxPoolForward(in PoolShape s, int batch, DeviceTensor input, DeviceTensor output, DeviceTensor indices);

    /// <summary>Its gradient by the input.</summary>
    void MaxPoolBackward(
        in PoolShape s, int batch, DeviceTensor outputGradient, DeviceTensor indices, DeviceTensor inputGradient,
        bool accumulate);

    /// <summary>The mean of each window; of all pixels where the window is the image.</summary>
    void AveragePoolForward(in PoolShape s, int batch, DeviceTensor input, DeviceTensor output);

    /// <summary>Its gradient by the input.</summary>
    void AveragePoolBackward(
        in PoolShape s, int batch, DeviceTensor outputGradient, DeviceTensor inputGradient, bool accumulate);

    /// <summary>
    /// A batch norm's statistics of these pixels (see <see cref="BatchNorm"/>), and its coefficients by them.
    /// </summary>
    void BatchNormStatistics(
        in BatchNormShape s, int pixels, double epsilon, DeviceTensor input, DeviceTensor weight, DeviceTensor bias,
        DeviceTensor statistics, DeviceTensor coefficients);

    /// <summary>Its coefficients by running statistics.</summary>
    void BatchNormRunning(
        in BatchNormShape s, double epsilon, DeviceTensor mean, DeviceTensor variance, DeviceTensor weight,
        DeviceTensor bias, DeviceTensor coefficients);

    /// <summary>
    /// Normalises, optionally adds a shortcut, which has no gaps, and optionally passes through a ReLU.
    /// </summary>
    void BatchNormForward(
        in BatchNormShape s, int pixels, DeviceTensor input, DeviceTensor coefficients, DeviceTensor? shortcut,
        bool relu, DeviceTensor output);

    /// <summary>
    /// All three gradients, as <see cref="Numerics.BatchNormBackward.Run"/>; an output that is given says what the
    /// ReLU masked, and the output's gradient is then masked in place.
    /// </summary>
    void BatchNormBackward(
        in BatchNormShape s, int pixels, DeviceTensor input, DeviceTensor coefficients, bool relu,
        DeviceTensor? output, DeviceTensor outputGradient, DeviceTensor weight, DeviceTensor weightGradient,
        DeviceTensor biasGradient, DeviceTensor? inputGradient, bool accumulate);

    /// <summary>A function of single values.</summary>
    void ActivationForward(
        DeviceActivation function, float slope, in PixelShape s, int batch, DeviceTensor input, DeviceTensor output);

    /// <summary>
    /// Its gradient: the shape's InPitch is the input gradient's, its OutPitch the output gradient's; the values that
    /// the derivative is taken from have a pitch of their own.
    /// </summary>
    void ActivationBackward(
        DeviceActivation function, float slope, in PixelShape s, int batch, DeviceTensor values, int valuesPitch,
        DeviceTensor outputGradient, DeviceTensor inputGradient, bool accumulate);

    /// <summary>Dropout by the indices of the uploaded samples, of values or of gradients.</summary>
    void Dropout(
        in PixelShape s, int batch, DropoutKey key, float probability, DeviceTensor input, DeviceTensor output,
        bool accumulate);

    /// <summary>Local response norm.</summary>
    void LocalResponseNormForward(
        in LocalResponseNorm norm, in PixelShape s, int batch, DeviceTensor input, DeviceTensor output);

    /// <summary>Its gradient; the shape's InPitch is that of the input and of its gradient.</summary>
    void LocalResponseNormBackward(
        in LocalResponseNorm norm, in PixelShape s, int batch, DeviceTensor input, DeviceTensor outputGradient,
        DeviceTensor inputGradient, bool accumulate);

    /// <summary>Copies pixels from one pitch to another, or adds them.</summary>
    void Copy(in PixelShape s, int batch, DeviceTensor input, DeviceTensor output, bool accumulate);

    /// <summary>output = left + right, optionally followed by ReLU.</summary>
    void Sum(int length, DeviceTensor left, DeviceTensor right, DeviceTensor output, bool relu);
}
