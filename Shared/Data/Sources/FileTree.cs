using System.Collections.Concurrent;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace Distributed.Data;

/// <summary>The files of a folder and its subfolders, or of a zip file, in ordinal order of their names.</summary>
internal abstract class FileTree
{
    private string[]? _names;

    /// <summary>The folder or the zip file.</summary>
    public required string Place { get; init; }

    /// <summary>Paths within, with '/'.</summary>
    /// <exception cref="DataException">It can't be read or is no zip file.</exception>
    public IReadOnlyList<string> Names => _names ??= Guard(List);

    /// <summary>A folder or a zip file that exists; it is opened when it is used.</summary>
    public static FileTree Of(string path) =>
        Directory.Exists(path) ? new FolderTree { Place = path } : new ZipTree { Place = path };

    /// <summary>Appends what names the content of all files.</summary>
    /// <exception cref="DataException">It can't be read.</exception>
    public void AppendIdentity(IncrementalHash hash) => hash.AppendData(Guard(Identity));

    /// <summary>One file's content; several threads may read at once.</summary>
    /// <exception cref="DataException">It can't be read or is broken.</exception>
    public byte[] Read(int index)
    {
        string path = PathOf(index);
        try
        {
            return ReadFile(index, path);
        }
        catch (InvalidDataException error)
        {
            throw new DataException($"{path}: it is broken within the zip file; get it again.", error)
            { IsCorrupt = true };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: it can't be read ({error.Message.TrimEnd('.')}).", error)
            { IsCorrupt = true };
        }
    }

    /// <summary>A file's path, for messages.</summary>
    public string PathOf(int index) => $"{Place}/{Names[index]}";

    protected abstract string[] List();

    protected abstract byte[] Identity();

    protected abstract byte[] ReadFile(int index, string path);

    private T Guard<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidDataException error)
        {
            throw new DataException($"{Place}: this is not a folder, nor a sound zip file; check the path.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{Place}: it can't be read ({error.Message.TrimEnd('.')}).", error);
        }
    }

    private static byte[] HashFile(string path)
    {
        using FileStream file = File.OpenRead(path);
        return SHA256.HashData(file);
    }

    private sealed class FolderTree : FileTree
    {
        /// <summary>Deeper than any sensible data set, and an end to links that lead back.</summary>
        private const int MaximumDepth = 16;

        protected override string[] List()
        {
            EnumerationOptions all = new()
            {
                RecurseSubdirectories = true,
                IgnoreInaccessible = false,
                MaxRecursionDepth = MaximumDepth,
            };
            string[] names = [.. Directory.EnumerateFiles(Place, "*", all)
                .Select(path => Path.GetRelativePath(Place, path).Replace('\\', '/'))];
            Array.Sort(names, StringComparer.Ordinal);
            return names;
        }

        protected override byte[] Identity()
        {
            byte[][] digests = new byte[Names.Count][];
            try
            {
                Parallel.For(0, digests.Length, index => digests[index] = HashFile(Path.Combine(Place, Names[index])));
            }
            catch (AggregateException errors)
            {
                throw new IOException(errors.InnerException!.Message, errors);
            }

            using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (int index = 0; index < digests.Length; index++)
            {
                hash.AppendData(Encoding.UTF8.GetBytes($"{Names[index]}\n"));
                hash.AppendData(digests[index]);
            }

            return hash.GetHashAndReset();
        }

        protected override byte[] ReadFile(int index, string path)
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            return ImageFiles.ReadContent(file, file.Length, path);
        }
    }

    private sealed class ZipTree : FileTree
    {
        /// <summary>An archive is for one thread at a time, so each that reads takes one and gives it back.</summary>
        private readonly ConcurrentBag<ZipArchive> _archives = [];

        /// <summary>The entry that each name belongs to.</summary>
        private int[] _entries = [];

        protected override string[] List()
        {
            ZipArchive archive = ZipFile.OpenRead(Place);
            (string Name, int Entry)[] files = [.. archive.Entries
                .Select((entry, index) => (Name: entry.FullName.Replace('\\', '/'), Entry: index))
                .Where(file => !file.Name.EndsWith('/'))
                .OrderBy(file => file.Name, StringComparer.Ordinal)];
            _entries = [.. files.Select(file => file.Entry)];
            _archives.Add(archive);
            return [.. files.Select(file => file.Name)];
        }

        protected override byte[] Identity() => HashFile(Place);

        protected override byte[] ReadFile(int index, string path)
        {
            if (!_archives.TryTake(out ZipArchive? archive))
            {
                archive = ZipFile.OpenRead(Place);
            }

            try
            {
                ZipArchiveEntry entry = archive.Entries[_entries[index]];
                using Stream stream = entry.Open();
                byte[] content = ImageFiles.ReadContent(stream, entry.Length, path);
                return Crc32.Compute(content) == entry.Crc32 ? content
                    : throw new InvalidDataException("The checksum is wrong.");
            }
            finally
            {
                _archives.Add(archive);
            }
        }
    }
}
