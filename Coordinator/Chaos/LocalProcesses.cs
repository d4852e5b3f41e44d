using System.Globalization;

namespace Distributed.Coordinator;

/// <summary>The system's table of processes, where it is a folder: Linux.</summary>
internal static class LocalProcesses
{
    /// <summary>The processes that a process started and that live, in order of their numbers.</summary>
    public static IReadOnlyList<int> ChildrenOf(int parent)
    {
        List<int> children = [];
        if (!OperatingSystem.IsLinux()) return children;
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out int id)
                && Stat(folder) is [var state, var parentId, ..] && state is not ("Z" or "X")
                && parentId == parent.ToString(CultureInfo.InvariantCulture))
            {
                children.Add(id);
            }
        }

        children.Sort();
        return children;
    }

    // "ID (NAME) STATE PARENT ...", where the name may hold anything.
    private static string[]? Stat(string folder)
    {
        try
        {
            string text = File.ReadAllText(Path.Combine(folder, "stat"));
            return text[(text.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
