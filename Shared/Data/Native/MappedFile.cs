using System.IO.MemoryMappedFiles;

namespace Distributed.Data.Native;

/// <summary>
/// A whole file mapped for reading, so that all processes that map it share its pages. Never unmapped, because spans
/// of it are handed out; a process opens few.
/// </summary>
internal sealed unsafe class MappedFile
{
    private readonly byte* _memory;

    /// <summary>Maps a file that is not empty.</summary>
    /// <exception cref="IOException">It is empty, or can't be opened or mapped.</exception>
    public MappedFile(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        Length = stream.Length;
        if (Length == 0)
        {
            throw new IOException($"{path}: an empty file can't be mapped.");
        }

        using MemoryMappedFile file = MemoryMappedFile.CreateFromFile(
            stream, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None,
            leaveOpen: true);
        using MemoryMappedViewAccessor view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);

        // The pointer is never released, so the view outlives its disposal.
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref _memory);
        _memory += view.PointerOffset;
    }

    /// <summary>The file's length when it was mapped.</summary>
    public long Length { get; }

    /// <summary>Some of its bytes.</summary>
    public ReadOnlySpan<byte> Span(long start, int length)
    {
        if (start < 0 || length < 0 || start > Length - length)
        {
            throw new ArgumentOutOfRangeException(
                nameof(start), start, $"{length} bytes from there are not in a file of {Length}.");
        }

        return new ReadOnlySpan<byte>(_memory + start, length);
    }
}
