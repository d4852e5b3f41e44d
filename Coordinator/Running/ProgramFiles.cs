using System.Runtime.InteropServices;

namespace Distributed.Coordinator;

/// <summary>Where the programs of this installation are.</summary>
internal static class ProgramFiles
{
    /// <summary>Finds a program in a folder.</summary>
    /// <param name="folder">Where it lies.</param>
    /// <param name="name">Its name without an ending.</param>
    /// <returns>What to start, and the library to give it first; null: none.</returns>
    /// <exception cref="UsageException">The program is not there.</exception>
    public static (string File, string? Library) Find(string folder, string name)
    {
        string executable = Path.Combine(folder, OperatingSystem.IsWindows() ? $"{name}.exe" : name);
        string library = Path.Combine(folder, $"{name}.dll");
        if (File.Exists(executable) && !IsHost(Environment.ProcessPath)) return (executable, null);
        return File.Exists(library)
            ? (Host(), library)
            : throw new UsageException($"{executable}: the {name}'s program is missing beside this one; build or "
                + "publish the coordinator again.");
    }

    /// <summary>Where this program runs under <c>dotnet</c>, so do the others.</summary>
    private static bool IsHost(string? path) => Path.GetFileNameWithoutExtension(path) == "dotnet";

    /// <summary>The <c>dotnet</c> of this runtime, which lies at shared/Microsoft.NETCore.App/VERSION/.</summary>
    private static string Host()
    {
        if (IsHost(Environment.ProcessPath)) return Environment.ProcessPath!;
        string name = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        string path = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", name));
        return File.Exists(path) ? path : name;
    }
}
