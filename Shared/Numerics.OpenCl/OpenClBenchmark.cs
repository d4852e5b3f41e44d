using System.Diagnostics;

namespace Distributed.Numerics.OpenCl;

/// <summary>How fast a device computes, as a figure to compare devices by; nothing is chosen by it.</summary>
public static class OpenClBenchmark
{
    private const int LeastMilliseconds = 200;

    /// <summary>
    /// Measures a forward convolution of 3x3 and 64 channels, of 32 images of 32 x 32 pixels: 10^9 operations of a
    /// multiplication or an addition, a second. Takes less than a second on most devices.
    /// </summary>
    /// <exception cref="DeviceException">The device fails.</exception>
    public static double GigaflopsPerSecond(OpenClDevice device)
    {
        ConvolutionShape shape = new(32, 32, 64, 64, 3, 3, 1, 1, 1, 1);
        const int Batch = 32;
        int input = Batch * shape.InputLength, output = Batch * shape.OutputLength;
        using IDeviceParameters parameters = device.CreateParameters(shape.WeightLength);
        using IDeviceQueue queue = device.CreateQueue(
            new DeviceLengths(input + output, 1, 1, 1, 1), parameters);
        parameters.Upload(new float[shape.WeightLength]);
        double seconds = 0;
        long runs = 1;
        for (Run(); seconds * 1000 < LeastMilliseconds; runs *= 2)
        {
            long start = Stopwatch.GetTimestamp();
            for (long i = 0; i < 2 * runs; i++) Run();
            queue.Download(default, new float[1]);
            seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        return runs * 2.0 * output * shape.KernelHeight * shape.KernelWidth * shape.InChannels / seconds / 1e9;

        void Run() => queue.ConvolutionForward(
            shape, 1, Batch, default, null, new DeviceTensor(DeviceBlock.Parameters, 0), null,
            new DeviceTensor(DeviceBlock.Arena, input), relu: false);
    }
}
