using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Distributed.Runtime.Native;

/// <summary>
/// Memory that several processes map: an anonymous file (memfd) that one of them creates with its final size and seals,
/// so that no other can shrink it under a reader, and that another opens by its number in /proc. It has no name
/// anywhere, so nothing is left behind however the processes die. Linux alone: see <see cref="IsSupported"/>.
/// </summary>
internal sealed unsafe partial class SharedMemory
{
    private const uint CloseOnExec = 1;
    private const uint AllowSealing = 2;
    private const int AddSeals = 1033;
    private const int GetSeals = 1034;
    private const int SealSeals = 1;
    private const int SealSize = 2 | 4; // neither smaller nor larger
    private const int SealFutureWrites = 0x10;
    private const int ReadWrite = 2;
    private const int CloseOnExecFlag = 0x80000;
    private const int ProtectRead = 1;
    private const int ProtectWrite = 2;
    private const int MapShared = 1;
    private const int SeekEnd = 2;

    private readonly byte* _memory;
    private int _users = 1;

    private SharedMemory(byte* memory, long length, int descriptor)
    {
        _memory = memory;
        Length = length;
        Descriptor = descriptor;
    }

    /// <summary>Whether this system has what is needed, and nobody switched it off.</summary>
    public static bool IsSupported { get; } =
        OperatingSystem.IsLinux() && Futex.IsSupported && BitConverter.IsLittleEndian
        && Environment.GetEnvironmentVariable("DISTRIBUTED_SHARED_MEMORY") != "0";

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>The creator's file descriptor, by which others open it; -1 elsewhere.</summary>
    public int Descriptor { get; private set; }

    /// <summary>Creates zeroed memory of a fixed size; null where the system refuses.</summary>
    /// <param name="length">Bytes. Pages cost nothing until they are touched.</param>
    /// <param name="othersMayWrite">False: whoever opens it can only read, where the kernel can enforce that.</param>
    public static SharedMemory? Create(long length, bool othersMayWrite)
    {
        int descriptor = MemoryFile("distributed", CloseOnExec | AllowSealing);
        if (descriptor < 0) return null;
        byte* memory = Truncate(descriptor, length) == 0 ? Map(length, canWrite: true, descriptor) : null;
        if (memory == null)
        {
            _ = Close(descriptor);
            return null;
        }

        SharedMemory created = new(memory, length, descriptor);
        // Kernels before 5.1 don't know the last seal; then readers are trusted.
        if (!othersMayWrite) _ = Control(descriptor, AddSeals, SealFutureWrites);
        if (Control(descriptor, AddSeals, SealSize | SealSeals) == 0) return created;
        created.Release();
        return null;
    }

    /// <summary>Opens what another process created; null when there is no such memory of that size, sealed.</summary>
    public static SharedMemory? Open(int processId, int descriptor, long length, bool canWrite)
    {
        string path = string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/fd/{descriptor}");
        int opened = OpenFile(path, (canWrite ? ReadWrite : 0) | CloseOnExecFlag);
        if (opened < 0) return null;
        int seals = Control(opened, GetSeals, 0);
        bool isSound = seals >= 0 && (seals & SealSize) == SealSize && Seek(opened, 0, SeekEnd) == length;
        byte* memory = isSound ? Map(length, canWrite, opened) : null;
        _ = Close(opened); // the mapping stays
        return memory == null ? null : new SharedMemory(memory, length, -1);
    }

    /// <summary>Nobody needs to open it any more.</summary>
    public void CloseDescriptor()
    {
        if (Descriptor >= 0) _ = Close(Descriptor);
        Descriptor = -1;
    }

    /// <summary>Some bytes.</summary>
    public Span<byte> Bytes(long offset, int count) => new(At(offset, count), count);

    /// <summary>Some floats.</summary>
    public Span<float> Floats(long offset, int count) => new(At(offset, count * (long)sizeof(float)), count);

    /// <summary>A 32-bit word that several processes touch.</summary>
    public ref int Word(long offset) => ref Unsafe.AsRef<int>(At(offset, sizeof(int)));

    /// <summary>A 64-bit word that several processes touch.</summary>
    public ref long Long(long offset) => ref Unsafe.AsRef<long>(At(offset, sizeof(long)));

    /// <summary>One more user, who keeps it mapped until <see cref="Release"/>.</summary>
    public void Retain() => Interlocked.Increment(ref _users);

    /// <summary>One user less; the last one unmaps it, and every span and word becomes invalid.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _users) != 0) return;
        CloseDescriptor();
        _ = Unmap(_memory, (nuint)Length);
    }

    private byte* At(long offset, long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - count);
        return _memory + offset;
    }

    private static byte* Map(long length, bool canWrite, int descriptor)
    {
        int protection = canWrite ? ProtectRead | ProtectWrite : ProtectRead;
        void* memory = MapMemory(null, (nuint)length, protection, MapShared, descriptor, 0);
        return (nint)memory == -1 ? null : (byte*)memory;
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MemoryFile(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate")]
    private static partial int Truncate(int descriptor, long length);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command, int argument);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFile(string path, int flags);

    [LibraryImport("libc", EntryPoint = "lseek")]
    private static partial long Seek(int descriptor, long offset, int origin);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* MapMemory(
        void* address, nuint length, int protection, int flags, int descriptor, long offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint length);
}
