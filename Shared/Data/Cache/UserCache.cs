namespace Distributed.Data;

/// <summary>The user's cache of this program: downloads and decoded images.</summary>
internal static class UserCache
{
    /// <summary>What all decoded images together may take unless the environment says otherwise.</summary>
    private const long DefaultLimit = 4_000_000_000;

    /// <summary>The most bytes of decoded images that are kept.</summary>
    /// <exception cref="DataException">The environment says something else than a size.</exception>
    public static long Limit =>
        Environment.GetEnvironmentVariable(DatasetOptions.CacheLimitVariable) is not { Length: > 0 } text ? DefaultLimit
        : DatasetOptions.ParseSize(text) ?? throw new DataException(
            $"{DatasetOptions.CacheLimitVariable}: expected a size such as 500MB or 4GB, got '{text}'.");

    /// <summary>XDG_CACHE_HOME where it is set, as on Linux desktops; else the user's local application data.</summary>
    public static string Folder
    {
        get
        {
            string? root = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            return Path.Combine(string.IsNullOrEmpty(root)
                ? Environment.GetFolderPath(
                    Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify)
                : root, "distributed");
        }
    }
}
