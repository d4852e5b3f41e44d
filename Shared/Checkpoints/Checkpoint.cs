using System.Globalization;
using System.Security.Cryptography;

namespace Distributed.Checkpoints;

/// <summary>Which checkpoint of a folder is meant.</summary>
public enum CheckpointChoice
{
    /// <summary>The one with the best parameters so far: to evaluate and to predict.</summary>
    Best,

    /// <summary>The newest sound one: to resume.</summary>
    Latest,
}

/// <summary>A checkpoint opened for reading, of which every byte was checked against its hashes.</summary>
public sealed class Checkpoint : IDisposable
{
    private readonly SafeTensorsFile _file;

    private Checkpoint(SafeTensorsFile file)
    {
        _file = file;
        if (!IsOurs(file))
        {
            throw new CheckpointException($"{file.Path}: this safetensors file is not a checkpoint of a run " +
                $"(its metadata lacks \"{CheckpointMetadata.Format}\": \"{CheckpointMetadata.FormatName}\"); " +
                "use --init to start from foreign weights.");
        }

        WeightsSha256 = Verify(file);
        Step = Number(CheckpointMetadata.Step);
        Epoch = (int)Number(CheckpointMetadata.Epoch);
        Fence = (int)Number(CheckpointMetadata.Fence);
        Best = file.Metadata.GetValueOrDefault(CheckpointMetadata.Best) is { Length: > 0 } best ? best : null;
        Metadata = file.Metadata.Where(entry => !CheckpointMetadata.IsReserved(entry.Key))
            .ToDictionary(StringComparer.Ordinal);
    }

    /// <summary>The file.</summary>
    public string Path => _file.Path;

    /// <summary>Steps done.</summary>
    public long Step { get; }

    /// <summary>The epoch, as the writer counted.</summary>
    public int Epoch { get; }

    /// <summary>The fence number of the coordinator that wrote it.</summary>
    public int Fence { get; }

    /// <summary>The file name of the best checkpoint at that time (its own where it is the best); null: none.</summary>
    public string? Best { get; }

    /// <summary>The hash of the weights, computed from the bytes; see <see cref="WeightsHash"/>.</summary>
    public string WeightsSha256 { get; }

    /// <summary>The writer's own entries.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Every tensor, in ordinal order of name.</summary>
    public IReadOnlyList<TensorEntry> Tensors => _file.Tensors;

    /// <summary>The file's length in bytes.</summary>
    public long Length => _file.Length;

    /// <summary>Opens a checkpoint and checks every hash.</summary>
    /// <param name="path">
    /// A checkpoint, <c>latest</c> or <c>best</c>, a folder of checkpoints, or a run's folder.
    /// </param>
    /// <param name="choice">Which one, where <paramref name="path"/> is a folder.</param>
    /// <exception cref="CheckpointException">None is there, or it is not sound.</exception>
    public static Checkpoint Open(string path, CheckpointChoice choice = CheckpointChoice.Best) =>
        CheckpointLocator.FolderOf(path) is { } folder
            ? CheckpointLocator.OpenFolder(folder, choice)
            : OpenFile(CheckpointLocator.Resolve(path));

    /// <summary>
    /// Opens weights to start from: one of our checkpoints (every hash is checked; the best where a folder is named) or
    /// any other safetensors file, such as one that PyTorch wrote.
    /// </summary>
    /// <param name="path">As for <see cref="Open"/>.</param>
    /// <exception cref="CheckpointException">None is there, or it is not sound.</exception>
    public static SafeTensorsFile OpenWeights(string path)
    {
        if (CheckpointLocator.FolderOf(path) is { } folder)
        {
            return CheckpointLocator.OpenFolder(folder, CheckpointChoice.Best)._file;
        }

        SafeTensorsFile file = SafeTensorsFile.Open(CheckpointLocator.Resolve(path));
        try
        {
            return IsOurs(file) ? new Checkpoint(file)._file : file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Finds the newest sound checkpoint of a folder: the highest fence first, then the highest step.
    /// </summary>
    /// <param name="folder">The folder of checkpoints.</param>
    /// <param name="warnings">One sentence for each newer one that was rejected.</param>
    /// <returns>The checkpoint, or null where the folder has no sound one.</returns>
    public static Checkpoint? LatestSound(string folder, out IReadOnlyList<string> warnings)
    {
        List<string> rejected = [];
        warnings = rejected;
        foreach (CheckpointFileName name in CheckpointFileName.Find(folder))
        {
            try
            {
                return OpenFile(System.IO.Path.Combine(folder, name.ToString()));
            }
            catch (CheckpointException error)
            {
                rejected.Add(error.Message);
            }
        }

        return null;
    }

    /// <summary>Looks a tensor up by name; null where there is none.</summary>
    /// <param name="name">The tensor's name.</param>
    public TensorEntry? Find(string name) => _file.Find(name);

    /// <summary>Reads a tensor.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="destination">As long as the tensor's count.</param>
    /// <exception cref="CheckpointException">No such tensor, another count, or unreadable.</exception>
    public void Read(string name, Span<float> destination) => _file.Read(name, destination);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    internal static Checkpoint OpenFile(string path)
    {
        SafeTensorsFile file = SafeTensorsFile.Open(path);
        try
        {
            return new Checkpoint(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Broken ones of ours count, so that a flipped bit in the format's name is still noticed.</summary>
    private static bool IsOurs(SafeTensorsFile file) =>
        file.Metadata.GetValueOrDefault(CheckpointMetadata.Format) == CheckpointMetadata.FormatName ||
        file.Metadata.ContainsKey(CheckpointMetadata.HeaderHash);

    private static string Verify(SafeTensorsFile file)
    {
        if (CheckpointMetadata.HashHeader(file.Header) is not { } header ||
            file.Metadata.GetValueOrDefault(CheckpointMetadata.HeaderHash) != header.Hash)
        {
            throw new CheckpointException($"{file.Path}: the header does not match its hash, so the file is broken; " +
                "use another checkpoint.");
        }

        byte[] buffer = SafeTensorsFile.CreateBuffer();
        using IncrementalHash own = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using IncrementalHash weights = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (TensorEntry tensor in file.Tensors)
        {
            if (WeightsHash.Includes(tensor.Name))
            {
                WeightsHash.AppendName(weights, tensor.Name);
                file.Hash(tensor, buffer, own, weights);
            }
            else
            {
                file.Hash(tensor, buffer, own);
            }

            string? promised = file.Metadata.GetValueOrDefault(CheckpointMetadata.TensorPrefix + tensor.Name);
            if (promised != WeightsHash.Finish(own))
            {
                throw new CheckpointException($"{file.Path}: tensor '{tensor.Name}' does not match its hash, so the " +
                    "file is broken; use another checkpoint.");
            }
        }

        return WeightsHash.Finish(weights);
    }

    private long Number(string key) =>
        long.TryParse(_file.Metadata.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture,
            out long number)
            ? number
            : throw SafeTensorsHeader.Broken(Path, $"lacks the metadata entry '{key}'");
}
