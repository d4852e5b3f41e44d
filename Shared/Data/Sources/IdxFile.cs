using System.Buffers.Binary;
using System.IO.Compression;

namespace Distributed.Data;

/// <summary>
/// Reads IDX files of unsigned bytes, plain or gzipped (told apart by content): two zero bytes, the type 8, the number
/// of dimensions, each dimension as 32-bit big-endian, then the elements. Form: http://yann.lecun.com/exdb/mnist.
/// </summary>
internal static class IdxFile
{
    /// <summary>The most bytes that a file may decode to.</summary>
    public const long MaximumBytes = 1L << 30;

    private const byte UnsignedByte = 8;
    private const int GzipMagic = 0x8B1F;

    /// <summary>Deflate can't shrink data more than this, so that a short file can't claim to be a long one.</summary>
    private const long MaximumCompression = 1032;

    /// <summary>Reads a whole file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="rank">The number of dimensions it must have.</param>
    /// <exception cref="DataException">It is missing, unreadable or anything else than such a file.</exception>
    public static (int[] Shape, byte[] Elements) Read(string path, int rank)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
            Span<byte> start = stackalloc byte[2];
            bool compressed = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length
                && BinaryPrimitives.ReadUInt16LittleEndian(start) == GzipMagic;
            file.Position = 0;
            if (!compressed)
            {
                return Read(file, path, rank, file.Length);
            }

            using GZipStream plain = new(file, CompressionMode.Decompress);
            (int[] Shape, byte[] Elements) result =
                Read(plain, path, rank, Math.Min(MaximumBytes, file.Length * MaximumCompression));
            CheckEnd(file, HeaderLength(rank) + result.Elements.Length, path);
            return result;
        }
        catch (InvalidDataException error)
        {
            throw new DataException($"{path}: the compressed data is broken or cut off; get the file again.", error);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DataException($"{path}: there is no such file; check --data-dir.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path}: the file can't be read ({error.Message.TrimEnd('.')}).", error);
        }
    }

    /// <summary>
    /// The runtime checks gzip's checksum but lets a file pass that ends before it; the last word is the plain length.
    /// </summary>
    private static void CheckEnd(FileStream file, int length, string path)
    {
        Span<byte> end = stackalloc byte[sizeof(int)];
        file.Position = file.Length - end.Length;
        file.ReadExactly(end);
        if (BinaryPrimitives.ReadInt32LittleEndian(end) != length)
        {
            throw new DataException($"{path}: the compressed data is broken or cut off; get the file again.");
        }
    }

    private static int HeaderLength(int rank) => sizeof(int) * (1 + rank);

    private static (int[] Shape, byte[] Elements) Read(Stream stream, string path, int rank, long available)
    {
        Span<byte> header = stackalloc byte[HeaderLength(rank)];
        int got = stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        if (got >= sizeof(int) && BinaryPrimitives.ReadInt32BigEndian(header) != (UnsignedByte << 8 | rank))
        {
            throw new DataException($"{path}: this is not an IDX file of bytes in {rank} dimensions: it starts with " +
                $"0x{BinaryPrimitives.ReadUInt32BigEndian(header):x8} where 0x{UnsignedByte << 8 | rank:x8} was " +
                "expected; get the right file.");
        }

        if (got < header.Length)
        {
            throw new DataException($"{path}: the file is cut off in its header after {got} bytes; get it again.");
        }

        int[] shape = new int[rank];
        UInt128 length = 1;
        for (int dimension = 0; dimension < rank; dimension++)
        {
            uint size = BinaryPrimitives.ReadUInt32BigEndian(header[(sizeof(int) * (1 + dimension))..]);
            length *= size;
            shape[dimension] = (int)Math.Min(size, int.MaxValue);
        }

        string claim = $"its header promises {string.Join(" x ", shape)} bytes";
        if (length == 0 || length > MaximumBytes)
        {
            throw new DataException($"{path}: {claim}, where 1 to {MaximumBytes} in all are allowed; get it again.");
        }

        if (length > (ulong)available)
        {
            throw new DataException($"{path}: the file is cut off: {claim}, more than it can hold; get it again.");
        }

        byte[] elements = GC.AllocateUninitializedArray<byte>((int)length);
        got = stream.ReadAtLeast(elements, elements.Length, throwOnEndOfStream: false);
        if (got < elements.Length)
        {
            throw new DataException($"{path}: the file is cut off: {claim} but {got} are there; get it again.");
        }

        return stream.ReadByte() < 0 ? (shape, elements)
            : throw new DataException($"{path}: {claim} but more follow; get it again.");
    }
}
