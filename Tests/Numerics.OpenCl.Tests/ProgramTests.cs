using Xunit;

namespace Distributed.Numerics.OpenCl.Tests;

/// <summary>Compiled programs in the cache, devices by name, and what is said when something is missing.</summary>
public sealed class ProgramTests
{
    /// <summary>Compiled once, then read; a broken file is compiled again and mended.</summary>
    [DeviceFact]
    public void ProgramsAreCachedAndABrokenCacheIsMended()
    {
        using TestFolder folder = new();
        Assert.Equal(2, Compile(folder, "Common.cl", "Elementwise.cl"));
        string file = Directory.GetFiles(folder.Path, "*.bin")[0];
        Assert.Equal(0, Compile(folder, "Common.cl", "Elementwise.cl"));
        byte[] sound = File.ReadAllBytes(file);
        File.WriteAllBytes(file, [.. sound[..^1], (byte)~sound[^1]]);
        Assert.Equal(1, Compile(folder, "Common.cl", "Elementwise.cl"));
        File.WriteAllBytes(file, sound[..10]);
        Assert.Equal(1, Compile(folder, "Common.cl", "Elementwise.cl"));
        Assert.Equal(0, Compile(folder, "Common.cl", "Elementwise.cl"));
        Assert.All(folder.Names, name => Assert.EndsWith(".bin", name, StringComparison.Ordinal));
    }

    /// <summary>
    /// What a device has no room for is one sentence that says what to do. One with more than 8 GiB has the room.
    /// </summary>
    [DeviceFact]
    public void TooLittleMemoryIsOneSentence()
    {
        if (TestDevice.Info.MemoryBytes > 4L * int.MaxValue) return;
        DeviceException error = Assert.Throws<DeviceException>(
            () => TestDevice.Device.CreateParameters(int.MaxValue));
        Assert.Contains("it has too little memory", error.Message, StringComparison.Ordinal);
        Assert.Contains("--micro-batch", error.Message, StringComparison.Ordinal);
    }

    /// <summary>What can't be compiled is one sentence that says where the compiler's log is.</summary>
    [DeviceFact]
    public void AMistakeInAKernelIsOneSentenceAndALog()
    {
        using TestFolder folder = new();
        using OpenClDevice device = OpenClDevice.Open(TestDevice.Info, folder.Path);
        // A product's loop without the operation that goes in front of it.
        DeviceException error = Assert.Throws<DeviceException>(
            () => device.Programs.Get(["Common.cl", "Gemm.cl"], ""));
        Assert.Contains("can't compile Gemm.cl", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        string log = Assert.Single(Directory.GetFiles(folder.Path, "*.log"));
        Assert.Contains(log, error.Message, StringComparison.Ordinal);
        Assert.NotEmpty(File.ReadAllText(log));
    }

    [Theory]
    [InlineData("cuda")]
    [InlineData("gpu:x")]
    [InlineData("gpu:-1")]
    [InlineData("opencl")]
    [InlineData("")]
    public void AnUnknownDeviceIsOneSentence(string text)
    {
        DeviceException error = Assert.Throws<DeviceException>(() => DeviceChoice.Find(text));
        Assert.Contains($"expected {DeviceChoice.Known}, got '{text}'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NoDeviceIsNeededForTheCpu() => Assert.Null(DeviceChoice.Find("cpu"));

    [DeviceFact]
    public void ADeviceIsFoundByItsNumber()
    {
        Assert.Equal(TestDevice.Info.Name, DeviceChoice.Find($"opencl:{TestDevice.Info.Index}")!.Name);
        DeviceException error = Assert.Throws<DeviceException>(() => DeviceChoice.Find("opencl:999"));
        Assert.Contains("are numbered 0 to", error.Message, StringComparison.Ordinal);
    }

    /// <summary>A device that is a CPU is no GPU: it is chosen by its number alone.</summary>
    [DeviceFact]
    public void AutoTakesAGpuOrNone()
    {
        bool hasGpu = OpenClDeviceInfo.FindAll()
            .Any(device => device is { Kind: OpenClDeviceKind.Gpu, HasDoublePrecision: true });
        Assert.Equal(hasGpu ? OpenClDeviceKind.Gpu : null, DeviceChoice.Find("auto")?.Kind);
        if (!hasGpu) Assert.Throws<DeviceException>(() => DeviceChoice.Find("gpu"));
    }

    /// <summary>Bits are promised within a class, so it must tell models of devices and drivers apart.</summary>
    [DeviceFact]
    public void TheNumericsClassNamesDeviceAndDriver()
    {
        OpenClDeviceInfo info = TestDevice.Info;
        Assert.StartsWith("fp32-opencl-1 on ", info.NumericsClass, StringComparison.Ordinal);
        Assert.Contains(info.Name, info.NumericsClass, StringComparison.Ordinal);
        Assert.EndsWith(info.Driver, info.NumericsClass, StringComparison.Ordinal);
    }

    /// <summary>Compiles two variants; how many of them were not in the cache.</summary>
    private static int Compile(TestFolder folder, params string[] files)
    {
        using OpenClDevice device = OpenClDevice.Open(TestDevice.Info, folder.Path);
        foreach (int accumulate in (int[])[0, 1]) device.Programs.Get(files, $" -DACCUMULATE={accumulate}");
        return device.Programs.Compiled;
    }
}
