using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace Distributed.Benchmarks;

/// <summary>A kernel's operations per second as a part of <see cref="Peak"/>.</summary>
internal sealed class PeakColumn : IColumn
{
    public string Id => nameof(PeakColumn);

    public string ColumnName => "% of peak";

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public string Legend => "multiply-adds per second over what one core does in registers";

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
    {
        KernelPass kernel = ((BenchmarkedPass)benchmarkCase.Parameters[nameof(KernelBenchmarks.Kernel)]).Pass;
        double? nanoseconds = summary[benchmarkCase]?.ResultStatistics?.Median;
        return kernel.Flops == 0 || nanoseconds == null
            ? "-"
            : string.Create(CultureInfo.InvariantCulture,
                $"{100 * kernel.Flops / (nanoseconds.Value * 1e-9) / Peak.FlopsPerSecond:f1}");
    }

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) =>
        GetValue(summary, benchmarkCase);

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;
}
