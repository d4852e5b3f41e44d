using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Distributed.Checkpoints;

/// <summary>
/// A safetensors file opened for reading, ours or anyone's. The header is checked whole before anything of the size it
/// names is allocated; tensors are read straight into the caller's memory.
/// </summary>
public sealed class SafeTensorsFile : IDisposable
{
    private const int ChunkBytes = 256 * 1024;

    private readonly SafeFileHandle _handle;
    private readonly long _dataStart;
    private readonly Dictionary<string, TensorEntry> _byName;

    private SafeTensorsFile(string path, SafeFileHandle handle, byte[] header)
    {
        Path = path;
        _handle = handle;
        Header = header;
        _dataStart = sizeof(ulong) + header.Length;
        (Dictionary<string, string> metadata, List<TensorEntry> tensors) =
            SafeTensorsHeader.Parse(header, RandomAccess.GetLength(handle) - _dataStart, path);
        Metadata = metadata;
        Tensors = tensors;
        _byName = tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
    }

    /// <summary>The file's path as it was given.</summary>
    public string Path { get; }

    /// <summary>The header's string map; empty where the file has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Every tensor, in ordinal order of name.</summary>
    public IReadOnlyList<TensorEntry> Tensors { get; }

    /// <summary>The file's length in bytes.</summary>
    public long Length => _dataStart + Tensors.Sum(tensor => tensor.ByteLength);

    internal byte[] Header { get; }

    /// <summary>Opens a file and checks its header.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="CheckpointException">It is missing, unreadable, cut off or malformed.</exception>
    public static SafeTensorsFile Open(string path)
    {
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            SafeTensorsFile file = new(path, handle, ReadHeader(handle, path));
            handle = null;
            return file;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, error);
        }
        finally
        {
            handle?.Dispose();
        }
    }

    /// <summary>Looks a tensor up by name.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <returns>Its entry, or null where the file has none of that name.</returns>
    public TensorEntry? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Reads a tensor of element type F32.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="destination">As long as the tensor's count.</param>
    /// <exception cref="CheckpointException">No such tensor, another type, another count, or unreadable.</exception>
    public void Read(string name, Span<float> destination)
    {
        TensorEntry tensor = Find(name)
            ?? throw new CheckpointException($"{Path}: there is no tensor '{name}'; it is a checkpoint of another " +
                "model.");
        if (tensor.DataType != TensorEntry.Float32)
        {
            throw new CheckpointException($"{Path}: tensor '{name}' has element type {tensor.DataType}; only F32 is " +
                "read: convert the file to float32 first.");
        }

        if (tensor.Count != destination.Length)
        {
            throw new CheckpointException($"{Path}: tensor '{name}' has {tensor.Count} elements where the model " +
                $"needs {destination.Length}; it is a checkpoint of another model.");
        }

        ReadBytes(tensor.Offset, MemoryMarshal.AsBytes(destination));
    }

    /// <summary>Feeds a tensor's bytes to each of the hashes.</summary>
    internal void Hash(TensorEntry tensor, byte[] buffer, params ReadOnlySpan<IncrementalHash> hashes)
    {
        for (long done = 0; done < tensor.ByteLength;)
        {
            Span<byte> chunk = buffer.AsSpan(0, (int)Math.Min(buffer.Length, tensor.ByteLength - done));
            ReadBytes(tensor.Offset + done, chunk);
            foreach (IncrementalHash hash in hashes)
            {
                hash.AppendData(chunk);
            }

            done += chunk.Length;
        }
    }

    internal static byte[] CreateBuffer() => GC.AllocateUninitializedArray<byte>(ChunkBytes);

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private void ReadBytes(long offset, Span<byte> destination)
    {
        try
        {
            ReadExactly(_handle, _dataStart + offset, destination, Path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(Path, error);
        }
    }

    private static byte[] ReadHeader(SafeFileHandle handle, string path)
    {
        long length = RandomAccess.GetLength(handle);
        if (length < sizeof(ulong) + 2)
        {
            throw new CheckpointException(length == 0
                ? $"{path}: the file is empty; use another checkpoint."
                : $"{path}: the file is cut off after {length} bytes; use another checkpoint.");
        }

        Span<byte> prefix = stackalloc byte[sizeof(ulong)];
        ReadExactly(handle, 0, prefix, path);
        ulong header = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (header is < 2 or > SafeTensorsHeader.MaximumLength)
        {
            throw SafeTensorsHeader.Broken(path, $"names a header of {header} bytes where 2 to " +
                $"{SafeTensorsHeader.MaximumLength} are allowed");
        }

        if ((long)header > length - sizeof(ulong))
        {
            throw new CheckpointException($"{path}: the file is cut off: its header needs {header} bytes but " +
                $"{length - sizeof(ulong)} are there; use another checkpoint.");
        }

        byte[] json = new byte[header];
        ReadExactly(handle, sizeof(ulong), json, path);
        return json;
    }

    private static void ReadExactly(SafeFileHandle handle, long position, Span<byte> destination, string path)
    {
        while (!destination.IsEmpty)
        {
            int read = RandomAccess.Read(handle, destination, position);
            if (read == 0)
            {
                throw new CheckpointException($"{path}: the file became shorter while it was read; " +
                    "use another checkpoint.");
            }

            destination = destination[read..];
            position += read;
        }
    }

    private static CheckpointException Unreadable(string path, Exception error) => error switch
    {
        FileNotFoundException or DirectoryNotFoundException =>
            new($"{path}: there is no such checkpoint; check the path.", error),
        UnauthorizedAccessException when Directory.Exists(path) =>
            new($"{path}: this is a folder where a checkpoint file was expected; name the file.", error),
        UnauthorizedAccessException => new($"{path}: no permission to read this checkpoint.", error),
        _ => new($"{path}: the checkpoint can't be read ({error.Message.TrimEnd('.')}).", error),
    };
}
