namespace Distributed.Coordinator;

/// <summary>
/// A run's <c>trace.json</c>: a JSON array of events, one a line. A run that goes on appends to it. The file of a
/// process that was killed lacks the closing bracket, which viewers don't mind.
/// </summary>
internal sealed class TraceFile : IDisposable
{
    private const int TailBytes = 64 << 10;

    private readonly string _path;
    private readonly Action<string> _warn;
    private readonly long _mostBytes;
    private FileStream? _file;

    /// <summary>Opens the file, behind what an earlier process of the run wrote.</summary>
    /// <param name="path">The file.</param>
    /// <param name="warn">Told once when no more is written; the run goes on without.</param>
    /// <param name="mostBytes">The longest that it becomes: viewers take no more than a few hundred megabytes.</param>
    /// <exception cref="UsageException">The file can't be written.</exception>
    public TraceFile(string path, Action<string> warn, long mostBytes = 256 << 20)
    {
        _path = path;
        _warn = warn;
        _mostBytes = mostBytes;
        try
        {
            FileShare others = FileShare.ReadWrite | FileShare.Delete;
            _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, others, bufferSize: 0);
            GoBehindLastEvent(_file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path}: the file can't be written ({error.Message.TrimEnd('.')}).");
        }
    }

    /// <summary>Stands behind every event.</summary>
    public static ReadOnlySpan<byte> Separator => ",\n"u8;

    /// <summary>Appends events, each with its <see cref="Separator"/>.</summary>
    public void Append(ReadOnlySpan<byte> events)
    {
        if (events.Length == 0 || _file is null) return;
        if (_file.Position + events.Length > _mostBytes)
        {
            Close();
            _warn($"{_path}: the trace is full ({_mostBytes >> 20} MiB); the run goes on without it.");
            return;
        }

        try
        {
            _file.Write(events);
        }
        catch (IOException error)
        {
            _file.Dispose();
            _file = null;
            _warn($"{_path}: the trace can't be written ({error.Message.TrimEnd('.')}); the run goes on without it.");
        }
    }

    /// <summary>Writes the closing bracket.</summary>
    public void Dispose() => Close();

    private void Close()
    {
        if (_file is not { } file) return;
        _file = null;
        try
        {
            if (file.Length > "[\n".Length) file.Position = file.Length - Separator.Length;
            file.Write("\n]\n"u8);
        }
        catch (IOException)
        {
            // Viewers do without it.
        }

        file.Dispose();
    }

    /// <summary>Cuts a closing bracket off, or an event that was not written whole.</summary>
    private static void GoBehindLastEvent(FileStream file)
    {
        byte[] bytes = new byte[Math.Min(file.Length, TailBytes)];
        long start = file.Length - bytes.Length;
        file.Position = start;
        file.ReadExactly(bytes);
        ReadOnlySpan<byte> tail = bytes;
        bool isClosed = tail.EndsWith("}\n]\n"u8);
        int length = isClosed ? tail.Length - "\n]\n".Length : tail.LastIndexOf(Separator) + Separator.Length;
        bool hasEvents = isClosed || tail.LastIndexOf(Separator) >= 0;
        file.SetLength(hasEvents ? start + length : 0);
        file.Position = file.Length;
        if (!hasEvents) file.Write("[\n"u8);
        else if (isClosed) file.Write(Separator);
    }
}
