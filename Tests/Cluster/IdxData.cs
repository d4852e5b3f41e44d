using System.Buffers.Binary;

namespace Distributed.Cluster;

/// <summary>A small data set in the form of MNIST, made up.</summary>
internal static class IdxData
{
    public const string TrainImages = "train-images-idx3-ubyte";

    private const int Side = 28;

    /// <summary>The arguments that train on the data set in a folder.</summary>
    public static string[] Arguments(string folder) => ["--data", "fashion-mnist", "--data-dir", folder];

    /// <summary>Writes the four files; other seeds make other pixels.</summary>
    public static string Write(string folder, int seed = 1)
    {
        Directory.CreateDirectory(folder);
        WriteImages(Path.Combine(folder, TrainImages), 200, seed);
        WriteLabels(Path.Combine(folder, "train-labels-idx1-ubyte"), 200);
        WriteImages(Path.Combine(folder, "t10k-images-idx3-ubyte"), 50, seed + 1);
        WriteLabels(Path.Combine(folder, "t10k-labels-idx1-ubyte"), 50);
        return folder;
    }

    private static void WriteImages(string path, int count, int seed)
    {
        byte[] file = new byte[16 + count * Side * Side];
        new Random(seed).NextBytes(file);
        foreach ((int value, int place) in new[] { 0x803, count, Side, Side }.Select((value, place) => (value, place)))
            BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(place * 4), value);
        File.WriteAllBytes(path, file);
    }

    private static void WriteLabels(string path, int count)
    {
        byte[] file = new byte[8 + count];
        BinaryPrimitives.WriteInt32BigEndian(file, 0x801);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4), count);
        for (int label = 0; label < count; label++) file[8 + label] = (byte)(label % 10);
        File.WriteAllBytes(path, file);
    }
}
