namespace Distributed.Checkpoints.Tests;

/// <summary>The process is dead from here on; no code of the product catches it.</summary>
internal sealed class CrashException : Exception;

/// <summary>
/// The real disk, of which one operation fails: operation number <paramref name="failAt"/> (each write counts as one)
/// throws <paramref name="fault"/>. A crash also fails everything after it, and half of a write reaches the disk.
/// </summary>
internal sealed class FaultyStorage(int failAt = int.MaxValue, Func<Exception>? fault = null) : IStorage
{
    private readonly DiskStorage _disk = new();
    private bool _dead;

    /// <summary>Every operation in order; a run of writes as one.</summary>
    public List<string> Log { get; } = [];

    public int Operations { get; private set; }

    public void CreateFolder(string path)
    {
        Do($"create folder {Path.GetFileName(path)}");
        _disk.CreateFolder(path);
    }

    public bool TryCreateNew(string path)
    {
        Do($"create new {Path.GetFileName(path)}");
        return _disk.TryCreateNew(path);
    }

    public Stream Create(string path)
    {
        Do($"create {Path.GetFileName(path)}");
        return new FaultyStream(_disk.Create(path), this);
    }

    public void Flush(Stream stream)
    {
        Do("flush");
        _disk.Flush(((FaultyStream)stream).Inner);
    }

    public void Move(string from, string to)
    {
        Do($"move {Path.GetFileName(from)} to {Path.GetFileName(to)}");
        _disk.Move(from, to);
    }

    public void SyncFolder(string folder)
    {
        Do("sync folder");
        _disk.SyncFolder(folder);
    }

    public void CreatePointer(string path, string target)
    {
        Do($"point {Path.GetFileName(path)} to {target}");
        _disk.CreatePointer(path, target);
    }

    public void Delete(string path)
    {
        Do($"delete {Path.GetFileName(path)}");
        _disk.Delete(path);
    }

    private void Do(string operation, Action? half = null)
    {
        if (_dead)
        {
            throw new CrashException();
        }

        if (operation != "write" || Log[^1] != operation)
        {
            Log.Add(operation);
        }

        if (Operations++ == failAt)
        {
            half?.Invoke();
            Exception error = fault!();
            _dead = error is CrashException;
            throw error;
        }
    }

    private sealed class FaultyStream(Stream inner, FaultyStorage storage) : Stream
    {
        public Stream Inner => inner;

        public override bool CanRead => inner.CanRead;

        public override bool CanSeek => inner.CanSeek;

        public override bool CanWrite => inner.CanWrite;

        public override long Length => inner.Length;

        public override long Position { get => inner.Position; set => inner.Position = value; }

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override long Seek(long offset, SeekOrigin origin) => inner.Seek(offset, origin);

        public override void SetLength(long value) => inner.SetLength(value);

        public override void Write(byte[] buffer, int offset, int count)
        {
            storage.Do("write", () => inner.Write(buffer, offset, count / 2));
            inner.Write(buffer, offset, count);
        }

        public override void Write(ReadOnlySpan<byte> buffer) => Write(buffer.ToArray(), 0, buffer.Length);

        protected override void Dispose(bool disposing) => inner.Dispose();
    }
}
