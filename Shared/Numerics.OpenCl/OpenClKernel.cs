using Distributed.Numerics.OpenCl.Native;

namespace Distributed.Numerics.OpenCl;

/// <summary>
/// A kernel of one queue. A call begins with <see cref="Begin"/>, passes the arguments in order and ends with a run.
/// </summary>
internal sealed class OpenClKernel(OpenClQueue queue, nint handle) : IDisposable
{
    private int _next;

    public OpenClKernel Begin()
    {
        _next = 0;
        return this;
    }

    public OpenClKernel Value<T>(T value) where T : unmanaged
    {
        OpenClCalls.SetArgument(handle, _next++, value);
        return this;
    }

    /// <summary>A tensor's two arguments; one that isn't there is never read.</summary>
    public OpenClKernel Tensor(DeviceTensor? tensor)
    {
        DeviceTensor given = tensor ?? default;
        return Value(queue.Buffer(given.Block)).Value(given.Offset);
    }

    /// <summary>Runs so many work-items, and those that fill the last group.</summary>
    public void Run(int count)
    {
        int line = queue.Tiles.Line, items = checked((count + line - 1) / line * line);
        OpenClCalls.Run(queue.Handle, handle, (items, 1, 1), (line, 1, 1));
    }

    /// <summary>Runs so many groups of work-items.</summary>
    public void Run((int X, int Y, int Z) groups, (int X, int Y, int Z) items) =>
        OpenClCalls.Run(
            queue.Handle, handle, (groups.X * items.X, groups.Y * items.Y, groups.Z * items.Z), items);

    public void Dispose() => _ = OpenClLibrary.ReleaseKernel(handle);
}

/// <summary>
/// Which kernel: its file and name, and what it is specialised by. Batch sizes are no part of it.
/// </summary>
internal readonly record struct KernelKey(
    string File, string Name, ConvolutionShape Convolution = default, PoolShape Pool = default, int Groups = 1,
    KernelFlags Flags = KernelFlags.None, int Number = 0);

/// <summary>What kernels do beside the operation itself.</summary>
[Flags]
internal enum KernelFlags
{
    None = 0,
    Relu = 1,
    Bias = 2,
    Norm = 4,
    Accumulate = 8,
    Shortcut = 16,
    Weighted = 32,
}
