using System.Buffers.Binary;
using System.IO.Compression;
using Distributed.Data;

namespace Distributed.Fuzz;

/// <summary>An IDX file, plain or gzipped: as images, as labels, and as pictures to predict.</summary>
internal sealed class IdxTarget : FileTarget
{
    public override string Name => "idx";

    public override IReadOnlyList<byte[]> Words { get; } =
        [[0, 0, 8, 3], [0, 0, 8, 1], [0x1f, 0x8b, 8], [255, 255, 255, 255], [0, 0, 0, 1], [0x40, 0, 0, 0]];

    /// <summary>What Deflate can shrink to that length, three times, with an object for every picture.</summary>
    public override long MostAllocated(int length) => (1 << 20) + (4L * 1032 * length);

    public override Outcome Read(byte[] input)
    {
        string path = Within("file");
        File.WriteAllBytes(path, input);
        return Outcome.Of(error => (error as DataException)?.Message,
            () => IdxFile.Read(path, 3), () => IdxFile.Read(path, 1), () => ImageFiles.ReadAll(path));
    }

    protected override IEnumerable<byte[]> MakeSeeds()
    {
        byte[] images = [.. Header(0x803, 2, 3, 4), .. new byte[24]], labels = [.. Header(0x801, 5), 1, 2, 3, 4, 5];
        yield return images;
        yield return labels;
        yield return Gzip(images);
        yield return Gzip(labels);
        yield return Gzip([.. Header(0x803, 1000, 4, 5), .. new byte[20_000]]);
        if (Environment.GetEnvironmentVariable("DISTRIBUTED_DATA") is { Length: > 0 } folder
            && Path.Combine(folder, "mnist", "t10k-labels-idx1-ubyte.gz") is var real && File.Exists(real))
            yield return File.ReadAllBytes(real);
    }

    public static byte[] Gzip(byte[] content)
    {
        using MemoryStream compressed = new();
        using (GZipStream gzip = new(compressed, CompressionLevel.Optimal)) gzip.Write(content);
        return compressed.ToArray();
    }

    private static byte[] Header(params ReadOnlySpan<int> words)
    {
        byte[] bytes = new byte[words.Length * sizeof(int)];
        for (int word = 0; word < words.Length; word++)
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(word * sizeof(int)), words[word]);
        return bytes;
    }
}
