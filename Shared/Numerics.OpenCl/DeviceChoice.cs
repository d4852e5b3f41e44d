using System.Globalization;

namespace Distributed.Numerics.OpenCl;

/// <summary>Which device a command line's <c>--device</c> means.</summary>
public static class DeviceChoice
{
    /// <summary>What may be said, for help and mistakes.</summary>
    public const string Known = "cpu, gpu, gpu:N, opencl:N or auto";

    /// <summary>The word for no device: this program's own kernels.</summary>
    public const string Cpu = "cpu";

    private const string Gpu = "gpu", Auto = "auto", Any = "opencl:";

    /// <summary>
    /// Finds a device. "cpu": none, which is null. "gpu": the first GPU, "gpu:N": the GPU of that number, counted from
    /// 0. "opencl:N": the device of that number among all that <c>devices</c> lists, also a CPU's. "auto": the first
    /// GPU that can train, or none.
    /// </summary>
    /// <exception cref="DeviceException">It isn't there, can't train, or the text says something else.</exception>
    public static OpenClDeviceInfo? Find(string text)
    {
        if (text == Cpu) return null;
        if (text == Auto) return FindAuto();
        bool isGpu = text == Gpu || text.StartsWith(Gpu + ":", StringComparison.Ordinal);
        string number = text == Gpu ? "0" : isGpu ? text[(Gpu.Length + 1)..]
            : text.StartsWith(Any, StringComparison.Ordinal) ? text[Any.Length..] : "";
        if (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int index))
            throw new DeviceException($"--device: expected {Known}, got '{Sentence.OneLine(text)}'.");
        return Checked(Pick(OpenClDeviceInfo.FindAll(), isGpu, index, text));
    }

    private static OpenClDeviceInfo Pick(IReadOnlyList<OpenClDeviceInfo> all, bool isGpu, int index, string text)
    {
        IReadOnlyList<OpenClDeviceInfo> devices = isGpu
            ? [.. all.Where(device => device.Kind == OpenClDeviceKind.Gpu)] : all;
        if (index < devices.Count) return devices[index];
        string what = isGpu ? "GPU" : "OpenCL device";
        string found = devices.Count == 0 ? $"no {what} was found"
            : $"the {what}s found are numbered 0 to {devices.Count - 1}";
        throw new DeviceException(isGpu && all.Count > 0
            ? $"--device {text}: {found}; other devices, which 'devices' lists, are chosen by opencl:N."
            : $"--device {text}: {found}; 'coordinator devices' lists what there is.");
    }

    private static OpenClDeviceInfo Checked(OpenClDeviceInfo device) => device.HasDoublePrecision ? device
        : throw new DeviceException(
            $"{device.Name} can't train: it has no double precision, in which statistics and losses are summed; " +
            "choose another device.");

    private static OpenClDeviceInfo? FindAuto()
    {
        try
        {
            return OpenClDeviceInfo.FindAll()
                .FirstOrDefault(device => device is { Kind: OpenClDeviceKind.Gpu, HasDoublePrecision: true });
        }
        catch (DeviceException)
        {
            return null;
        }
    }
}
