using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Distributed.Data;

/// <summary>
/// A data set that comes piece by piece from elsewhere into the user's cache, named there by the hash of its content.
/// What came stays in a temporary file when this is disposed, and the next one goes on from there; the file gets its
/// name only when it is whole, on the disk, and has the right hash. One process of a host at a time receives a data
/// set, which a lock file sees to: others wait for it, or receive it beside it.
/// </summary>
public sealed class ReceivedDataset : IDisposable
{
    private const string Suffix = ".decoded";

    private readonly DatasetDescription _wanted;
    private readonly DatasetOptions _options;
    private readonly SafeFileHandle? _lock;
    private readonly string _temporary;
    private readonly SafeFileHandle _file;
    private bool _hasOlderBytes;

    /// <param name="wanted">The data set.</param>
    /// <param name="options">Where the cache is.</param>
    /// <param name="taken">The lock; null: the temporary file is this one's alone.</param>
    private ReceivedDataset(DatasetDescription wanted, DatasetOptions options, SafeFileHandle? taken)
    {
        _wanted = wanted;
        _options = options;
        _lock = taken;
        _temporary = taken is null
            ? $"{PathOf(wanted, options)}.{Guid.NewGuid():N}{DecodedCache.TemporarySuffix}" : Shared(wanted, options);
        _file = File.OpenHandle(
            _temporary, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete);
        Position = RandomAccess.GetLength(_file);
        _hasOlderBytes = Position > 0;
        if (Position > wanted.Length) Restart();
    }

    /// <summary>How many bytes of the data set's stream (see <see cref="SampleStream"/>) are there.</summary>
    public long Position { get; private set; }

    /// <summary>The data set from the user's cache, decoded or received before; null where it isn't there.</summary>
    /// <param name="wanted">What to look for: by its hash.</param>
    /// <param name="options">Where the cache is.</param>
    internal static Dataset? Find(DatasetDescription wanted, DatasetOptions options)
    {
        string folder = DecodedCache.FolderOf(options);
        try
        {
            string[] others = Directory.Exists(folder) ? Directory.GetFiles(folder, $"*{Suffix}") : [];
            return others.Prepend(PathOf(wanted, options)).Where(path => DecodedFile.Peek(path) == wanted.Sha256)
                .Select(path => Open(path, wanted)).FirstOrDefault(dataset => dataset is not null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Begins to receive a data set, or goes on with it, unless it is in the cache.</summary>
    /// <param name="wanted">The data set.</param>
    /// <param name="options">Where the cache is, and what it may hold.</param>
    /// <param name="found">The data set where it is in the cache.</param>
    /// <param name="beside">Whether to do so though another process is at it, from the start.</param>
    /// <returns>Null where it is found, or another process is at it.</returns>
    /// <exception cref="DataException">It is more than the cache may hold, or the cache can't be written.</exception>
    public static ReceivedDataset? TryOpen(
        DatasetDescription wanted, DatasetOptions options, out Dataset? found, bool beside = false)
    {
        found = Find(wanted, options);
        if (found is not null) return null;
        if (wanted.PixelBytes > options.CacheLimit)
        {
            throw new DataException($"{wanted.Name}: {ByteSize.Text(wanted.PixelBytes)} of decoded images are more "
                + $"than the {ByteSize.Text(options.CacheLimit)} that this host's cache may hold; set "
                + $"{DatasetOptions.CacheLimitVariable} to more, or use files of this host with --data-dir.");
        }

        SafeFileHandle? taken = null;
        try
        {
            Directory.CreateDirectory(DecodedCache.FolderOf(options));
            if (!beside && (taken = Lock(PathOf(wanted, options))) is null) return null;
            found = Find(wanted, options); // who had the lock may have made it since
            if (found is null) return new ReceivedDataset(wanted, options, taken);
            taken?.Dispose();
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            taken?.Dispose();
            throw Failed(wanted, options, error);
        }
    }

    /// <summary>How far the process has come that is at it, in bytes; 0: none is.</summary>
    /// <param name="wanted">The data set.</param>
    /// <param name="options">Where the cache is.</param>
    public static long ProgressOfOthers(DatasetDescription wanted, DatasetOptions options)
    {
        FileInfo file = new(Shared(wanted, options));
        return file.Exists ? file.Length : 0;
    }

    /// <summary>Takes the next bytes of the stream.</summary>
    /// <exception cref="DataException">The disk is full, or can't be written.</exception>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _wanted.Length - Position)
        {
            throw new ArgumentException($"{bytes.Length} bytes at {Position} are more than the {_wanted.Length} of "
                + "the data set.", nameof(bytes));
        }

        try
        {
            RandomAccess.Write(_file, bytes, Position);
        }
        catch (IOException error)
        {
            Discard();
            throw Failed(_wanted, _options, error);
        }

        Position += bytes.Length;
    }

    /// <summary>
    /// Checks the hash of what came, makes a file of the cache of it, and opens that. Null where an earlier process
    /// left bytes that were wrong: the data set is to be received again from the start, as <see cref="Position"/> says.
    /// </summary>
    /// <exception cref="DataException">The hash is wrong, and nothing was kept; or the disk is full.</exception>
    public Dataset? Finish()
    {
        string path = PathOf(_wanted, _options);
        try
        {
            Source source = new(_wanted, _file, ReadLabels());
            DecodedFile content = ImageDecoding.Write(source, _options with { Progress = null }, Stream.Null);
            if (content.Sha256 != _wanted.Sha256 || !source.HasSoundLabels)
            {
                if (_hasOlderBytes)
                {
                    Restart();
                    return null;
                }

                Discard();
                throw new DataException($"{_wanted.Name}: what came has the hash {content.Sha256[..12]}… where "
                    + $"{_wanted.Sha256[..12]}… was announced, and was not kept; join again.");
            }

            RandomAccess.SetLength(_file, _wanted.PixelBytes); // the labels stand in what follows the pixels
            RandomAccess.Write(_file, content.ToBytes(), _wanted.PixelBytes);
            RandomAccess.FlushToDisk(_file);
            File.Move(_temporary, path, overwrite: true);
            _file.Dispose();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Discard();
            throw Failed(_wanted, _options, error);
        }

        DecodedCache.Trim(DecodedCache.FolderOf(_options), path, _options.CacheLimit);
        return Open(path, _wanted) ?? throw new DataException(
            $"{path}: the images just received are broken or gone; check the disk.");
    }

    /// <summary>Lets the next one go on.</summary>
    public void Dispose()
    {
        _file.Dispose();
        if (_lock is null) DecodedCache.Try(() => File.Delete(_temporary));
        else _lock.Dispose();
    }

    private static string PathOf(DatasetDescription wanted, DatasetOptions options) =>
        Path.Combine(DecodedCache.FolderOf(options), $"data-{wanted.Sha256}{Suffix}");

    /// <summary>The temporary file of who has the lock.</summary>
    private static string Shared(DatasetDescription wanted, DatasetOptions options) =>
        PathOf(wanted, options) + DecodedCache.TemporarySuffix;

    /// <summary>Takes the lock, which ends with its process; null where another has it.</summary>
    private static SafeFileHandle? Lock(string path)
    {
        try
        {
            string name = $"{path}.lock{DecodedCache.TemporarySuffix}";
            SafeFileHandle file = File.OpenHandle(name, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            DecodedCache.Try(() => File.SetLastWriteTimeUtc(name, DateTime.UtcNow)); // in use, not left behind
            return file;
        }
        catch (IOException error) when (DiskErrors.IsInUse(error))
        {
            return null;
        }
    }

    private static Dataset? Open(string path, DatasetDescription wanted) =>
        DecodedCache.Open(path, new Source(wanted)) is { Train.IsStreamed: false } found
            && found.Sha256 == wanted.Sha256
            ? found with { Name = wanted.Name, ClassNames = wanted.ClassNames } : null;

    private static DataException Failed(DatasetDescription wanted, DatasetOptions options, Exception error)
    {
        string folder = DecodedCache.FolderOf(options), size = ByteSize.Text(wanted.Length);
        return new DataException(DiskErrors.IsFull(error)
            ? $"{folder}: the disk is full; {wanted.Name} needs {size} here. Free some space, or set XDG_CACHE_HOME "
                + "to another folder."
            : $"{folder}: {wanted.Name} can't be kept here ({error.Message.TrimEnd('.')}); set XDG_CACHE_HOME to "
                + "another folder.", error);
    }

    private int[] ReadLabels()
    {
        int[] labels = new int[_wanted.Count];
        ReadExactly(_file, MemoryMarshal.AsBytes(labels.AsSpan()), _wanted.PixelBytes);
        return labels;
    }

    private static void ReadExactly(SafeFileHandle file, Span<byte> destination, long at)
    {
        if (RandomAccess.Read(file, destination, at) != destination.Length)
        {
            throw new IOException("the temporary file was cut while it was read");
        }
    }

    private void Restart()
    {
        RandomAccess.SetLength(_file, 0);
        Position = 0;
        _hasOlderBytes = false;
    }

    private void Discard() => DecodedCache.Try(() => File.Delete(_temporary));

    /// <summary>
    /// The images in the temporary file. What is made of them here is what is made of them where they are decoded.
    /// </summary>
    private sealed class Source : ImageSource
    {
        private readonly DatasetDescription _wanted;
        private readonly SafeFileHandle? _file;
        private readonly int[] _labels;

        [System.Diagnostics.CodeAnalysis.SetsRequiredMembers]
        public Source(DatasetDescription wanted, SafeFileHandle? file = null, int[]? labels = null)
        {
            (Name, Channels, Height, Width) = (wanted.Name, wanted.Channels, wanted.Height, wanted.Width);
            (_wanted, _file, _labels) = (wanted, file, labels ?? []);
        }

        public bool HasSoundLabels => _labels.All(label => (uint)label < (uint)ClassNames.Count);

        public override IReadOnlyList<string> ClassNames => _wanted.ClassNames;

        public override int TrainCount => _wanted.TrainCount;

        public override int TestCount => _wanted.TestCount;

        public override void AppendIdentity(System.Security.Cryptography.IncrementalHash hash) =>
            hash.AppendData(Convert.FromHexString(_wanted.Sha256));

        public override bool IsHeld(int index) => index >= TrainCount - _wanted.Held && index < TrainCount;

        public override string NameOf(int index) => $"{Name}, image {index}";

        public override int Decode(int index, Span<byte> pixels)
        {
            try
            {
                ReadExactly(_file!, pixels, (long)index * SampleLength);
                return _labels[index];
            }
            catch (IOException error)
            {
                throw new DataException($"{NameOf(index)}: it can't be read back from the cache " +
                    $"({error.Message.TrimEnd('.')}); check the disk.", error);
            }
        }
    }
}
