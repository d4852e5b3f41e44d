using System.Formats.Tar;
using Distributed.Data;

namespace Distributed.Fuzz;

/// <summary>One of CIFAR-10's binary files among sound ones, or, where the bytes begin as gzip does, its archive.
/// </summary>
internal sealed class CifarTarget : FileTarget
{
    private const int RecordBytes = 1 + (3 * 32 * 32);

    private static readonly string[] Files =
    [
        "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin",
        "test_batch.bin",
    ];

    public CifarTarget()
    {
        Directory.CreateDirectory(Within("archive"));
        Directory.CreateDirectory(Within("plain"));
        foreach (string file in Files) File.WriteAllBytes(Within($"plain/{file}"), new byte[RecordBytes]);
    }

    public override string Name => "cifar";

    public override bool UsesThreads => true;

    public override IReadOnlyList<byte[]> Words { get; } =
    [
        [0x1f, 0x8b, 8], "data_batch_2.bin"u8.ToArray(), "ustar"u8.ToArray(), "77777777777"u8.ToArray(), [9], [10],
        [255],
    ];

    /// <summary>A batch of decoded images, buffers of files, and what Deflate can shrink to that length.</summary>
    public override long MostAllocated(int length) => (16 << 20) + (6L * 1032 * length);

    public override Outcome Read(byte[] input)
    {
        bool isArchive = input is [0x1f, 0x8b, ..];
        string folder = Within(isArchive ? "archive" : "plain");
        File.WriteAllBytes(Path.Combine(folder, isArchive ? "cifar-10-binary.tar.gz" : Files[0]), input);
        string cache = Within("cache");
        try
        {
            return Outcome.Of(error => (error as DataException)?.Message, () =>
                Cifar.Ten.Load(new DatasetOptions { DataDirectory = folder, CacheRoot = cache, CommonFolder = null }));
        }
        finally
        {
            if (Directory.Exists(cache)) Directory.Delete(cache, recursive: true);
        }
    }

    protected override IEnumerable<byte[]> MakeSeeds() =>
        [new byte[RecordBytes], [.. new byte[RecordBytes], 9, .. new byte[RecordBytes - 1]], Archive()];

    private static byte[] Archive()
    {
        using MemoryStream stream = new();
        using (TarWriter tar = new(stream, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (string file in Files)
            {
                tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, $"cifar-10-batches-bin/{file}")
                {
                    DataStream = new MemoryStream(new byte[RecordBytes]),
                });
            }
        }

        return IdxTarget.Gzip(stream.ToArray());
    }
}
