using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Distributed.Data.Native;

namespace Distributed.Data;

/// <summary>
/// A decoded data set in one file: the pixels of all samples (none where they are streamed), a block that describes
/// them, that block's SHA-256, its length (64 bits, little-endian) and <see cref="Magic"/>.
/// </summary>
internal sealed record DecodedFile
{
    /// <summary>Ends every file; rises with the form of the block.</summary>
    public const string Magic = "DECODED2";

    private const int TrailerLength = 32 + 8 + 8;

    public required string Name { get; init; }

    public required int Channels { get; init; }

    public required int Height { get; init; }

    public required int Width { get; init; }

    public required string[] ClassNames { get; init; }

    public required int TrainCount { get; init; }

    public required int Held { get; init; }

    public required bool HasPixels { get; init; }

    /// <summary>The data set's hash.</summary>
    public required string Sha256 { get; init; }

    /// <summary>A sentence for each corrupt image that was left out.</summary>
    public required string[] Skipped { get; init; }

    /// <summary>The source's index of each sample.</summary>
    public required int[] Order { get; init; }

    public required int[] Labels { get; init; }

    /// <summary>The CRC-32 of each sample's pixels.</summary>
    public required uint[] Checksums { get; init; }

    /// <summary>For each sample its channels' sums, then its channels' sums of squares.</summary>
    public required long[] Sums { get; init; }

    /// <summary>The block and the trailer, to be written after the pixels.</summary>
    public byte[] ToBytes()
    {
        using MemoryStream stream = new();
        using (BinaryWriter writer = new(stream))
        {
            writer.Write(Name);
            foreach (int number in new[] { Channels, Height, Width, TrainCount, Held, HasPixels ? 1 : 0 })
            {
                writer.Write(number);
            }

            writer.Write(Sha256);
            WriteTexts(writer, ClassNames);
            WriteTexts(writer, Skipped);
            writer.Write(Labels.Length);
            writer.Write(MemoryMarshal.AsBytes(Order.AsSpan()));
            writer.Write(MemoryMarshal.AsBytes(Labels.AsSpan()));
            writer.Write(MemoryMarshal.AsBytes(Checksums.AsSpan()));
            writer.Write(MemoryMarshal.AsBytes(Sums.AsSpan()));
            writer.Flush();
            int length = (int)stream.Length;
            writer.Write(SHA256.HashData(stream.GetBuffer().AsSpan(0, length)));
            writer.Write((long)length);
            writer.Write(System.Text.Encoding.ASCII.GetBytes(Magic));
        }

        return stream.ToArray();
    }

    /// <summary>Maps a file and makes a data set of it; null where it is not sound.</summary>
    /// <param name="path">The file.</param>
    /// <param name="source">Decodes samples that the file lacks.</param>
    /// <exception cref="IOException">It can't be read.</exception>
    public static Dataset? Open(string path, ImageSource source)
    {
        MappedFile file = new(path);
        if (ReadBlock(file) is not { } block)
        {
            return null;
        }

        long pixels = block.HasPixels ? (long)block.Labels.Length * source.SampleLength : 0;
        if ((block.Channels, block.Height, block.Width) != (source.Channels, source.Height, source.Width)
            || file.Length < pixels)
        {
            return null;
        }

        ImageSet train = block.Part(0, block.TrainCount, file, source);
        ImageSet test = block.Part(block.TrainCount, block.Labels.Length - block.TrainCount, file, source);

        // What is streamed is checked sample by sample.
        if (block.HasPixels && Dataset.Hash(train, test, block.ClassNames.Length, block.Held) != block.Sha256)
        {
            return null;
        }

        return new Dataset(block.Name, train, test, block.ClassNames, block.Sha256)
        {
            Held = block.Held,
            Skipped = block.Skipped,
        };
    }

    /// <summary>The hash of the data set whose pixels are in a file, as the file says it, without a look at the rest;
    /// null where it says none.</summary>
    public static string? Peek(string path)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            using BinaryReader reader = new(file);
            file.Seek(-TrailerLength + 32, SeekOrigin.End);
            long length = reader.ReadInt64();
            if (!reader.ReadBytes(Magic.Length).AsSpan().SequenceEqual(System.Text.Encoding.ASCII.GetBytes(Magic)))
            {
                return null;
            }

            file.Seek(-TrailerLength - length, SeekOrigin.End);
            _ = reader.ReadString();
            return Numbers<int>(reader, 6)[5] != 0 ? reader.ReadString() : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException
            or FormatException)
        {
            return null;
        }
    }

    private ImageSet Part(int first, int count, MappedFile file, ImageSource source)
    {
        SampleSums sums = new(Sums, Channels, first);
        PixelStore pixels = HasPixels
            ? new MappedPixels(file, (long)first * source.SampleLength, source.SampleLength, sums)
            : new StreamedPixels(source, Order, Checksums, first, sums);
        return new ImageSet(Channels, Height, Width, pixels, Labels[first..(first + count)]);
    }

    private static DecodedFile? ReadBlock(MappedFile file)
    {
        if (file.Length < TrailerLength)
        {
            return null;
        }

        ReadOnlySpan<byte> trailer = file.Span(file.Length - TrailerLength, TrailerLength);
        long length = BinaryPrimitives.ReadInt64LittleEndian(trailer[32..]);
        if (!trailer[40..].SequenceEqual(System.Text.Encoding.ASCII.GetBytes(Magic))
            || length < 0 || length > Math.Min(file.Length - TrailerLength, int.MaxValue))
        {
            return null;
        }

        ReadOnlySpan<byte> block = file.Span(file.Length - TrailerLength - length, (int)length);
        return SHA256.HashData(block).AsSpan().SequenceEqual(trailer[..32]) ? Parse(block.ToArray()) : null;
    }

    /// <summary>Reads a block whose hash is right, so it has the form.</summary>
    private static DecodedFile Parse(byte[] block)
    {
        using BinaryReader reader = new(new MemoryStream(block));
        string name = reader.ReadString();
        int[] numbers = Numbers<int>(reader, 6);
        string sha256 = reader.ReadString();
        string[] classNames = ReadTexts(reader);
        string[] skipped = ReadTexts(reader);
        int count = reader.ReadInt32();
        return new DecodedFile
        {
            Name = name,
            Channels = numbers[0],
            Height = numbers[1],
            Width = numbers[2],
            TrainCount = numbers[3],
            Held = numbers[4],
            HasPixels = numbers[5] != 0,
            Sha256 = sha256,
            ClassNames = classNames,
            Skipped = skipped,
            Order = Numbers<int>(reader, count),
            Labels = Numbers<int>(reader, count),
            Checksums = Numbers<uint>(reader, count),
            Sums = Numbers<long>(reader, 2 * numbers[0] * count),
        };
    }

    private static T[] Numbers<T>(BinaryReader reader, int count)
        where T : unmanaged
    {
        T[] numbers = new T[count];
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(numbers.AsSpan()));
        return numbers;
    }

    private static void WriteTexts(BinaryWriter writer, string[] texts)
    {
        writer.Write(texts.Length);
        foreach (string text in texts)
        {
            writer.Write(text);
        }
    }

    private static string[] ReadTexts(BinaryReader reader)
    {
        string[] texts = new string[reader.ReadInt32()];
        for (int index = 0; index < texts.Length; index++)
        {
            texts[index] = reader.ReadString();
        }

        return texts;
    }
}
