using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Distributed.Checkpoints;

/// <summary>
/// Writes one checkpoint to a seekable stream in one pass over the tensors: first a header with zeros for the hashes,
/// then each tensor while it is hashed, and last the header again, which is as long as before.
/// </summary>
internal sealed class CheckpointWriter
{
    private const int ChunkBytes = 256 * 1024;

    /// <summary>Holds one tensor at a time; kept from save to save.</summary>
    private float[] _scratch = [];

    /// <summary>The length of the file that <see cref="Write"/> would make.</summary>
    public static long Measure(CheckpointContent content, string best)
    {
        (TensorSource[] tensors, TensorEntry[] entries) = Arrange(content);
        string[] hashes = [.. tensors.Select(_ => CheckpointMetadata.NoHash)];
        return Header(content, best, CheckpointMetadata.NoHash, entries, hashes).Length
            + entries.Sum(entry => entry.ByteLength);
    }

    public (long Bytes, string WeightsSha256) Write(Stream stream, CheckpointContent content, string best)
    {
        (TensorSource[] tensors, TensorEntry[] entries) = Arrange(content);
        string[] hashes = [.. tensors.Select(_ => CheckpointMetadata.NoHash)];
        byte[] header = Header(content, best, CheckpointMetadata.NoHash, entries, hashes);
        stream.Write(header);
        using IncrementalHash weights = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using IncrementalHash own = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int index = 0; index < tensors.Length; index++)
        {
            WriteTensor(stream, tensors[index], own, weights);
            hashes[index] = WeightsHash.Finish(own);
        }

        string weightsHash = WeightsHash.Finish(weights);
        header = Header(content, best, weightsHash, entries, hashes);
        Span<byte> json = header.AsSpan(sizeof(ulong));
        (string headerHash, int position) = CheckpointMetadata.HashHeader(json)!.Value;
        Encoding.ASCII.GetBytes(headerHash, json[position..]);
        stream.Position = 0;
        stream.Write(header);
        return (stream.Length, weightsHash);
    }

    private void WriteTensor(Stream stream, TensorSource tensor, IncrementalHash own, IncrementalHash weights)
    {
        if (_scratch.Length < tensor.Count)
        {
            _scratch = GC.AllocateUninitializedArray<float>(tensor.Count);
        }

        bool counts = WeightsHash.Includes(tensor.Name);
        if (counts)
        {
            WeightsHash.AppendName(weights, tensor.Name);
        }

        tensor.Fill(_scratch.AsSpan(0, tensor.Count));
        ReadOnlySpan<byte> rest = MemoryMarshal.AsBytes(_scratch.AsSpan(0, tensor.Count));
        while (!rest.IsEmpty)
        {
            // In pieces that stay in cache between the two hashes and the write.
            ReadOnlySpan<byte> chunk = rest[..Math.Min(ChunkBytes, rest.Length)];
            own.AppendData(chunk);
            if (counts)
            {
                weights.AppendData(chunk);
            }

            stream.Write(chunk);
            rest = rest[chunk.Length..];
        }
    }

    private static byte[] Header(
        CheckpointContent content, string best, string weights, TensorEntry[] entries, string[] hashes) =>
        SafeTensorsHeader.Format(
            CheckpointMetadata.Build(content, best, weights, entries.Select((entry, i) => (entry.Name, hashes[i]))),
            entries);

    private static (TensorSource[] Tensors, TensorEntry[] Entries) Arrange(CheckpointContent content)
    {
        TensorSource[] tensors = [.. content.Tensors];
        Array.Sort(tensors, (left, right) => string.CompareOrdinal(left.Name, right.Name));
        TensorEntry[] entries = new TensorEntry[tensors.Length];
        long offset = 0;
        for (int index = 0; index < tensors.Length; index++)
        {
            TensorSource tensor = tensors[index];
            if (index > 0 && tensor.Name == tensors[index - 1].Name)
            {
                throw new ArgumentException($"The checkpoint would hold two tensors named '{tensor.Name}'.");
            }

            long bytes = (long)tensor.Count * sizeof(float);
            entries[index] = new TensorEntry(tensor.Name, TensorEntry.Float32, [.. tensor.Shape], offset, bytes);
            offset += bytes;
        }

        return (tensors, entries);
    }
}
