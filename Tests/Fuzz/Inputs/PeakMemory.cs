using System.Globalization;

namespace Distributed.Fuzz;

/// <summary>The most memory that this process had resident since a moment, by Linux's account (proc_pid_clear_refs(5),
/// proc_pid_status(5)); 0 on other systems.</summary>
internal static class PeakMemory
{
    private const string ResetPeak = "5";

    /// <summary>Begins anew; returns the bytes resident now.</summary>
    public static long Start()
    {
        if (!OperatingSystem.IsLinux()) return 0;
        File.WriteAllText("/proc/self/clear_refs", ResetPeak);
        return Field("VmRSS:");
    }

    /// <summary>The peak since then.</summary>
    public static long Read() => OperatingSystem.IsLinux() ? Field("VmHWM:") : 0;

    // A line such as "VmRSS:     1234 kB".
    private static long Field(string name)
    {
        string line = File.ReadLines("/proc/self/status")
            .First(line => line.StartsWith(name, StringComparison.Ordinal));
        return long.Parse(line[name.Length..^" kB".Length], NumberStyles.AllowLeadingWhite,
            CultureInfo.InvariantCulture) << 10;
    }
}
