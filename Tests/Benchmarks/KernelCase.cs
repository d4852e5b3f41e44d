using Distributed.Numerics;

namespace Distributed.Benchmarks;

/// <summary>One kernel or layer at one shape: a row of the table, with a cell a pass.</summary>
/// <param name="Section">The network or the kind of kernel.</param>
/// <param name="Name">What it is, and its shape.</param>
/// <param name="Passes">What is measured.</param>
/// <param name="Buffers">What the passes work on.</param>
public sealed record KernelCase(
    string Section, string Name, IReadOnlyList<KernelPass> Passes, params BenchmarkBuffer[] Buffers)
{
    /// <summary>The sections, in the order of the table.</summary>
    public static IReadOnlyList<string> Sections { get; } = [.. NetworkKernels.Sections, .. ElementKernels.Sections];

    /// <summary>The rows of a section.</summary>
    public static IEnumerable<KernelCase> Of(string section) =>
        NetworkKernels.Sections.Contains(section) ? NetworkKernels.Of(section) : ElementKernels.Of(section);

    /// <summary>Frees the buffers; they come back with the next call.</summary>
    public void Release()
    {
        foreach (BenchmarkBuffer buffer in Buffers)
            buffer.Release();
    }
}

/// <summary>A call of a kernel. Its limit is arithmetic where <paramref name="Flops"/> isn't 0, else memory.</summary>
/// <param name="Name">For instance "forward".</param>
/// <param name="Flops">Operations of a call: two for every multiply-add that the definition has.</param>
/// <param name="Bytes">Bytes that a call reads and writes.</param>
/// <param name="Run">Makes a call.</param>
public sealed record KernelPass(string Name, double Flops, double Bytes, Action Run);

/// <summary>Native floats between -0.5 and 0.5 that exist from their first use to their release.</summary>
public sealed class BenchmarkBuffer(int length)
{
    private NativeBuffer? _memory;

    /// <summary>Number of floats.</summary>
    public int Length => length;

    /// <summary>Bytes of all floats.</summary>
    public double Bytes => (double)sizeof(float) * length;

    /// <summary>The native buffer.</summary>
    public NativeBuffer Memory => _memory ??= Filled(length);

    /// <summary>The floats.</summary>
    public Span<float> Span => Memory.Span;

    /// <summary>Frees the memory.</summary>
    public void Release()
    {
        _memory?.Dispose();
        _memory = null;
    }

    private static NativeBuffer Filled(int length)
    {
        var buffer = new NativeBuffer(length);
        Span<float> span = buffer.Span;
        uint state = 1;
        for (int i = 0; i < span.Length; i++)
        {
            state = unchecked(state * 1664525 + 1013904223);
            span[i] = (state >> 8) / 16777216f - 0.5f;
        }
        return buffer;
    }
}
