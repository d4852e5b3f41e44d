namespace Distributed.Numerics.OpenCl;

/// <summary>Convolutions.</summary>
internal sealed partial class OpenClQueue
{
    private const string Depthwise = "DepthwiseConvolution.cl";

    public void ConvolutionForward(
        in ConvolutionShape s, int groups, int batch, DeviceTensor input, DeviceTensor? norm, DeviceTensor weights,
        DeviceTensor? bias, DeviceTensor output, bool relu)
    {
        KernelFlags flags = If(norm is not null, KernelFlags.Norm) | If(bias is not null, KernelFlags.Bias)
            | If(relu, KernelFlags.Relu);
        Product("ConvolutionForward.cl", s, groups, flags, s.OutChannels)
            .Value(batch).Tensor(input).Tensor(norm).Tensor(weights).Tensor(bias).Tensor(output)
            .Run(Tiling(checked(batch * s.OutHeight * s.OutWidth), s.OutChannels, groups), Items(s.OutChannels));
    }

    public void ConvolutionBackwardData(
        in ConvolutionShape s, int groups, int batch, DeviceTensor outputGradient, DeviceTensor weights,
        DeviceTensor inputGradient, bool accumulate) =>
        Product("ConvolutionBackwardData.cl", s, groups, If(accumulate, KernelFlags.Accumulate), s.InChannels)
            .Value(batch).Tensor(outputGradient).Tensor(weights).Tensor(inputGradient)
            .Run(Tiling(checked(batch * s.InHeight * s.InWidth), s.InChannels, groups), Items(s.InChannels));

    public void ConvolutionBackwardWeights(
        in ConvolutionShape s, int groups, int batch, DeviceTensor input, DeviceTensor? norm,
        DeviceTensor outputGradient, DeviceTensor weightGradient)
    {
        int rows = s.KernelHeight * s.KernelWidth * s.InChannels, length = checked(groups * s.WeightLength);
        (int span, int pieces) = Tiles.Split(rows, s.OutChannels, checked(batch * s.OutHeight * s.OutWidth));
        nint partials = pieces == 1 ? 0 : Scratch((long)pieces * length * sizeof(float));
        OpenClKernel kernel = Product(
            "ConvolutionBackwardWeights.cl", s, groups, If(norm is not null, KernelFlags.Norm), s.OutChannels)
            .Value(batch).Value(pieces).Value(span).Tensor(input).Tensor(norm).Tensor(outputGradient);
        kernel = pieces == 1 ? kernel.Tensor(weightGradient) : kernel.Value(partials).Value(0);
        kernel.Run(Tiling(rows, s.OutChannels, groups * pieces), Items(s.OutChannels));
        if (pieces > 1) Total(isDouble: false, length, pieces, partials, weightGradient);
    }

    public void DepthwiseForward(
        in ConvolutionShape s, int batch, DeviceTensor input, DeviceTensor weights, DeviceTensor? bias,
        DeviceTensor output, bool relu)
    {
        KernelFlags flags = If(bias is not null, KernelFlags.Bias) | If(relu, KernelFlags.Relu);
        int count = checked(batch * s.OutputLength);
        Kernel(new(Depthwise, "forward", s, Flags: flags))
            .Value(count).Tensor(input).Tensor(weights).Tensor(bias).Tensor(output).Run(count);
    }

    public void DepthwiseBackwardData(
        in ConvolutionShape s, int batch, DeviceTensor outputGradient, DeviceTensor weights,
        DeviceTensor inputGradient, bool accumulate)
    {
        int count = checked(batch * s.InputLength);
        Kernel(new(Depthwise, "backward_data", s, Flags: If(accumulate, KernelFlags.Accumulate)))
            .Value(count).Tensor(outputGradient).Tensor(weights).Tensor(inputGradient).Run(count);
    }

    public void DepthwiseBackwardWeights(
        in ConvolutionShape s, int batch, DeviceTensor input, DeviceTensor outputGradient,
        DeviceTensor weightGradient)
    {
        int pixels = checked(batch * s.OutHeight * s.OutWidth);
        int weights = checked(s.KernelHeight * s.KernelWidth * s.InChannels);
        (int rows, int pieces) = Tiles.Cut(pixels);
        int count = checked(weights * pieces);
        nint partials = Scratch((long)count * sizeof(double));
        Kernel(new(Depthwise, "backward_weights", s))
            .Value(count).Value(pixels).Value(rows).Tensor(input).Tensor(outputGradient).Value(partials).Run(count);
        Total(isDouble: true, weights, pieces, partials, weightGradient);
    }

    private OpenClKernel Product(string file, in ConvolutionShape s, int groups, KernelFlags flags, int columns) =>
        Kernel(new(file, KernelSource.ProductKernel, s, Groups: groups, Flags: flags,
            Number: KernelTiles.TileN(columns)));

    private (int X, int Y, int Z) Items(int columns) => Tiles.Items(KernelTiles.TileN(columns));

    private (int X, int Y, int Z) Tiling(int rows, int columns, int depth)
    {
        int tileN = KernelTiles.TileN(columns);
        return ((columns + tileN - 1) / tileN, (rows + Tiles.TileM - 1) / Tiles.TileM, depth);
    }
}
