namespace Distributed.Cluster;

/// <summary>The built programs: those of the coordinator's output folder, of the same configuration as this.</summary>
internal static class Programs
{
    public static string Coordinator { get; } = Find("coordinator");

    public static string Worker { get; } = Find("worker");

    private static string Find(string name)
    {
        // This assembly lies at Tests/Cluster/bin/CONFIGURATION/FRAMEWORK/.
        DirectoryInfo output = new(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        string file = OperatingSystem.IsWindows() ? $"{name}.exe" : name;
        string path = Path.Combine(Checkout.Folder, "Coordinator", "bin", output.Parent!.Name, output.Name, file);
        return File.Exists(path) ? path : throw new InvalidOperationException($"{path}: not built.");
    }
}
