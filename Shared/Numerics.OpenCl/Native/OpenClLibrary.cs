using System.Reflection;
using System.Runtime.InteropServices;

namespace Distributed.Numerics.OpenCl.Native;

/// <summary>The functions of OpenCL 1.2 that are used, as its specification declares them.</summary>
internal static unsafe partial class OpenClLibrary
{
    private const string Name = "OpenCL";

    /// <summary>Whether the system has a loader of OpenCL drivers.</summary>
    public static bool IsThere { get; } = Register();

    private static string[] FileNames => OperatingSystem.IsWindows() ? ["OpenCL.dll"]
        : OperatingSystem.IsMacOS() ? ["/System/Library/Frameworks/OpenCL.framework/OpenCL"]
        : ["libOpenCL.so.1", "libOpenCL.so"];

    [LibraryImport(Name, EntryPoint = "clGetPlatformIDs")]
    public static partial int GetPlatformIds(uint entries, nint* platforms, uint* count);

    [LibraryImport(Name, EntryPoint = "clGetPlatformInfo")]
    public static partial int GetPlatformInfo(nint platform, uint name, nuint size, void* value, nuint* needed);

    [LibraryImport(Name, EntryPoint = "clGetDeviceIDs")]
    public static partial int GetDeviceIds(nint platform, ulong type, uint entries, nint* devices, uint* count);

    [LibraryImport(Name, EntryPoint = "clGetDeviceInfo")]
    public static partial int GetDeviceInfo(nint device, uint name, nuint size, void* value, nuint* needed);

    [LibraryImport(Name, EntryPoint = "clCreateContext")]
    public static partial nint CreateContext(
        nint* properties, uint devices, nint* device, nint notify, nint data, int* error);

    [LibraryImport(Name, EntryPoint = "clReleaseContext")]
    public static partial int ReleaseContext(nint context);

    [LibraryImport(Name, EntryPoint = "clCreateCommandQueue")]
    public static partial nint CreateCommandQueue(nint context, nint device, ulong properties, int* error);

    [LibraryImport(Name, EntryPoint = "clReleaseCommandQueue")]
    public static partial int ReleaseCommandQueue(nint queue);

    [LibraryImport(Name, EntryPoint = "clCreateBuffer")]
    public static partial nint CreateBuffer(nint context, ulong flags, nuint size, void* host, int* error);

    [LibraryImport(Name, EntryPoint = "clReleaseMemObject")]
    public static partial int ReleaseMemory(nint memory);

    [LibraryImport(Name, EntryPoint = "clCreateProgramWithSource")]
    public static partial nint CreateProgramWithSource(
        nint context, uint count, byte** texts, nuint* lengths, int* error);

    [LibraryImport(Name, EntryPoint = "clCreateProgramWithBinary")]
    public static partial nint CreateProgramWithBinary(
        nint context, uint devices, nint* device, nuint* lengths, byte** binaries, int* status, int* error);

    [LibraryImport(Name, EntryPoint = "clBuildProgram")]
    public static partial int BuildProgram(
        nint program, uint devices, nint* device, byte* options, nint notify, nint data);

    [LibraryImport(Name, EntryPoint = "clGetProgramBuildInfo")]
    public static partial int GetProgramBuildInfo(
        nint program, nint device, uint name, nuint size, void* value, nuint* needed);

    [LibraryImport(Name, EntryPoint = "clGetProgramInfo")]
    public static partial int GetProgramInfo(nint program, uint name, nuint size, void* value, nuint* needed);

    [LibraryImport(Name, EntryPoint = "clReleaseProgram")]
    public static partial int ReleaseProgram(nint program);

    [LibraryImport(Name, EntryPoint = "clCreateKernel")]
    public static partial nint CreateKernel(nint program, byte* name, int* error);

    [LibraryImport(Name, EntryPoint = "clReleaseKernel")]
    public static partial int ReleaseKernel(nint kernel);

    [LibraryImport(Name, EntryPoint = "clSetKernelArg")]
    public static partial int SetKernelArgument(nint kernel, uint index, nuint size, void* value);

    [LibraryImport(Name, EntryPoint = "clEnqueueNDRangeKernel")]
    public static partial int EnqueueKernel(
        nint queue, nint kernel, uint dimensions, nuint* offset, nuint* global, nuint* local, uint waits,
        nint* waitList, nint* done);

    [LibraryImport(Name, EntryPoint = "clEnqueueWriteBuffer")]
    public static partial int EnqueueWrite(
        nint queue, nint buffer, uint blocking, nuint offset, nuint size, void* from, uint waits, nint* waitList,
        nint* done);

    [LibraryImport(Name, EntryPoint = "clEnqueueReadBuffer")]
    public static partial int EnqueueRead(
        nint queue, nint buffer, uint blocking, nuint offset, nuint size, void* to, uint waits, nint* waitList,
        nint* done);

    [LibraryImport(Name, EntryPoint = "clEnqueueFillBuffer")]
    public static partial int EnqueueFill(
        nint queue, nint buffer, void* pattern, nuint patternSize, nuint offset, nuint size, uint waits,
        nint* waitList, nint* done);

    [LibraryImport(Name, EntryPoint = "clEnqueueMapBuffer")]
    public static partial void* EnqueueMap(
        nint queue, nint buffer, uint blocking, ulong flags, nuint offset, nuint size, uint waits, nint* waitList,
        nint* done, int* error);

    [LibraryImport(Name, EntryPoint = "clEnqueueUnmapMemObject")]
    public static partial int EnqueueUnmap(
        nint queue, nint buffer, void* mapped, uint waits, nint* waitList, nint* done);

    [LibraryImport(Name, EntryPoint = "clFlush")]
    public static partial int Flush(nint queue);

    [LibraryImport(Name, EntryPoint = "clFinish")]
    public static partial int Finish(nint queue);

    private static bool Register()
    {
        nint library = 0;
        bool found = Array.Exists(FileNames, file => NativeLibrary.TryLoad(file, out library));
        if (found)
        {
            NativeLibrary.SetDllImportResolver(
                Assembly.GetExecutingAssembly(), (name, _, _) => name == Name ? library : 0);
        }

        return found;
    }
}
