using System.Buffers.Binary;
using System.IO.Compression;
using Xunit;

namespace Distributed.Data.Tests;

/// <summary>Runs where the real MNIST files are; says where it looked where they are not.</summary>
public sealed class MnistFactAttribute : FactAttribute
{
    public MnistFactAttribute()
    {
        if (!File.Exists(Path.Combine(TestData.Folder, "mnist", "train-images-idx3-ubyte.gz")))
        {
            Skip = $"needs MNIST in {TestData.Folder} (set DISTRIBUTED_DATA to a folder of data sets)";
        }
    }
}

/// <summary>Small files made by hand, and where the large ones are.</summary>
internal static class TestData
{
    /// <summary>The folder of data sets: DISTRIBUTED_DATA, else shared/data beside the checkout.</summary>
    public static string Folder { get; } = FindFolder();

    public static string Fixture(string name) => Path.Combine(AppContext.BaseDirectory, "Fixtures", name);

    public static byte[] Images(int count, int height, int width) =>
        [.. Header(0x803, count, height, width), .. Enumerable.Range(0, count * height * width).Select(i => (byte)i)];

    public static byte[] Labels(params byte[] labels) => [.. Header(0x801, labels.Length), .. labels];

    public static byte[] Header(params int[] words)
    {
        byte[] bytes = new byte[words.Length * sizeof(int)];
        for (int index = 0; index < words.Length; index++)
        {
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(index * sizeof(int)), words[index]);
        }

        return bytes;
    }

    public static byte[] Gzip(byte[] content)
    {
        using MemoryStream compressed = new();
        using (GZipStream gzip = new(compressed, CompressionLevel.Optimal))
        {
            gzip.Write(content);
        }

        return compressed.ToArray();
    }

    /// <summary>Options with the folders that the environment names in other places.</summary>
    public static DatasetOptions Options(string? common, string cache) =>
        new() { CommonFolder = common, CacheRoot = cache };

    /// <summary>The four files of a data set of MNIST's form with 3 + 2 images of 2 x 2.</summary>
    public static Dictionary<string, byte[]> SmallMnist() => new()
    {
        ["train-images-idx3-ubyte"] = Images(3, 2, 2),
        ["train-labels-idx1-ubyte"] = Labels(7, 0, 9),
        ["t10k-images-idx3-ubyte"] = Images(2, 2, 2),
        ["t10k-labels-idx1-ubyte"] = Labels(1, 2),
    };

    private static string FindFolder()
    {
        if (Environment.GetEnvironmentVariable("DISTRIBUTED_DATA") is { Length: > 0 } named)
        {
            return named;
        }

        return Path.GetFullPath(Path.Combine(Checkout.Folder, "..", "shared", "data"));
    }
}
