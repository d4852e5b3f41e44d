using System.CommandLine;
using System.Globalization;
using Distributed.Numerics;
using Distributed.Numerics.OpenCl;

namespace Distributed.Coordinator;

/// <summary><c>devices</c>: what <c>--device</c> can choose, and how fast each is.</summary>
internal static class DevicesCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CommandContext context)
    {
        Command command = new("devices", "The OpenCL devices of this machine, with memory, driver and speed.");
        command.SetAction(_ =>
        {
            IReadOnlyList<OpenClDeviceInfo> devices = OpenClDeviceInfo.FindAll();
            if (devices.Count == 0)
            {
                throw new DeviceException(
                    "OpenCL is installed but none of its drivers has a device; install the driver of your GPU, or " +
                    "PoCL (on Debian: apt-get install pocl-opencl-icd) to have the CPU as one.");
            }

            int gpus = 0;
            foreach (OpenClDeviceInfo device in devices)
            {
                string name = $"opencl:{device.Index}";
                if (device.Kind == OpenClDeviceKind.Gpu) name += $" = gpu:{gpus++}";
                context.Output.WriteLine($"{name}: {Describe(device)}");
            }

            return ExitCode.Done;
        });
        return command;
    }

    private static string Describe(OpenClDeviceInfo device) => string.Create(
        CultureInfo.InvariantCulture,
        $"{device.Name} ({device.Kind.ToString().ToLowerInvariant()}, {device.ComputeUnits} compute units, " +
        $"{device.MemoryBytes / (double)(1 << 30):0.0} GiB), {device.Platform} {device.Driver}, {Speed(device)}");

    private static string Speed(OpenClDeviceInfo info)
    {
        if (!info.HasDoublePrecision) return "can't train: it has no double precision";
        try
        {
            using OpenClDevice device = OpenClDevice.Open(info);
            double speed = OpenClBenchmark.GigaflopsPerSecond(device);
            return string.Create(CultureInfo.InvariantCulture, $"{speed:0.0} GFLOP/s in a convolution");
        }
        catch (DeviceException error)
        {
            return $"can't train: {error.Message.TrimEnd('.')}";
        }
    }
}
