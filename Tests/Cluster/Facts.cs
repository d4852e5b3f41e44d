using Distributed.Cluster.Native;
using Xunit;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Distributed.Cluster;

/// <summary>A test that sends signals and looks into /proc.</summary>
public sealed class LinuxFactAttribute : FactAttribute
{
    internal const string Reason = "sends signals, and finds processes in /proc, as Linux has it";

    public LinuxFactAttribute()
    {
        if (!OperatingSystem.IsLinux()) Skip = Reason;
    }
}

/// <inheritdoc cref="LinuxFactAttribute"/>
public sealed class LinuxTheoryAttribute : TheoryAttribute
{
    public LinuxTheoryAttribute()
    {
        if (!OperatingSystem.IsLinux()) Skip = LinuxFactAttribute.Reason;
    }
}

/// <summary>A test that sends what Ctrl-C sends, to which what a shell runs in the background may be deaf.</summary>
public sealed class InterruptFactAttribute : FactAttribute
{
    public InterruptFactAttribute()
    {
        if (!OperatingSystem.IsLinux() || ProcessTable.Ignores(SystemCalls.Interrupt))
            Skip = "sends SIGINT, which the processes of this session ignore";
    }
}

/// <summary>A test that fills a small disk.</summary>
public sealed class SmallDiskFactAttribute : FactAttribute
{
    private static readonly Lazy<bool> MayMount = new(() =>
    {
        if (!OperatingSystem.IsLinux()) return false;
        string folder = Directory.CreateTempSubdirectory("distributed-mount-").FullName;
        bool may = SystemCalls.MountMemory(folder, "1m");
        if (may) SystemCalls.UnmountMemory(folder);
        Directory.Delete(folder);
        return may;
    });

    public SmallDiskFactAttribute()
    {
        if (!MayMount.Value) Skip = "mounts a small tmpfs, which needs Linux and the right to mount";
    }
}
