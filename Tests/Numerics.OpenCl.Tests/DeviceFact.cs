using Xunit;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Distributed.Numerics.OpenCl.Tests;

/// <summary>
/// The device that tests run on: the first that can train. One is enough, as all run the same kernels.
/// </summary>
internal static class TestDevice
{
    private static readonly Lazy<(OpenClDeviceInfo? Info, string Reason)> Found = new(Find);
    private static readonly Lazy<OpenClDevice> Opened = new(() => OpenClDevice.Open(Info));

    /// <summary>Why there is none; null: there is one.</summary>
    public static string? Reason => Found.Value.Info is null ? Found.Value.Reason : null;

    public static OpenClDeviceInfo Info => Found.Value.Info!;

    /// <summary>Open for all tests, with the user's cache of programs: compiling takes most of their time.</summary>
    public static OpenClDevice Device => Opened.Value;

    private static (OpenClDeviceInfo?, string) Find()
    {
        try
        {
            OpenClDeviceInfo? info = OpenClDeviceInfo.FindAll().FirstOrDefault(device => device.HasDoublePrecision);
            return (info, "no OpenCL device with double precision was found (PoCL makes the CPU one)");
        }
        catch (DeviceException error)
        {
            return (null, error.Message);
        }
    }
}

/// <summary>A test that needs an OpenCL device; where there is none it is skipped.</summary>
public sealed class DeviceFactAttribute : FactAttribute
{
    public DeviceFactAttribute() => Skip = TestDevice.Reason;
}

/// <inheritdoc cref="DeviceFactAttribute"/>
public sealed class DeviceTheoryAttribute : TheoryAttribute
{
    public DeviceTheoryAttribute() => Skip = TestDevice.Reason;
}
