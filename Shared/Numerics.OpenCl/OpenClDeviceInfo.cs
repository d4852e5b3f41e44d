using Distributed.Numerics.OpenCl.Native;

namespace Distributed.Numerics.OpenCl;

/// <summary>What an OpenCL device is.</summary>
public enum OpenClDeviceKind
{
    /// <summary>The host's processor.</summary>
    Cpu,

    /// <summary>A graphics processor.</summary>
    Gpu,

    /// <summary>Something else.</summary>
    Accelerator,
}

/// <summary>An OpenCL device that was found, and what its driver says about it.</summary>
public sealed record OpenClDeviceInfo
{
    private const uint PlatformName = 0x0902, PlatformVersion = 0x0901, DeviceName = 0x102B, DriverVersion = 0x102D;
    private const uint TypeOfDevice = 0x1000, GlobalMemory = 0x101F, LocalMemory = 0x1023, FloatingPoint = 0x101B;
    private const uint DoublePrecision = 0x1032, Version = 0x102F, ComputeUnitCount = 0x1002;
    private const ulong TypeCpu = 2, TypeGpu = 4, All = 0xFFFFFFFF, CorrectlyRoundedDivideAndRoot = 128;

    private OpenClDeviceInfo(int index, nint platform, nint device)
    {
        Index = index;
        Handle = device;
        Platform = Sentence.OneLine(OpenClCalls.PlatformText(platform, PlatformName));
        PlatformRelease = Sentence.OneLine(OpenClCalls.PlatformText(platform, PlatformVersion));
        Name = Sentence.OneLine(OpenClCalls.DeviceText(device, DeviceName));
        Driver = Sentence.OneLine(OpenClCalls.DeviceText(device, DriverVersion));
        OpenClVersion = Sentence.OneLine(OpenClCalls.DeviceText(device, Version));
        ulong type = OpenClCalls.DeviceNumber<ulong>(device, TypeOfDevice);
        Kind = (type & TypeGpu) != 0 ? OpenClDeviceKind.Gpu
            : (type & TypeCpu) != 0 ? OpenClDeviceKind.Cpu : OpenClDeviceKind.Accelerator;
        MemoryBytes = (long)OpenClCalls.DeviceNumber<ulong>(device, GlobalMemory);
        LocalMemoryBytes = (long)OpenClCalls.DeviceNumber<ulong>(device, LocalMemory);
        ComputeUnits = (int)OpenClCalls.DeviceNumber<uint>(device, ComputeUnitCount);
        HasDoublePrecision = OpenClCalls.DeviceNumber<ulong>(device, DoublePrecision) != 0;
        RoundsDivisionsCorrectly =
            (OpenClCalls.DeviceNumber<ulong>(device, FloatingPoint) & CorrectlyRoundedDivideAndRoot) != 0;
    }

    /// <summary>Its place among all devices.</summary>
    public int Index { get; }

    /// <summary>Whose driver it is.</summary>
    public string Platform { get; }

    /// <summary>Its model.</summary>
    public string Name { get; }

    /// <summary>The driver's version.</summary>
    public string Driver { get; }

    /// <summary>What it is.</summary>
    public OpenClDeviceKind Kind { get; }

    /// <summary>Bytes of its memory.</summary>
    public long MemoryBytes { get; }

    /// <summary>Processors within it.</summary>
    public int ComputeUnits { get; }

    /// <summary>Whether it computes in double, as statistics and losses are.</summary>
    public bool HasDoublePrecision { get; }

    /// <summary>
    /// The class within which bits are equal: kernels of this version, on this model of device with this driver.
    /// </summary>
    public string NumericsClass => $"fp32-opencl-1 on {Name}, {Platform} {Driver}";

    /// <summary>
    /// Micro-batches that a worker has on it at once unless told otherwise: on a GPU one computes while another is
    /// copied; on a CPU they would take each other's cores.
    /// </summary>
    public int StandardThreads => Kind == OpenClDeviceKind.Cpu ? 1 : 2;

    internal nint Handle { get; }

    internal string PlatformRelease { get; }

    internal string OpenClVersion { get; }

    internal long LocalMemoryBytes { get; }

    internal bool RoundsDivisionsCorrectly { get; }

    /// <summary>All devices of all drivers, in the drivers' order.</summary>
    /// <exception cref="DeviceException">No loader of drivers is installed.</exception>
    public static IReadOnlyList<OpenClDeviceInfo> FindAll()
    {
        if (!OpenClLibrary.IsThere)
        {
            throw new DeviceException(
                "No OpenCL driver is installed (the system has no libOpenCL); install the driver of your GPU, or " +
                "PoCL (on Debian: apt-get install pocl-opencl-icd) to have the CPU as a device.");
        }

        List<OpenClDeviceInfo> found = [];
        foreach (nint platform in OpenClCalls.Platforms())
        {
            foreach (nint device in OpenClCalls.Devices(platform, All))
                found.Add(new OpenClDeviceInfo(found.Count, platform, device));
        }

        return found;
    }
}
