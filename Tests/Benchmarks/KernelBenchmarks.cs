using BenchmarkDotNet.Attributes;

namespace Distributed.Benchmarks;

/// <summary>Every kernel of <see cref="KernelCase.All"/> alone, with warm caches.</summary>
public class KernelBenchmarks
{
    private static readonly KernelCase[] Cases = [.. KernelCase.All()];

    /// <summary>The kernel to run.</summary>
    [ParamsSource(nameof(Kernels))]
    public required KernelCase Kernel { get; set; }

    /// <summary>What <see cref="Kernel"/> takes.</summary>
    public static IEnumerable<KernelCase> Kernels => Cases;

    /// <summary>One micro-batch.</summary>
    [Benchmark]
    public void Run() => Kernel.Run();
}
