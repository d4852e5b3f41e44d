using Distributed.Cluster.Native;
using Distributed.Numerics;
using Distributed.Numerics.OpenCl;
using Xunit;

namespace Distributed.Cluster;

/// <summary>A test on Linux that needs an OpenCL device; PoCL makes the CPU one.</summary>
public sealed class OpenClFactAttribute : FactAttribute
{
    private static readonly Lazy<(string? Device, string Reason)> Found = new(Find);

    public OpenClFactAttribute() =>
        Skip = !OperatingSystem.IsLinux() ? LinuxFactAttribute.Reason : Device is null ? Found.Value.Reason : null;

    /// <summary>What <c>--device</c> calls the first device that can train; null: there is none.</summary>
    internal static string? Device => Found.Value.Device;

    private static (string?, string) Find()
    {
        try
        {
            OpenClDeviceInfo? info = OpenClDeviceInfo.FindAll().FirstOrDefault(device => device.HasDoublePrecision);
            return (info is null ? null : $"opencl:{info.Index}", "no OpenCL device with double precision was found");
        }
        catch (DeviceException error)
        {
            return (null, error.Message);
        }
    }
}

/// <summary>The promises hold for workers that compute on a device, within its numerics class.</summary>
public sealed class OpenClTests : IDisposable
{
    /// <summary>Batch norm and dropout are most apt to break the sameness of bits.</summary>
    private const string Model = """
        {"name": "small", "input": [1, 28, 28], "classes": 10, "layers": [
          {"type": "conv2d", "outChannels": 8, "kernel": 3, "stride": 3, "bias": false},
          {"type": "batchNorm2d"}, {"type": "relu"}, {"type": "maxPool2d", "kernel": 3},
          {"type": "flatten"}, {"type": "dropout", "probability": 0.3}, {"type": "linear", "outputs": 10}]}
        """;

    private readonly RunDirectory _alone = new();
    private readonly RunDirectory _disturbed = new();

    public void Dispose()
    {
        _alone.Dispose();
        _disturbed.Dispose();
    }

    /// <summary>
    /// One worker undisturbed against two, whose coordinator is killed and starts again, and one of which is killed.
    /// </summary>
    [OpenClFact]
    public void TwoWorkersKilledAndResumedEndWithTheSameBits()
    {
        ProgramRun run = _alone.Train([.. Settings(_alone), "--workers", "1"]);
        Assert.True(run.WaitForExit() == 0, run.Transcript);

        string[] settings = [.. Settings(_disturbed), "--checkpoint-every", "10"];
        ProgramRun killed = _disturbed.Train(settings);
        _disturbed.WaitForStep(60, killed);
        IReadOnlyList<int> workers = killed.Workers();
        Assert.Equal(2, workers.Count);
        killed.Signal(SystemCalls.Kill);
        killed.WaitForExit(workers);

        ProgramRun resumed = _disturbed.Train(settings);
        _disturbed.WaitForStep(80, resumed);
        SystemCalls.Signal(resumed.Workers()[0], SystemCalls.Kill);
        Assert.True(resumed.WaitForExit() == 0, resumed.Transcript);
        Assert.InRange(_disturbed.Outcome.ResumedFromStep, 40, _disturbed.Outcome.Steps - 1);
        Assert.Equal(1, _disturbed.Outcome.Restarts);
        Assert.Equal(_alone.Outcome.Weights, _disturbed.Outcome.Weights);
        Assert.Equal(_alone.Outcome.BestWeights, _disturbed.Outcome.BestWeights);
        Assert.Equal(_disturbed.Outcome.SamplesExpected, _disturbed.Outcome.SamplesApplied);
        Assert.Equal(_alone.Metrics(), _disturbed.Metrics());
    }

    /// <summary>Bits of a device and of the CPU differ, so neither joins the other's run nor goes on with it.</summary>
    [OpenClFact]
    public void TheCpuHasNoPartInADevicesRun()
    {
        const string Token = "a token of this test alone";
        int port = FreePort.Find();
        ProgramRun run = _alone.Train(
            [.. Settings(_alone), "--workers", "1", "--min-workers", "2", "--listen", $"127.0.0.1:{port}"],
            ("DISTRIBUTED_TOKEN", Token));
        run.WaitForOutput("worker 1 takes part");
        ProgramRun joined = _alone.Join($"127.0.0.1:{port}", [], ("DISTRIBUTED_TOKEN", Token));
        Assert.Equal(2, joined.WaitForExit());
        Assert.Contains("numerics class is fp32-opencl-1 on ", joined.Error, StringComparison.Ordinal);
        Assert.Contains("and the worker's fp32-cpu-1: their bits differ", joined.Error, StringComparison.Ordinal);
        run.Signal(SystemCalls.Terminate);
        Assert.True(run.WaitForExit() == 3, run.Transcript);

        ProgramRun onCpu = _alone.Train([.. Settings(_alone)[..^2]]);
        Assert.Equal(2, onCpu.WaitForExit());
        Assert.Contains("numericsClass: the run has", onCpu.Error, StringComparison.Ordinal);
    }

    private static string[] Settings(RunDirectory directory)
    {
        File.WriteAllText(Path.Combine(directory.Path, "small.json"), Model);
        string data = IdxData.Write(Path.Combine(directory.Path, "data"));
        return
        [
            .. IdxData.Arguments(data), "--model", "small.json", "--epochs", "30", "--batch", "32",
            "--micro-batch", "5", "--device", OpenClFactAttribute.Device!,
        ];
    }
}
