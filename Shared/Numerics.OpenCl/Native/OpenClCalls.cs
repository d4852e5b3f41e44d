using System.Runtime.CompilerServices;
using System.Text;
using static Distributed.Numerics.OpenCl.Native.OpenClLibrary;

namespace Distributed.Numerics.OpenCl.Native;

/// <summary>The calls in the forms that they are needed in: handles, spans and exceptions in place of pointers and
/// error codes.</summary>
internal static unsafe class OpenClCalls
{
    private const uint ProgramBinarySizes = 0x1165, ProgramBinaries = 0x1166, BuildLog = 0x1183;
    private const ulong ReadWrite = 1, AllocateHostPointer = 16, MapBoth = 3;
    private const int OutOfMemory = -4, OutOfResources = -5, OutOfHostMemory = -6, NotFound = -1001, NoDevice = -1;
    private const int InvalidBufferSize = -61;

    public static nint[] Platforms()
    {
        uint count = 0;
        int error = GetPlatformIds(0, null, &count);
        if (error == NotFound || count == 0) return [];
        Check(error, "look for platforms");
        nint[] platforms = new nint[count];
        fixed (nint* first = platforms) Check(GetPlatformIds(count, first, null), "look for platforms");
        return platforms;
    }

    public static nint[] Devices(nint platform, ulong type)
    {
        uint count = 0;
        int error = GetDeviceIds(platform, type, 0, null, &count);
        if (error == NoDevice || count == 0) return [];
        Check(error, "look for devices");
        nint[] devices = new nint[count];
        fixed (nint* first = devices) Check(GetDeviceIds(platform, type, count, first, null), "look for devices");
        return devices;
    }

    public static string PlatformText(nint platform, uint name)
    {
        nuint length;
        Check(GetPlatformInfo(platform, name, 0, null, &length), "ask a platform");
        byte[] text = new byte[length];
        fixed (byte* first = text) Check(GetPlatformInfo(platform, name, length, first, null), "ask a platform");
        return Text(text);
    }

    public static string DeviceText(nint device, uint name)
    {
        nuint length;
        Check(GetDeviceInfo(device, name, 0, null, &length), "ask a device");
        byte[] text = new byte[length];
        fixed (byte* first = text) Check(GetDeviceInfo(device, name, length, first, null), "ask a device");
        return Text(text);
    }

    /// <summary>A number of a device, of the type's size.</summary>
    public static T DeviceNumber<T>(nint device, uint name) where T : unmanaged
    {
        T value = default;
        Check(GetDeviceInfo(device, name, (nuint)sizeof(T), &value, null), "ask a device");
        return value;
    }

    public static nint CreateContext(nint device)
    {
        int error;
        nint context = OpenClLibrary.CreateContext(null, 1, &device, 0, 0, &error);
        Check(error, "open the device");
        return context;
    }

    public static nint CreateQueue(nint context, nint device)
    {
        int error;
        nint queue = CreateCommandQueue(context, device, 0, &error);
        Check(error, "create a queue");
        return queue;
    }

    /// <summary>A buffer of so many bytes; in pinned memory of the host where asked for.</summary>
    public static nint CreateBuffer(nint context, long bytes, bool onHost = false)
    {
        int error;
        nint buffer = OpenClLibrary.CreateBuffer(
            context, ReadWrite | (onHost ? AllocateHostPointer : 0), (nuint)bytes, null, &error);
        Check(error, $"allocate {bytes >> 20} MiB");
        return buffer;
    }

    /// <summary>The memory of a buffer on the host; it stays mapped as long as the buffer is there.</summary>
    public static nint Map(nint queue, nint buffer, long bytes)
    {
        int error;
        void* mapped = EnqueueMap(queue, buffer, 1, MapBoth, 0, (nuint)bytes, 0, null, null, &error);
        Check(error, "map memory");
        return (nint)mapped;
    }

    public static void Unmap(nint queue, nint buffer, nint mapped) =>
        Check(EnqueueUnmap(queue, buffer, (void*)mapped, 0, null, null), "unmap memory");

    /// <summary>Memory that <see cref="Map"/> gave.</summary>
    public static Span<T> Mapped<T>(nint mapped, int length) where T : unmanaged => new((void*)mapped, length);

    /// <summary>Copies from mapped memory; returns at once, so it must stay as it is until the copy is done.</summary>
    public static void WriteMapped(nint queue, nint buffer, long offset, long bytes, nint mapped) =>
        Check(EnqueueWrite(queue, buffer, 0, (nuint)offset, (nuint)bytes, (void*)mapped, 0, null, null), "upload");

    /// <summary>Copies to a buffer and waits.</summary>
    public static void Write<T>(nint queue, nint buffer, ReadOnlySpan<T> from) where T : unmanaged
    {
        fixed (T* first = from)
            Check(EnqueueWrite(queue, buffer, 1, 0, (nuint)(from.Length * sizeof(T)), first, 0, null, null), "upload");
    }

    /// <summary>Copies to the host and waits.</summary>
    public static void Read<T>(nint queue, nint buffer, long offset, Span<T> to) where T : unmanaged
    {
        fixed (T* first = to)
        {
            Check(
                EnqueueRead(queue, buffer, 1, (nuint)offset, (nuint)(to.Length * sizeof(T)), first, 0, null, null),
                "download");
        }
    }

    public static void FillWithZeros(nint queue, nint buffer, long bytes)
    {
        uint zero = 0;
        Check(EnqueueFill(queue, buffer, &zero, sizeof(uint), 0, (nuint)bytes, 0, null, null), "clear memory");
    }

    public static nint CreateProgram(nint context, string source)
    {
        int error;
        nint program;
        byte[] text = Encoding.UTF8.GetBytes(source);
        nuint length = (nuint)text.Length;
        fixed (byte* first = text)
        {
            byte* start = first;
            program = CreateProgramWithSource(context, 1, &start, &length, &error);
        }

        Check(error, "create a program");
        return program;
    }

    /// <summary>A program of a binary that the driver wrote; 0: it does not take it.</summary>
    public static nint CreateProgram(nint context, nint device, byte[] binary)
    {
        int error, status;
        nuint length = (nuint)binary.Length;
        fixed (byte* first = binary)
        {
            byte* start = first;
            nint program = CreateProgramWithBinary(context, 1, &device, &length, &start, &status, &error);
            return error == 0 && status == 0 ? program : 0;
        }
    }

    /// <summary>Whether it could be built.</summary>
    public static bool Build(nint program, nint device, string options)
    {
        fixed (byte* text = Encoding.UTF8.GetBytes(options + '\0'))
            return BuildProgram(program, 1, &device, text, 0, 0) == 0;
    }

    public static string Log(nint program, nint device)
    {
        nuint length;
        Check(GetProgramBuildInfo(program, device, BuildLog, 0, null, &length), "read a compiler's log");
        byte[] text = new byte[length];
        fixed (byte* first = text)
            Check(GetProgramBuildInfo(program, device, BuildLog, length, first, null), "read a compiler's log");
        return Text(text);
    }

    /// <summary>A built program as the driver can read it again; empty: it gives none.</summary>
    public static byte[] Binary(nint program)
    {
        nuint length;
        Check(GetProgramInfo(program, ProgramBinarySizes, (nuint)sizeof(nuint), &length, null), "read a program");
        byte[] binary = new byte[length];
        fixed (byte* first = binary)
        {
            byte* start = first;
            Check(GetProgramInfo(program, ProgramBinaries, (nuint)sizeof(byte*), &start, null), "read a program");
        }

        return binary;
    }

    public static nint CreateKernel(nint program, string name)
    {
        int error;
        fixed (byte* text = Encoding.UTF8.GetBytes(name + '\0'))
        {
            nint kernel = OpenClLibrary.CreateKernel(program, text, &error);
            Check(error, $"find the kernel {name}");
            return kernel;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetArgument<T>(nint kernel, int index, T value) where T : unmanaged =>
        Check(SetKernelArgument(kernel, (uint)index, (nuint)sizeof(T), &value), "pass an argument");

    /// <summary>Runs a kernel over work-items by three dimensions, in work-groups of a size.</summary>
    public static void Run(nint queue, nint kernel, (int X, int Y, int Z) items, (int X, int Y, int Z) group)
    {
        nuint* global = stackalloc nuint[3] { (nuint)items.X, (nuint)items.Y, (nuint)items.Z };
        nuint* local = stackalloc nuint[3] { (nuint)group.X, (nuint)group.Y, (nuint)group.Z };
        Check(EnqueueKernel(queue, kernel, 3, null, global, local, 0, null, null), "run a kernel");
    }

    public static void Finish(nint queue) => Check(OpenClLibrary.Finish(queue), "finish its work");

    public static void Flush(nint queue) => Check(OpenClLibrary.Flush(queue), "start its work");

    private static void Check(int error, string what)
    {
        if (error != 0) Throw(error, what);
    }

    private static void Throw(int error, string what) => throw new DeviceException(error switch
    {
        OutOfMemory or OutOfResources or OutOfHostMemory or InvalidBufferSize =>
            $"The device could not {what}: it has too little memory (OpenCL's error {error}); choose a smaller " +
            "--micro-batch, fewer --threads or another device.",
        _ => $"The device could not {what}: OpenCL's error {error}; see that its driver works, or choose --device cpu.",
    });

    private static string Text(ReadOnlySpan<byte> text)
    {
        int end = text.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? text : text[..end]).Trim();
    }
}
