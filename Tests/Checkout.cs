namespace Distributed.Tests;

/// <summary>The checkout that these tests were built in.</summary>
internal static class Checkout
{
    /// <summary>The folder that holds Distributed.sln.</summary>
    public static string Folder { get; } = Find();

    private static string Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Distributed.sln"))) return folder.FullName;
        }

        throw new InvalidOperationException("Distributed.sln is in no folder above the tests.");
    }
}
