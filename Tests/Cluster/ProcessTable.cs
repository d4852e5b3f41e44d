using System.Globalization;

namespace Distributed.Cluster;

/// <summary>What /proc says of processes; empty where there is none.</summary>
internal static class ProcessTable
{
    public static IReadOnlyList<int> ChildrenOf(int parent)
    {
        List<int> children = [];
        if (!OperatingSystem.IsLinux()) return children;
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out int id) &&
                Status(id) is { } status && status.Parent == parent && status.State != 'Z')
            {
                children.Add(id);
            }
        }

        children.Sort();
        return children;
    }

    /// <summary>Whether a process is there, running or stopped; one that ended and was not waited for is not.</summary>
    public static bool IsAlive(int id) => Status(id) is { State: not ('Z' or 'X') };

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

    /// <summary>A process's arguments, as anybody on the machine can read them.</summary>
    public static string Arguments(int id) => File.ReadAllText($"/proc/{id}/cmdline").Replace('\0', ' ');

    /// <summary>What a process has mapped.</summary>
    public static string Mappings(int id) => File.ReadAllText($"/proc/{id}/maps");

    /// <summary>How many threads a process has.</summary>
    public static int Threads(int id) => Directory.GetDirectories($"/proc/{id}/task").Length;

    /// <summary>How many connections and files a process has open.</summary>
    public static int Handles(int id) => Directory.GetFiles($"/proc/{id}/fd").Length;

    private static (char State, int Parent)? Status(int id)
    {
        try
        {
            // "ID (NAME) STATE PARENT ...", where NAME may hold anything.
            string text = File.ReadAllText($"/proc/{id}/stat");
            string[] fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return (fields[0][0], int.Parse(fields[1], CultureInfo.InvariantCulture));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
