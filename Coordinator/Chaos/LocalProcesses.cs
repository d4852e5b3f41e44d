using System.Globalization;

namespace Distributed.Coordinator;

/// <summary>The system's table of processes, where it is a folder: Linux. Elsewhere there are none.</summary>
internal static class LocalProcesses
{
    // Of what follows the name in /proc/ID/stat: "STATE PARENT ...".
    private const int State = 0, Parent = 1, Threads = 17, StartTime = 19, ResidentPages = 21;

    /// <summary>Whether there is such a table.</summary>
    public static bool AreListed { get; } = OperatingSystem.IsLinux() && Directory.Exists("/proc/self/fd");

    /// <summary>The processes that a process started and that live, in order of their numbers.</summary>
    public static IReadOnlyList<int> ChildrenOf(int parent)
    {
        string number = parent.ToString(CultureInfo.InvariantCulture);
        return Find(id => Stat(id) is { } stat && stat[Parent] == number);
    }

    /// <summary>
    /// The processes that live and were started with this environment variable, by whichever process before them, in
    /// order of their numbers; of this user alone.
    /// </summary>
    public static IReadOnlyList<int> WithVariable(string name, string value)
    {
        string variable = $"{name}={value}";
        return Find(id => Text(id, "environ").Split('\0').Contains(variable) && IsAlive(id));
    }

    /// <summary>Whether a process is there, running or stopped; one that ended and was not waited for is not.</summary>
    public static bool IsAlive(int id) => Stat(id) is not null;

    /// <summary>A process's program and arguments, as anybody on the machine can read them; empty: it has ended.
    /// </summary>
    public static IReadOnlyList<string> Arguments(int id) =>
        Text(id, "cmdline").Split('\0', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>What a process takes at the moment; null: it has ended.</summary>
    public static ProcessFigures? Figures(int id)
    {
        try
        {
            if (Stat(id) is not { } stat) return null;
            int files = Directory.EnumerateFileSystemEntries($"/proc/{id}/fd").Count();
            return new ProcessFigures(Number(ResidentPages) * Environment.SystemPageSize, files, (int)Number(Threads))
            {
                StartTime = Number(StartTime),
            };

            long Number(int field) => long.Parse(stat[field], CultureInfo.InvariantCulture);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static List<int> Find(Predicate<int> isSought)
    {
        List<int> found = [];
        if (!AreListed) return found;
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out int id) && isSought(id))
                found.Add(id);
        }

        found.Sort();
        return found;
    }

    // "ID (NAME) STATE PARENT ...", where the name may hold anything; null: it has ended.
    private static string[]? Stat(int id)
    {
        string text = Text(id, "stat");
        string[] fields = text[(text.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > ResidentPages && fields[State] is not ("Z" or "X") ? fields : null;
    }

    private static string Text(int id, string file)
    {
        try
        {
            return AreListed ? File.ReadAllText($"/proc/{id}/{file}") : "";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return ""; // it has just ended, or is another user's
        }
    }
}

/// <summary>What a process takes at a moment.</summary>
/// <param name="ResidentBytes">Memory that is resident, shared and mapped files included.</param>
/// <param name="OpenFiles">Descriptors: files, sockets, pipes.</param>
/// <param name="Threads">Threads.</param>
internal readonly record struct ProcessFigures(long ResidentBytes, int OpenFiles, int Threads)
{
    /// <summary>When it was started, in the system's ticks: tells apart processes that had the same number.</summary>
    public long StartTime { get; init; }
}
