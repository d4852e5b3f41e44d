using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Distributed.Numerics;

namespace Distributed.Data.Tests;

/// <summary>
/// The program that the test assembly is when started alone: prints which instructions are used, then a SHA-256 of
/// augmented micro-batches for every augmentation alone and for all together.
/// </summary>
internal static class AugmentationBitsProgram
{
    private const int Batch = 7;

    public static int Main()
    {
        Console.WriteLine(InstructionSet.Name);
        foreach (string list in AugmentationKind.All.Select(kind => kind.Name).Append("none").Append(All))
        {
            Console.WriteLine($"{Hash(list)} {list}");
        }

        return 0;
    }

    /// <summary>Every augmentation with its default, in the catalogue's order.</summary>
    public static string All => string.Join(',', AugmentationKind.All.Select(kind => kind.Name));

    /// <summary>The hash of micro-batches of two epochs, with labels and weights, in grey and in colour.</summary>
    public static string Hash(string list)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((int channels, int height, int width) in new[] { (3, 32, 32), (1, 9, 17) })
        {
            ImageSet images = Images(channels, height, width);
            Normalization normalization = new(
                [.. new float[] { 0.5f, 0.45f, 0.4f }.Take(channels)],
                [.. new float[] { 0.25f, 0.24f, 0.26f }.Take(channels)]);
            SampleLoader loader = new(images, normalization, AugmentationList.Parse(list), seed: 5);
            float[] inputs = new float[Batch * images.SampleLength], weights = new float[Batch];
            int[] labels = new int[Batch], seconds = new int[Batch];
            for (int epoch = 0; epoch < 2; epoch++)
            {
                loader.LoadTraining(epoch, [4, 0, 6, 2, 1, 3, 5], inputs, labels, seconds, weights);
                hash.AppendData(MemoryMarshal.AsBytes(inputs.AsSpan()));
                hash.AppendData(MemoryMarshal.AsBytes(labels.AsSpan()));
                hash.AppendData(MemoryMarshal.AsBytes(seconds.AsSpan()));
                hash.AppendData(MemoryMarshal.AsBytes(weights.AsSpan()));
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Random images.</summary>
    public static ImageSet Images(int channels, int height, int width)
    {
        byte[] pixels = new byte[Batch * channels * height * width];
        CounterRandom random = new(3, RandomPurpose.Test);
        for (int index = 0; index < pixels.Length; index++)
        {
            pixels[index] = (byte)random.UInt32((uint)index);
        }

        return new ImageSet(channels, height, width, pixels, [.. Enumerable.Range(0, Batch)]);
    }
}
