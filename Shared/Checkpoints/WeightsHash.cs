using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Distributed.Checkpoints;

/// <summary>
/// The hash that names a model's weights: SHA-256 over parameters and running statistics in ordinal order of name, for
/// each the UTF-8 name and then the fp32 little-endian bytes of the unpadded tensor in PyTorch's shape. Optimizer state
/// (names that begin with <see cref="OptimizerPrefix"/>) takes no part.
/// </summary>
public static class WeightsHash
{
    /// <summary>What the name of a tensor of optimizer state begins with: <c>optimizer.STATE.PARAMETER</c>.</summary>
    public const string OptimizerPrefix = "optimizer.";

    /// <summary>Says whether a tensor of this name takes part in the hash.</summary>
    /// <param name="name">The tensor's name.</param>
    public static bool Includes(string name) => !name.StartsWith(OptimizerPrefix, StringComparison.Ordinal);

    /// <summary>Computes the hash of a model's tensors, in any order, optimizer state skipped.</summary>
    /// <param name="tensors">The tensors.</param>
    /// <returns>64 lower-case hexadecimal digits.</returns>
    public static string Compute(IEnumerable<TensorSource> tensors)
    {
        TensorSource[] ordered = [.. tensors.Where(tensor => Includes(tensor.Name))];
        Array.Sort(ordered, (left, right) => string.CompareOrdinal(left.Name, right.Name));
        float[] scratch = new float[ordered.Select(tensor => tensor.Count).DefaultIfEmpty().Max()];
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (TensorSource tensor in ordered)
        {
            Span<float> values = scratch.AsSpan(0, tensor.Count);
            tensor.Fill(values);
            AppendName(hash, tensor.Name);
            hash.AppendData(MemoryMarshal.AsBytes(values));
        }

        return Finish(hash);
    }

    internal static string Compute(SafeTensorsFile file)
    {
        byte[] buffer = SafeTensorsFile.CreateBuffer();
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (TensorEntry tensor in file.Tensors.Where(tensor => Includes(tensor.Name)))
        {
            AppendName(hash, tensor.Name);
            file.Hash(tensor, buffer, hash);
        }

        return Finish(hash);
    }

    internal static void AppendName(IncrementalHash hash, string name) => hash.AppendData(Encoding.UTF8.GetBytes(name));

    internal static string Finish(IncrementalHash hash) => Convert.ToHexStringLower(hash.GetHashAndReset());
}
