using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Distributed.Benchmarks;
using Distributed.Numerics;
using Distributed.Tests;
using Perfolizer.Horology;

// Every kernel as a Markdown table, in a few minutes; of a section, or of kernels whose name contains NAME:
//     dotnet run -c Release --project Tests/Benchmarks -- --table [NAME]
// into a file, whose other sections stay as they are (its numbers are only worth keeping from an idle machine):
//     dotnet run -c Release --project Tests/Benchmarks -- --table [SECTION] --results Tests/Benchmarks/RESULTS.md
// with BenchmarkDotNet's statistics:
//     dotnet run -c Release --project Tests/Benchmarks -- --filter '*'
// what strangers at the coordinator's port cost a training (build the Coordinator first; MNIST in DISTRIBUTED_DATA):
//     dotnet run -c Release --project Tests/Benchmarks -- --strangers [WORKERS [PAIRS [tls]]]
if (args is ["--strangers", .. var how])
{
    string file = OperatingSystem.IsWindows() ? "coordinator.exe" : "coordinator";
    StrangersBenchmark.Run(
        Path.Combine(Checkout.Folder, "Coordinator", "bin", "Release", "net10.0", file),
        how.Length > 0 ? int.Parse(how[0], CultureInfo.InvariantCulture) : 2, how is [_, _, "tls"],
        how.Length > 1 ? int.Parse(how[1], CultureInfo.InvariantCulture) : 3);
    return;
}

if (args is ["--table", .. var rest])
{
    ResultsFile? file = null;
    if (rest is [.., "--results", var path])
        (file, rest) = (new ResultsFile(path), rest[..^2]);
    string name = rest.FirstOrDefault("");
    bool isSection = KernelCase.Sections.Contains(name);
    foreach (string section in KernelCase.Sections)
        if ((!isSection || section == name) && KernelTable.Measure(section, isSection ? "" : name) is { } lines)
        {
            Console.WriteLine($"## {section}\n\n{string.Join('\n', lines)}\n");
            file?.Put(section, lines);
        }
    return;
}

Console.WriteLine($"{InstructionSet.Name}, {Peak.FlopsPerSecond / 1e9:f1} GFLOP/s of fused multiply-add on one core");
BenchmarkSwitcher.FromTypes([typeof(KernelBenchmarks)]).Run(args, ManualConfig.CreateEmpty()
    .AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithEvaluateOverhead(false)
        .WithIterationTime(TimeInterval.FromMilliseconds(20)).WithWarmupCount(3).WithIterationCount(9))
    .AddLogger(ConsoleLogger.Default)
    .WithSummaryStyle(SummaryStyle.Default.WithMaxParameterColumnWidth(60))
    .AddColumn(new PeakColumn())
    .AddColumnProvider(DefaultColumnProviders.Instance));
