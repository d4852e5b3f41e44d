using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Distributed.Checkpoints;

/// <summary>
/// The entries that the store itself keeps in a checkpoint's string map, beside the caller's. <see cref="HeaderHash"/>
/// covers the whole header with its own 64 digits taken as zeros; the header names the hash of every tensor; so every
/// byte of the file is covered.
/// </summary>
internal static class CheckpointMetadata
{
    public const string Format = "format";
    public const string FormatName = "distributed-checkpoint-1";
    public const string HeaderHash = "headerSha256";
    public const string Step = "step";
    public const string Epoch = "epoch";
    public const string Fence = "fence";
    public const string Best = "best";
    public const string Weights = "weightsSha256";
    public const string TensorPrefix = "sha256:";

    /// <summary>Stands for a hash that is not known yet; as long as one.</summary>
    public static readonly string NoHash = new('0', SHA256.HashSizeInBytes * 2);

    private static readonly byte[] HeaderHashField = Encoding.ASCII.GetBytes($"\"{HeaderHash}\":\"");

    public static bool IsReserved(string key) =>
        key is Format or HeaderHash or Step or Epoch or Fence or Best or Weights ||
        key.StartsWith(TensorPrefix, StringComparison.Ordinal);

    /// <summary>The map as the file has it: the store's entries first, then the caller's in ordinal order.</summary>
    public static List<KeyValuePair<string, string>> Build(
        CheckpointContent content, string best, string weights, IEnumerable<(string Name, string Hash)> tensors)
    {
        List<KeyValuePair<string, string>> map =
        [
            new(Format, FormatName),
            new(HeaderHash, NoHash),
            new(Step, content.Step.ToString(CultureInfo.InvariantCulture)),
            new(Epoch, content.Epoch.ToString(CultureInfo.InvariantCulture)),
            new(Fence, content.Fence.ToString(CultureInfo.InvariantCulture)),
            new(Best, best),
            new(Weights, weights),
        ];
        map.AddRange(tensors.Select(
            tensor => KeyValuePair.Create(TensorPrefix + tensor.Name, tensor.Hash)));
        if (content.Metadata.Keys.FirstOrDefault(IsReserved) is { } reserved)
        {
            throw new ArgumentException($"The metadata entry '{reserved}' belongs to the checkpoint store.");
        }

        map.AddRange(content.Metadata.OrderBy(entry => entry.Key, StringComparer.Ordinal));
        return map;
    }

    /// <summary>
    /// The hash of a header's JSON with the digits of its own hash as zeros, and where they lie; null where the field
    /// is missing.
    /// </summary>
    public static (string Hash, int Position)? HashHeader(ReadOnlySpan<byte> json)
    {
        int position = json.IndexOf(HeaderHashField) + HeaderHashField.Length;
        if (position < HeaderHashField.Length || position + NoHash.Length > json.Length)
        {
            return null;
        }

        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(json[..position]);
        hash.AppendData(Encoding.ASCII.GetBytes(NoHash));
        hash.AppendData(json[(position + NoHash.Length)..]);
        return (WeightsHash.Finish(hash), position);
    }
}
