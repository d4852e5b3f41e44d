using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Distributed.Data;

/// <summary>
/// Decoded data sets under the user's cache, one file each, named by the hash of all that their content depends on: the
/// bytes of the source's files, the size and channels decoded to, whether corrupt images are left out; and by the seed
/// where that draws the parts. A file gets its name only when it is whole, so several processes may make it at once
/// without harm; what is found is checked.
/// </summary>
internal static class DecodedCache
{
    private const string Suffix = ".decoded";

    /// <summary>Ends the name of a file that is not whole yet; one that nobody writes to is deleted in time.</summary>
    public const string TemporarySuffix = ".temporary";

    private static readonly TimeSpan Abandoned = TimeSpan.FromDays(1);

    /// <summary>The data set, decoded now or before.</summary>
    /// <exception cref="DataException">The source is broken, or the cache can't be written.</exception>
    public static Dataset Load(ImageSource source, DatasetOptions options)
    {
        string name = Name(source, options);
        Dataset? found = Find(name, options).Select(path => Open(path, source))
            .FirstOrDefault(dataset => dataset is not null);
        if (found is null || (found.Train.IsStreamed && IsKept(source, options)))
        {
            string path = Make(source, options, name);
            found = Open(path, source) ?? throw new DataException(
                $"{path}: the images just decoded are broken or gone; check the disk.");
        }

        Tell(found, options);
        return found;
    }

    /// <summary>Makes sure that a file is there, without checking its content.</summary>
    /// <inheritdoc cref="Load"/>
    public static void Ensure(ImageSource source, DatasetOptions options)
    {
        string name = Name(source, options);
        if (!Find(name, options).Any(File.Exists))
        {
            Make(source, options, name);
        }
    }

    /// <summary>The folder of decoded data sets.</summary>
    public static string FolderOf(DatasetOptions options) => Path.Combine(options.CacheRoot, "decoded");

    private static string Name(ImageSource source, DatasetOptions options)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        string form = string.Create(CultureInfo.InvariantCulture,
            $"{DecodedFile.Magic} {source.Name} {source.Channels} {source.Height} {source.Width} " +
            $"{options.SkipCorrupt}\n");
        hash.AppendData(Encoding.UTF8.GetBytes(form));
        source.AppendIdentity(hash);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Where a file may be: whether a seed drew its parts is not known without a look at the source.</summary>
    private static IEnumerable<string> Find(string name, DatasetOptions options) =>
        [PathOf(name, null, options), PathOf(name, options.Seed, options)];

    private static string PathOf(string name, ulong? seed, DatasetOptions options) => Path.Combine(
        FolderOf(options),
        string.Create(CultureInfo.InvariantCulture, $"{name}{(seed is null ? "" : "-")}{seed}{Suffix}"));

    private static bool IsKept(ImageSource source, DatasetOptions options) =>
        ((long)source.TrainCount + source.TestCount) * source.SampleLength <= options.CacheLimit;

    /// <summary>Null where there is no file, or none that is sound.</summary>
    public static Dataset? Open(string path, ImageSource source)
    {
        try
        {
            if (!File.Exists(path) || DecodedFile.Open(path, source) is not { } found)
            {
                return null;
            }

            Try(() => File.SetLastWriteTimeUtc(path, DateTime.UtcNow));
            return found;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Returns the path of the new file.</summary>
    private static string Make(ImageSource source, DatasetOptions options, string name)
    {
        string path = PathOf(name, source.SplitSeed, options);
        string folder = Path.GetDirectoryName(path)!;
        string temporary = $"{path}.{Guid.NewGuid():N}{TemporarySuffix}";
        try
        {
            Directory.CreateDirectory(folder);
            using (FileStream file = new(
                temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1 << 20))
            {
                file.Write(ImageDecoding.Write(source, options, IsKept(source, options) ? file : null).ToBytes());
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{folder}: decoded images can't be kept here " +
                $"({error.Message.TrimEnd('.')}); set XDG_CACHE_HOME to another folder or --cache-limit to less.",
                error);
        }
        finally
        {
            Try(() => File.Delete(temporary));
        }

        // What is streamed needs next to no room: others' pixels stay, whatever its limit.
        Trim(folder, path, IsKept(source, options) ? options.CacheLimit : long.MaxValue);
        return path;
    }

    /// <summary>Deletes the files that were used longest ago until the rest is within the limit, and what killed
    /// processes left. Processes that map a deleted file keep it.</summary>
    public static void Trim(string folder, string kept, long limit)
    {
        long total = 0;
        foreach (FileInfo file in new DirectoryInfo(folder).EnumerateFiles().OrderByDescending(x => x.LastWriteTimeUtc))
        {
            bool isTemporary = file.Name.EndsWith(TemporarySuffix, StringComparison.Ordinal);
            bool isOld = isTemporary && DateTime.UtcNow - file.LastWriteTimeUtc > Abandoned;
            total += isTemporary ? 0 : file.Length;
            if (isOld || (!isTemporary && total > limit && file.FullName != Path.GetFullPath(kept)))
            {
                Try(file.Delete);
            }
        }
    }

    /// <summary>Housekeeping that may fail: another process or user may own the file.</summary>
    public static void Try(Action action)
    {
        try
        {
            action();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The next one to come tries again.
        }
    }

    private static void Tell(Dataset found, DatasetOptions options)
    {
        if (found.Skipped is [string first, ..])
        {
            options.Progress?.Invoke(found.Skipped.Count == 1
                ? $"{found.Name}: 1 corrupt image is left out: {first}"
                : $"{found.Name}: {found.Skipped.Count} corrupt images are left out; the first: {first}");
        }

        if (found.Train.IsStreamed)
        {
            long size = (long)(found.Train.Count + found.Test.Count) * found.Train.SampleLength;
            options.Progress?.Invoke(string.Create(CultureInfo.InvariantCulture,
                $"{found.Name}: {size / 1e6:F0} MB of decoded images are more than the cache's limit of " +
                $"{options.CacheLimit / 1e6:F0} MB, so images are decoded again whenever they are used."));
        }
    }
}
