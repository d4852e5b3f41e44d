using System.Diagnostics;
using Xunit;
using Xunit.Abstractions;

namespace Distributed.Coordinator.Tests;

public sealed class ScaleSimulationTests(ITestOutputHelper output)
{
    [Fact]
    public void Timing()
    {
        CostModel cost = new()
        {
            PassSeconds = [0.004, 0.0075], PrepareSeconds = 0.0001, AddSeconds = 30e-6, OptimizerSeconds = 50e-6, CopySeconds = 20e-6,
            HandOverSeconds = 20e-6, MessageSeconds = 3e-6, GradientBytes = 400_000, ParameterBytes = 400_000,
            Network = new NetworkCost(1.25e9, 50e-6),
        };
        foreach ((int n, int b) in ((int,int)[])[(1,128),(2,128),(4096,128),(4,512),(16,2048),(64,8192),(128,16384),(256,32768)])
        {
            long t = Stopwatch.GetTimestamp();
            StepFigures f = ScaleSimulation.Run(cost, b, 32, n, 4);
            output.WriteLine($"{n} {b}: {f} {f.Bound}  eff {0} real {Stopwatch.GetElapsedTime(t).TotalMilliseconds:F0} ms");
        }
    }
}
