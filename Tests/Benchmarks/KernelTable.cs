using System.Diagnostics;
using System.Globalization;
using Distributed.Numerics;

namespace Distributed.Benchmarks;

/// <summary>
/// Every kernel as Markdown: what computes as a percentage of the multiply-adds that one core does, what moves memory
/// as a percentage of a copy of as many bytes. The limit is measured right beside each kernel.
/// </summary>
internal static class KernelTable
{
    private const double SecondsEach = 0.02;
    private const int Samples = 7;

    /// <summary>Writes the rows of kernels whose name contains <paramref name="filter"/>.</summary>
    public static void Write(TextWriter writer, string filter)
    {
        writer.WriteLine(
            $"{InstructionSet.Name}, one core, {Peak.FlopsPerSecond / 1e9:f1} GFLOP/s of fused multiply-add.");
        writer.WriteLine();
        writer.WriteLine("| kernel | time, µs | limit | % of it |");
        writer.WriteLine("| --- | ---: | --- | ---: |");
        foreach (KernelCase kernel in KernelCase.All())
        {
            if (!kernel.Name.Contains(filter, StringComparison.OrdinalIgnoreCase))
                continue;
            double seconds = Time(kernel.Run);
            (string limit, double least) = Limit(kernel);
            string percent = least == 0 ? "" : (100 * least / seconds).ToString("f0", CultureInfo.InvariantCulture);
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {kernel.Name} | {seconds * 1e6:f1} | {limit} | {percent} |"));
        }
    }

    private static (string Name, double Seconds) Limit(KernelCase kernel)
    {
        if (kernel.Flops > 0)
            return ("multiply-add", kernel.Flops / Peak.FlopsPerSecond);
        if (kernel.Bytes == 0)
            return ("", 0);
        using var from = new NativeBuffer((int)(kernel.Bytes / 2 / sizeof(float)));
        using var to = new NativeBuffer(from.Length);
        return ("memory", Time(() => from.Span.CopyTo(to.Span)));
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
                calls = Math.Max(1, (int)(SecondsEach / seconds));
        }
        Array.Sort(times);
        return times[Samples / 2];
    }
}
