namespace Distributed.Numerics;

/// <summary>
/// A 2-D cross-correlation over NHWC activations with HWIO weights, as PyTorch's Conv2d (zero padding, no dilation).
/// Lengths are in floats; input and output lengths are of one sample.
/// </summary>
public readonly record struct ConvolutionShape(
    int InHeight, int InWidth, int InChannels, int OutChannels, int KernelHeight, int KernelWidth,
    int StrideHeight = 1, int StrideWidth = 1, int PadHeight = 0, int PadWidth = 0)
{
    private readonly int _inPitch, _outPitch;

    /// <summary>
    /// Floats from one input pixel to the next, at least InChannels, which it is unless set: the input, and its
    /// gradient, may be some channels of a wider tensor. Spans of them start at their first channel and are
    /// (pixels - 1) x InPitch + InChannels floats long, or longer where the pitch isn't the channel count.
    /// </summary>
    public int InPitch
    {
        get => _inPitch == 0 ? InChannels : _inPitch;
        init => _inPitch = value;
    }

    /// <summary>As <see cref="InPitch"/>, of the output and its gradient.</summary>
    public int OutPitch
    {
        get => _outPitch == 0 ? OutChannels : _outPitch;
        init => _outPitch = value;
    }

    /// <summary>Rows of the output: floor((InHeight + 2 PadHeight - KernelHeight) / StrideHeight) + 1.</summary>
    public int OutHeight => Check.OutExtent(InHeight, KernelHeight, StrideHeight, PadHeight);

    /// <summary>Columns of the output: floor((InWidth + 2 PadWidth - KernelWidth) / StrideWidth) + 1.</summary>
    public int OutWidth => Check.OutExtent(InWidth, KernelWidth, StrideWidth, PadWidth);

    /// <summary>KernelHeight x KernelWidth x InChannels x OutChannels.</summary>
    public int WeightLength => checked(KernelHeight * KernelWidth * InChannels * OutChannels);

    /// <summary>Floats of one input sample, without what lies between its pixels.</summary>
    public int InputLength => checked(InHeight * InWidth * InChannels);

    /// <summary>Floats of one output sample, without what lies between its pixels.</summary>
    public int OutputLength => checked(OutHeight * OutWidth * OutChannels);

    /// <summary>Floats from one input sample to the next.</summary>
    public int InputStep => checked(InHeight * InWidth * InPitch);

    /// <summary>Floats from one output sample to the next.</summary>
    public int OutputStep => checked(OutHeight * OutWidth * OutPitch);
}

/// <summary>A fully connected layer: output[n][o] = bias[o] + sum over i of input[n][i] weight[i][o].</summary>
public readonly record struct LinearShape(int Inputs, int Outputs)
{
    /// <summary>Inputs x Outputs.</summary>
    public int WeightLength => checked(Inputs * Outputs);
}

/// <summary>A pooling window over NHWC activations; padding never wins. Lengths are of one sample.</summary>
public readonly record struct PoolShape(
    int InHeight, int InWidth, int Channels, int KernelHeight, int KernelWidth, int StrideHeight, int StrideWidth,
    int PadHeight = 0, int PadWidth = 0)
{
    private readonly int _inPitch, _outPitch;

    /// <summary>As <see cref="ConvolutionShape.InPitch"/>.</summary>
    public int InPitch
    {
        get => _inPitch == 0 ? Channels : _inPitch;
        init => _inPitch = value;
    }

    /// <summary>As <see cref="ConvolutionShape.OutPitch"/>.</summary>
    public int OutPitch
    {
        get => _outPitch == 0 ? Channels : _outPitch;
        init => _outPitch = value;
    }

    /// <summary>
    /// Whether a last window may reach beyond the padding, as long as it starts before it, as PyTorch's ceil_mode.
    /// </summary>
    public bool CeilMode { get; init; }

    /// <summary>Rows of the output: floor((InHeight + 2 PadHeight - KernelHeight) / StrideHeight) + 1.</summary>
    public int OutHeight => Check.OutExtent(InHeight, KernelHeight, StrideHeight, PadHeight, CeilMode);

    /// <summary>Columns of the output: floor((InWidth + 2 PadWidth - KernelWidth) / StrideWidth) + 1.</summary>
    public int OutWidth => Check.OutExtent(InWidth, KernelWidth, StrideWidth, PadWidth, CeilMode);

    /// <summary>Elements of one input sample, without what lies between its pixels.</summary>
    public int InputLength => checked(InHeight * InWidth * Channels);

    /// <summary>Elements of one output sample, without what lies between its pixels.</summary>
    public int OutputLength => checked(OutHeight * OutWidth * Channels);
}

/// <summary>A batch norm over some channels of NHWC activations.</summary>
public readonly record struct BatchNormShape(int Channels)
{
    private readonly int _inPitch, _outPitch;

    /// <inheritdoc cref="ConvolutionShape.InPitch"/>
    public int InPitch
    {
        get => _inPitch == 0 ? Channels : _inPitch;
        init => _inPitch = value;
    }

    /// <inheritdoc cref="ConvolutionShape.OutPitch"/>
    public int OutPitch
    {
        get => _outPitch == 0 ? Channels : _outPitch;
        init => _outPitch = value;
    }
}

/// <summary>The pixels of one sample that an operation takes one by one, each with some channels.</summary>
public readonly record struct PixelShape(int Pixels, int Channels)
{
    private readonly int _inPitch, _outPitch;

    /// <inheritdoc cref="ConvolutionShape.InPitch"/>
    public int InPitch
    {
        get => _inPitch == 0 ? Channels : _inPitch;
        init => _inPitch = value;
    }

    /// <inheritdoc cref="ConvolutionShape.OutPitch"/>
    public int OutPitch
    {
        get => _outPitch == 0 ? Channels : _outPitch;
        init => _outPitch = value;
    }

    /// <summary>
    /// Stretches of floats without a gap, and the length of each: all pixels at once where no pitch, nor another one
    /// that takes part, leaves a gap.
    /// </summary>
    internal int Rows(int batch, int otherPitch, out int length)
    {
        int pixels = checked(batch * Pixels);
        bool isOne = InPitch == Channels && OutPitch == Channels && otherPitch == Channels;
        length = isOne ? checked(pixels * Channels) : Channels;
        return isOne ? 1 : pixels;
    }
}
