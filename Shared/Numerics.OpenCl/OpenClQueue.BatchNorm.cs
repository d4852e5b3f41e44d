namespace Distributed.Numerics.OpenCl;

/// <summary>Batch norm, and the sums of a bias.</summary>
internal sealed partial class OpenClQueue
{
    private const string Norm = "BatchNorm.cl";

    public void BatchNormStatistics(
        in BatchNormShape s, int pixels, double epsilon, DeviceTensor input, DeviceTensor weight, DeviceTensor bias,
        DeviceTensor statistics, DeviceTensor coefficients)
    {
        (int rows, int pieces) = Tiles.Cut(pixels);
        int count = checked(pieces * s.Channels);
        nint partials = Scratch(2L * count * sizeof(double));
        Kernel(new(Norm, "sums"))
            .Value(count).Value(s.Channels).Value(pixels).Value(rows).Tensor(input).Value(s.InPitch).Value(partials)
            .Run(count);
        Kernel(new(Norm, "statistics"))
            .Value(s.Channels).Value(pieces).Value(pixels).Value(epsilon).Value(partials).Tensor(weight).Tensor(bias)
            .Tensor(statistics).Tensor(coefficients).Run(s.Channels);
    }

    public void BatchNormRunning(
        in BatchNormShape s, double epsilon, DeviceTensor mean, DeviceTensor variance, DeviceTensor weight,
        DeviceTensor bias, DeviceTensor coefficients) =>
        Kernel(new(Norm, "running"))
            .Value(s.Channels).Value(epsilon).Tensor(mean).Tensor(variance).Tensor(weight).Tensor(bias)
            .Tensor(coefficients).Run(s.Channels);

    public void BatchNormForward(
        in BatchNormShape s, int pixels, DeviceTensor input, DeviceTensor coefficients, DeviceTensor? shortcut,
        bool relu, DeviceTensor output)
    {
        int count = checked(pixels * s.Channels);
        KernelFlags flags = If(shortcut is not null, KernelFlags.Shortcut) | If(relu, KernelFlags.Relu);
        Kernel(new(Norm, "forward", Flags: flags))
            .Value(count).Value(s.Channels).Tensor(input).Value(s.InPitch).Tensor(coefficients).Tensor(shortcut)
            .Tensor(output).Value(s.OutPitch).Run(count);
    }

    public void BatchNormBackward(
        in BatchNormShape s, int pixels, DeviceTensor input, DeviceTensor coefficients, bool relu,
        DeviceTensor? output, DeviceTensor outputGradient, DeviceTensor weight, DeviceTensor weightGradient,
        DeviceTensor biasGradient, DeviceTensor? inputGradient, bool accumulate)
    {
        (int rows, int pieces) = Tiles.Cut(pixels);
        int sums = checked(pieces * s.Channels), count = checked(pixels * s.Channels);
        nint partials = Scratch((2L * sums * sizeof(double)) + (3L * s.Channels * sizeof(float)));
        KernelFlags flags = If(relu, KernelFlags.Relu) | If(output is not null, KernelFlags.Shortcut);
        Kernel(new(Norm, "backward_sums", Flags: flags))
            .Value(sums).Value(s.Channels).Value(pixels).Value(rows).Tensor(input).Value(s.InPitch)
            .Tensor(coefficients).Tensor(output).Value(s.OutPitch).Tensor(outputGradient).Value(s.OutPitch)
            .Value(partials).Run(sums);
        Kernel(new(Norm, "backward_finish", Flags: flags))
            .Value(s.Channels).Value(pieces).Value(pixels).Value(partials).Tensor(coefficients).Tensor(weight)
            .Tensor(weightGradient).Tensor(biasGradient).Run(s.Channels);
        if (inputGradient is null) return;
        Kernel(new(Norm, "backward_data", Flags: flags | If(accumulate, KernelFlags.Accumulate)))
            .Value(count).Value(s.Channels).Value(pieces).Value(partials).Tensor(input).Value(s.InPitch)
            .Tensor(coefficients).Tensor(outputGradient).Value(s.OutPitch).Tensor(inputGradient).Value(s.InPitch)
            .Run(count);
    }

    public void BiasGradient(
        in PixelShape s, int batch, DeviceTensor gradient, DeviceTensor? output, DeviceTensor biasGradient)
    {
        int pixels = checked(batch * s.Pixels);
        (int rows, int pieces) = Tiles.Cut(pixels);
        int count = checked(pieces * s.Channels);
        nint partials = Scratch((long)count * sizeof(double));
        Kernel(new("BiasGradient.cl", "bias_gradient", Flags: If(output is not null, KernelFlags.Relu)))
            .Value(count).Value(s.Channels).Value(pixels).Value(rows).Tensor(gradient).Value(s.InPitch)
            .Tensor(output).Value(s.OutPitch).Value(partials).Run(count);
        Total(isDouble: true, s.Channels, pieces, partials, biasGradient);
    }
}
