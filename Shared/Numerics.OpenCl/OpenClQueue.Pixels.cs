namespace Distributed.Numerics.OpenCl;

/// <summary>Operations on windows, pixels and single values.</summary>
internal sealed partial class OpenClQueue
{
    private const string Max = "MaxPool.cl", Average = "AveragePool.cl", Response = "LocalResponseNorm.cl";
    private const int RandomBits = 24, PurposeShift = 24;

    public void MaxPoolForward(in PoolShape s, int batch, DeviceTensor input, DeviceTensor output, DeviceTensor indices)
    {
        int count = checked(batch * s.OutputLength);
        Kernel(new(Max, "forward", Pool: s))
            .Value(count).Tensor(input).Tensor(output).Tensor(indices).Run(count);
    }

    public void MaxPoolBackward(
        in PoolShape s, int batch, DeviceTensor outputGradient, DeviceTensor indices, DeviceTensor inputGradient,
        bool accumulate)
    {
        int count = checked(batch * s.InputLength);
        Kernel(new(Max, "backward", Pool: s, Flags: If(accumulate, KernelFlags.Accumulate)))
            .Value(count).Tensor(outputGradient).Tensor(indices).Tensor(inputGradient).Run(count);
    }

    public void AveragePoolForward(in PoolShape s, int batch, DeviceTensor input, DeviceTensor output)
    {
        int count = checked(batch * s.OutputLength);
        Kernel(new(Average, "forward", Pool: s)).Value(count).Tensor(input).Tensor(output).Run(count);
    }

    public void AveragePoolBackward(
        in PoolShape s, int batch, DeviceTensor outputGradient, DeviceTensor inputGradient, bool accumulate)
    {
        int count = checked(batch * s.InputLength);
        Kernel(new(Average, "backward", Pool: s, Flags: If(accumulate, KernelFlags.Accumulate)))
            .Value(count).Tensor(outputGradient).Tensor(inputGradient).Run(count);
    }

    public void ActivationForward(
        DeviceActivation function, float slope, in PixelShape s, int batch, DeviceTensor input, DeviceTensor output)
    {
        int count = checked(batch * s.Pixels * s.Channels);
        Kernel(new("Activation.cl", "forward", Number: (int)function))
            .Value(count).Value(s.Channels).Value(slope).Tensor(input).Value(s.InPitch).Tensor(output)
            .Value(s.OutPitch).Run(count);
    }

    public void ActivationBackward(
        DeviceActivation function, float slope, in PixelShape s, int batch, DeviceTensor values, int valuesPitch,
        DeviceTensor outputGradient, DeviceTensor inputGradient, bool accumulate)
    {
        int count = checked(batch * s.Pixels * s.Channels);
        KernelFlags flags = If(accumulate, KernelFlags.Accumulate);
        Kernel(new("Activation.cl", "backward", Flags: flags, Number: (int)function))
            .Value(count).Value(s.Channels).Value(slope).Tensor(values).Value(valuesPitch).Tensor(outputGradient)
            .Value(s.OutPitch).Tensor(inputGradient).Value(s.InPitch).Run(count);
    }

    public void Dropout(
        in PixelShape s, int batch, DropoutKey key, float probability, DeviceTensor input, DeviceTensor output,
        bool accumulate)
    {
        int length = checked(s.Pixels * s.Channels), count = checked((length + 3) / 4 * batch);
        uint stream = ((uint)RandomPurpose.Dropout << PurposeShift) | (uint)key.Layer;
        uint least = (uint)Math.Ceiling((double)probability * (1 << RandomBits));
        Kernel(new("Dropout.cl", "dropout", Flags: If(accumulate, KernelFlags.Accumulate)))
            .Value(count).Value(length).Value(s.Channels).Value(_samples).Value(3 * _mostSamples)
            .Value((uint)key.Seed).Value((uint)(key.Seed >> 32)).Value((uint)key.Epoch).Value(stream).Value(least)
            .Value(1 / (1 - probability)).Tensor(input).Value(s.InPitch).Tensor(output).Value(s.OutPitch).Run(count);
    }

    public void LocalResponseNormForward(
        in LocalResponseNorm norm, in PixelShape s, int batch, DeviceTensor input, DeviceTensor output)
    {
        int count = checked(batch * s.Pixels * s.Channels);
        ResponseKernel(norm, "forward", s, count, KernelFlags.None)
            .Tensor(input).Value(s.InPitch).Tensor(output).Value(s.OutPitch).Run(count);
    }

    public void LocalResponseNormBackward(
        in LocalResponseNorm norm, in PixelShape s, int batch, DeviceTensor input, DeviceTensor outputGradient,
        DeviceTensor inputGradient, bool accumulate)
    {
        int count = checked(batch * s.Pixels * s.Channels);
        nint terms = Scratch((long)count * sizeof(float));
        ResponseKernel(norm, "terms", s, count, KernelFlags.None)
            .Tensor(input).Value(s.InPitch).Tensor(outputGradient).Value(s.OutPitch).Value(terms).Run(count);
        ResponseKernel(norm, "backward", s, count, If(accumulate, KernelFlags.Accumulate))
            .Tensor(input).Value(s.InPitch).Tensor(outputGradient).Value(s.OutPitch).Value(terms)
            .Tensor(inputGradient).Value(s.InPitch).Run(count);
    }

    public void Copy(in PixelShape s, int batch, DeviceTensor input, DeviceTensor output, bool accumulate)
    {
        int count = checked(batch * s.Pixels * s.Channels);
        Kernel(new("Elementwise.cl", "copy", Flags: If(accumulate, KernelFlags.Accumulate)))
            .Value(count).Value(s.Channels).Tensor(input).Value(s.InPitch).Tensor(output).Value(s.OutPitch)
            .Run(count);
    }

    public void Sum(int length, DeviceTensor left, DeviceTensor right, DeviceTensor output, bool relu) =>
        Kernel(new("Elementwise.cl", "sum", Flags: If(relu, KernelFlags.Relu)))
            .Value(length).Tensor(left).Tensor(right).Tensor(output).Run(length);

    private OpenClKernel ResponseKernel(
        in LocalResponseNorm norm, string name, in PixelShape s, int count, KernelFlags flags) =>
        Kernel(new(Response, name, Flags: flags))
            .Value(count).Value(s.Channels).Value(norm.Size).Value(norm.Alpha / norm.Size).Value(norm.Beta)
            .Value(norm.K);
}
