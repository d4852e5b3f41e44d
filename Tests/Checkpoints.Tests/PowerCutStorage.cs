namespace Distributed.Checkpoints.Tests;

/// <summary>What happens to one operation.</summary>
public enum DiskFault
{
    /// <summary>It fails and changes nothing.</summary>
    ErrorBefore,

    /// <summary>It is done, and fails all the same.</summary>
    ErrorAfter,

    /// <summary>Half of a write is done, then it fails.</summary>
    ShortWriteAndError,

    /// <summary>Half of a write is done, and nobody is told.</summary>
    ShortWrite,
}

/// <summary>
/// The folder that the process sees, and beside it the disk as a power cut may leave it. One operation, number
/// <paramref name="faultAt"/> (each write counts as one), meets a fault.
/// </summary>
/// <param name="root">A folder that is there and safe.</param>
/// <param name="faultAt">The operation's number from 0.</param>
/// <param name="fault">What happens to it.</param>
internal sealed class PowerCutStorage(string root, int faultAt = -1, DiskFault fault = default) : IStorage
{
    private readonly DiskStorage _live = new();
    private readonly Dictionary<string, DurableDisk.Entry> _entries = new(StringComparer.Ordinal);

    public DurableDisk Disk { get; } = new();

    /// <summary>Called before every operation: the power may go here.</summary>
    public Action BeforeOperation { get; set; } = () => { };

    public int Operations { get; private set; }

    /// <summary>Whether the fault came up.</summary>
    public bool HasFailed => Operations > faultAt && faultAt >= 0;

    /// <summary>Whether the fault applied: only writes can be short.</summary>
    public bool WasApplied { get; private set; }

    /// <summary>Whether a write was shortened and nobody told.</summary>
    public bool IsShort => WasApplied && fault == DiskFault.ShortWrite;

    /// <summary>What the operation with the fault was.</summary>
    public string FaultedOperation { get; private set; } = "";

    public void CreateFolder(string path) => Do($"create folder {Short(path)}", () =>
    {
        if (Directory.Exists(path)) return;
        _live.CreateFolder(path);
        Name(path, new DurableDisk.FolderEntry());
    });

    public bool TryCreateNew(string path)
    {
        bool isNew = false;
        Do($"create new {Short(path)}", () =>
        {
            isNew = _live.TryCreateNew(path);
            if (isNew) Name(path, new DurableDisk.FileEntry());
        });
        return isNew;
    }

    public Stream Create(string path)
    {
        FaultyStream? stream = null;
        try
        {
            Do($"create {Short(path)}", () =>
            {
                DurableDisk.FileEntry file = new();
                stream = new FaultyStream(_live.Create(path), this, file);
                Name(path, file);
            });
            return stream!;
        }
        catch
        {
            stream?.Dispose();
            throw;
        }
    }

    public void Flush(Stream stream) => Do("flush", () => Disk.Flush(((FaultyStream)stream).File));

    public void Move(string from, string to) => Do($"move {Short(from)} to {Short(to)}", () =>
    {
        _live.Move(from, to);
        Name(to, _entries[Short(from)]);
        Name(from, null);
    });

    public void SyncFolder(string folder) => Do($"sync {Short(folder)}", () => Disk.SyncFolder(Short(folder)));

    public void CreatePointer(string path, string target) => Do($"point {Short(path)}", () =>
    {
        _live.CreatePointer(path, target);
        Name(path, new DurableDisk.LinkEntry(target));
    });

    public void Delete(string path) => Do($"delete {Short(path)}", () =>
    {
        if (!Path.Exists(path)) return;
        _live.Delete(path);
        Name(path, null);
    });

    private void Name(string path, DurableDisk.Entry? entry)
    {
        Disk.Name(Short(path), entry);
        if (entry is null) _entries.Remove(Short(path));
        else _entries[Short(path)] = entry;
    }

    private string Short(string path) => path == root ? "" : Path.GetRelativePath(root, path);

    private void Do(string operation, Action whole, Action? half = null)
    {
        BeforeOperation();
        DiskFault? here = Operations++ == faultAt ? fault : null;
        if (here is DiskFault.ShortWrite or DiskFault.ShortWriteAndError && half is null) here = null;
        if (here is not null) (WasApplied, FaultedOperation) = (true, operation);
        if (here is null or DiskFault.ErrorAfter) whole();
        else if (here is DiskFault.ShortWrite or DiskFault.ShortWriteAndError) half!();
        if (here is not null and not DiskFault.ShortWrite) throw new IOException("Broken disk.");
    }

    private sealed class FaultyStream(Stream live, PowerCutStorage storage, DurableDisk.FileEntry file) : Stream
    {
        public DurableDisk.FileEntry File => file;

        public override bool CanRead => false;

        public override bool CanSeek => true;

        public override bool CanWrite => true;

        public override long Length => live.Length;

        public override long Position { get => live.Position; set => live.Position = value; }

        public override void Flush() => live.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => live.Seek(offset, origin);

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) =>
            Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            byte[] data = buffer.ToArray();
            storage.Do("write", () => Put(data), () => Put(data[..(data.Length / 2)]));
        }

        protected override void Dispose(bool disposing) => live.Dispose();

        private void Put(byte[] data)
        {
            storage.Disk.Write(file, live.Position, data);
            live.Write(data);
        }
    }
}
