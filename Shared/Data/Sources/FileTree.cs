using System.Collections.Concurrent;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace Distributed.Data;

/// <summary>The files of a folder and its subfolders, or of a zip file, in ordinal order of their names.</summary>
internal abstract class FileTree
{
    /// <summary>The folder or the zip file.</summary>
    public required string Place { get; init; }

    /// <summary>Paths within, with '/'.</summary>
    public abstract IReadOnlyList<string> Names { get; }

    /// <summary>Opens a folder or a zip file.</summary>
    /// <exception cref="DataException">It can't be read or is no zip file.</exception>
    public static FileTree Open(string path)
    {
        try
        {
            return Directory.Exists(path) ? new FolderTree(path) { Place = path } : new ZipTree(path) { Place = path };
        }
        catch (InvalidDataException error)
        {
            throw new DataException($"{path}: this is not a folder, nor a sound zip file; check the path.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: it can't be read ({error.Message.TrimEnd('.')}).", error);
        }
    }

    /// <summary>Appends what names the content of all files.</summary>
    public void AppendIdentity(IncrementalHash hash)
    {
        try
        {
            Append(hash);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{Place}: it can't be read ({error.Message.TrimEnd('.')}).", error);
        }
    }

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

    protected abstract void Append(IncrementalHash hash);

    protected abstract byte[] ReadFile(int index, string path);

    protected static void AppendFile(IncrementalHash hash, string path)
    {
        using FileStream file = File.OpenRead(path);
        hash.AppendData(SHA256.HashData(file));
    }

    private sealed class FolderTree : FileTree
    {
        /// <summary>Deeper than any sensible data set, and an end to links that lead back.</summary>
        private const int MaximumDepth = 16;

        private readonly string[] _names;

        public FolderTree(string folder)
        {
            EnumerationOptions all = new()
            {
                RecurseSubdirectories = true,
                IgnoreInaccessible = false,
                MaxRecursionDepth = MaximumDepth,
            };
            _names = [.. Directory.EnumerateFiles(folder, "*", all)
                .Select(path => Path.GetRelativePath(folder, path).Replace('\\', '/'))];
            Array.Sort(_names, StringComparer.Ordinal);
        }

        public override IReadOnlyList<string> Names => _names;

        protected override void Append(IncrementalHash hash)
        {
            byte[][] digests = new byte[_names.Length][];
            try
            {
                Parallel.For(0, _names.Length, index =>
                {
                    using FileStream file = File.OpenRead(Path.Combine(Place, _names[index]));
                    digests[index] = SHA256.HashData(file);
                });
            }
            catch (AggregateException errors)
            {
                throw new IOException(errors.InnerException!.Message, errors);
            }

            for (int index = 0; index < _names.Length; index++)
            {
                hash.AppendData(Encoding.UTF8.GetBytes($"{_names[index]}\n"));
                hash.AppendData(digests[index]);
            }
        }

        protected override byte[] ReadFile(int index, string path)
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            return ImageFiles.ReadContent(file, file.Length, path);
        }
    }

    private sealed class ZipTree : FileTree
    {
        private readonly string _path;
        private readonly string[] _names;

        /// <summary>The entry that each name belongs to.</summary>
        private readonly int[] _entries;

        /// <summary>An archive is for one thread at a time, so each that reads takes one and gives it back.</summary>
        private readonly ConcurrentBag<ZipArchive> _archives = [];

        public ZipTree(string path)
        {
            _path = path;
            ZipArchive archive = ZipFile.OpenRead(path);
            (string Name, int Entry)[] files = [.. archive.Entries
                .Select((entry, index) => (Name: entry.FullName.Replace('\\', '/'), Entry: index))
                .Where(file => !file.Name.EndsWith('/'))
                .OrderBy(file => file.Name, StringComparer.Ordinal)];
            _names = [.. files.Select(file => file.Name)];
            _entries = [.. files.Select(file => file.Entry)];
            _archives.Add(archive);
        }

        public override IReadOnlyList<string> Names => _names;

        protected override void Append(IncrementalHash hash) => AppendFile(hash, _path);

        protected override byte[] ReadFile(int index, string path)
        {
            if (!_archives.TryTake(out ZipArchive? archive))
            {
                archive = ZipFile.OpenRead(_path);
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
