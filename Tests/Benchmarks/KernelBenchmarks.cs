using BenchmarkDotNet.Attributes;

namespace Distributed.Benchmarks;

/// <summary>Every pass of every <see cref="KernelCase"/> alone, with warm caches.</summary>
public class KernelBenchmarks
{
    private static readonly BenchmarkedPass[] Passes =
    [
        .. KernelCase.Sections.SelectMany(KernelCase.Of)
            .SelectMany(kernel => kernel.Passes.Select(pass => new BenchmarkedPass(kernel, pass))),
    ];

    /// <summary>The pass to run.</summary>
    [ParamsSource(nameof(Kernels))]
    public required BenchmarkedPass Kernel { get; set; }

    /// <summary>What <see cref="Kernel"/> takes.</summary>
    public static IEnumerable<BenchmarkedPass> Kernels => Passes;

    /// <summary>One micro-batch.</summary>
    [Benchmark]
    public void Run() => Kernel.Pass.Run();

    /// <summary>Frees what the pass worked on.</summary>
    [GlobalCleanup]
    public void Release() => Kernel.Kernel.Release();
}

/// <summary>A pass of a kernel.</summary>
public sealed record BenchmarkedPass(KernelCase Kernel, KernelPass Pass)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Kernel.Section} {Kernel.Name}, {Pass.Name}";
}
