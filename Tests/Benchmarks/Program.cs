using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Distributed.Benchmarks;
using Distributed.Numerics;
using Perfolizer.Horology;

// Every kernel as a Markdown table, in a minute:  dotnet run -c Release --project Tests/Benchmarks -- --table [NAME]
// with BenchmarkDotNet's statistics:              dotnet run -c Release --project Tests/Benchmarks -- --filter '*'
if (args is ["--table", ..])
{
    KernelTable.Write(Console.Out, args.Length > 1 ? args[1] : "");
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
