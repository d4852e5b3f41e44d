using System.Diagnostics;
using System.Globalization;
using Distributed.Numerics;

namespace Distributed.Benchmarks;

/// <summary>The kernels' times as Markdown, each with its percentage of a limit of the machine.</summary>
internal static class KernelTable
{
    private const double SecondsEach = 0.01;
    private const int Samples = 5;
    private const int MostCalls = 100_000;

    private static readonly string[] PassOrder =
        ["prepare weights", "statistics", "forward", "backward", "backward data", "backward weights"];

    /// <summary>What the sections' cells mean.</summary>
    public static IReadOnlyList<string> Legend { get; } =
    [
        "A cell is the median time of a call in microseconds and its percentage of a limit, on one core with warm",
        "caches: plain, of the fused multiply-adds that the core does in registers, counted by the definition's own",
        "multiply-adds (so Winograd's convolutions can be above 100); with m, of the memory bandwidth, that is of the",
        "fastest copy of as many bytes. Both limits are measured right beside the kernel. A row's shape is samples x",
        "channels x height x width of one micro-batch; the input of a network's first layer has no gradient.",
    ];

    /// <summary>Measures a section's rows whose name contains the filter; null where none does.</summary>
    public static IReadOnlyList<string>? Measure(string section, string filter)
    {
        List<(string Name, Dictionary<string, string> Cells)> rows = [];
        double peak = 0;
        foreach (KernelCase kernel in KernelCase.Of(section))
        {
            if (!$"{section} {kernel.Name}".Contains(filter, StringComparison.OrdinalIgnoreCase))
                continue;
            Dictionary<string, string> cells = [];
            double flops = Peak.Measure();
            peak = Math.Max(peak, flops);
            foreach (KernelPass pass in kernel.Passes)
            {
                double seconds = Time(pass.Run);
                double least = pass.Flops > 0 ? pass.Flops / flops : CopySeconds(pass.Bytes);
                cells[pass.Name] = string.Create(CultureInfo.InvariantCulture,
                    $"{seconds * 1e6:f1} · {100 * least / seconds:f0}%{(pass.Flops > 0 ? "" : " m")}");
            }
            kernel.Release();
            rows.Add((kernel.Name, cells));
        }
        if (rows.Count == 0)
            return null;
        string[] columns =
            [.. rows.SelectMany(row => row.Cells.Keys).Distinct().OrderBy(name => Array.IndexOf(PassOrder, name))];
        return
        [
            string.Create(CultureInfo.InvariantCulture,
                $"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC, {InstructionSet.Name}, {peak / 1e9:f1} GFLOP/s at the peak."),
            "",
            $"| kernel | {string.Join(" | ", columns)} |",
            $"| --- |{string.Concat(columns.Select(_ => " ---: |"))}",
            .. rows.Select(row =>
                $"| {row.Name} | {string.Join(" | ", columns.Select(name => row.Cells.GetValueOrDefault(name)))} |"),
        ];
    }

    /// <summary>The time of the faster of two copies that read and write as many bytes together.</summary>
    private static double CopySeconds(double bytes)
    {
        int length = Math.Max((int)(bytes / 2 / sizeof(float)), 1);
        using NativeBuffer from = new(length), to = new(length);
        return Math.Min(Time(() => from.Span.CopyTo(to.Span)), Time(() => Peak.Copy(from.Span, to.Span)));
    }

    /// <summary>The median time of a call, of samples of many calls.</summary>
    private static double Time(Action action)
    {
        action();
        int calls = 1;
        double[] times = new double[Samples];
        for (int sample = -1; sample < Samples; sample++)
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < calls; i++)
                action();
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds / calls;
            if (sample >= 0)
                times[sample] = seconds;
            else
                calls = (int)Math.Clamp(SecondsEach / seconds, 1, MostCalls); // the clock may not have moved
        }
        Array.Sort(times);
        return times[Samples / 2];
    }
}
