namespace Distributed.Numerics;

/// <summary>
/// A 2-D cross-correlation over NHWC activations with HWIO weights, as PyTorch's Conv2d (zero padding, no dilation).
/// Lengths are in floats; input and output lengths are of one sample.
/// </summary>
public readonly record struct ConvolutionShape(
    int InHeight, int InWidth, int InChannels, int OutChannels, int KernelHeight, int KernelWidth,
    int StrideHeight = 1, int StrideWidth = 1, int PadHeight = 0, int PadWidth = 0)
{
    /// <summary>Rows of the output: floor((InHeight + 2 PadHeight - KernelHeight) / StrideHeight) + 1.</summary>
    public int OutHeight => Check.OutExtent(InHeight, KernelHeight, StrideHeight, PadHeight);

    /// <summary>Columns of the output: floor((InWidth + 2 PadWidth - KernelWidth) / StrideWidth) + 1.</summary>
    public int OutWidth => Check.OutExtent(InWidth, KernelWidth, StrideWidth, PadWidth);

    /// <summary>KernelHeight x KernelWidth x InChannels x OutChannels.</summary>
    public int WeightLength => checked(KernelHeight * KernelWidth * InChannels * OutChannels);

    /// <summary>Floats of one input sample.</summary>
    public int InputLength => checked(InHeight * InWidth * InChannels);

    /// <summary>Floats of one output sample.</summary>
    public int OutputLength => checked(OutHeight * OutWidth * OutChannels);
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
    /// <summary>Rows of the output: floor((InHeight + 2 PadHeight - KernelHeight) / StrideHeight) + 1.</summary>
    public int OutHeight => Check.OutExtent(InHeight, KernelHeight, StrideHeight, PadHeight);

    /// <summary>Columns of the output: floor((InWidth + 2 PadWidth - KernelWidth) / StrideWidth) + 1.</summary>
    public int OutWidth => Check.OutExtent(InWidth, KernelWidth, StrideWidth, PadWidth);

    /// <summary>Elements of one input sample.</summary>
    public int InputLength => checked(InHeight * InWidth * Channels);

    /// <summary>Elements of one output sample.</summary>
    public int OutputLength => checked(OutHeight * OutWidth * Channels);
}
