using System.Globalization;

namespace Distributed.Cluster;

/// <summary>What /proc says of processes that only tests ask for.</summary>
internal static class ProcessTable
{
    /// <summary>Whether this process ignores a signal, and so do those it starts.</summary>
    public static bool Ignores(int signal)
    {
        const string Field = "SigIgn:";
        string line = File.ReadLines("/proc/self/status")
            .First(each => each.StartsWith(Field, StringComparison.Ordinal));
        ReadOnlySpan<char> digits = line.AsSpan(Field.Length).Trim();
        ulong ignored = ulong.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return (ignored >> (signal - 1) & 1) != 0;
    }

    /// <summary>What a process has mapped.</summary>
    public static string Mappings(int id) => File.ReadAllText($"/proc/{id}/maps");
}
