using System.IO.Compression;

namespace Distributed.Fuzz;

/// <summary>Images of CIFAR-10, where the folder of data sets is known and has them.</summary>
internal static class RealImages
{
    public static IEnumerable<byte[]> Some(int count)
    {
        if (Environment.GetEnvironmentVariable("DISTRIBUTED_DATA") is not { Length: > 0 } folder) yield break;
        string path = Path.Combine(folder, "cifar10", "cifar10-jpeg.zip");
        if (!File.Exists(path)) yield break;
        using ZipArchive archive = ZipFile.OpenRead(path);
        foreach (ZipArchiveEntry entry in archive.Entries.Where(entry => entry.Length > 0).Take(count))
        {
            using Stream stream = entry.Open();
            using MemoryStream content = new();
            stream.CopyTo(content);
            yield return content.ToArray();
        }
    }
}
