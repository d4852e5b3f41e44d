using System.Net;
using System.Net.Sockets;
using Distributed.Checkpoints;
using Distributed.Cluster.Native;
using Distributed.Protocol;
using Distributed.Runtime;
using Xunit;

namespace Distributed.Cluster;

/// <summary>What is not our fault is one clear sentence and exit code 2, and breaks nothing.</summary>
public sealed class UserErrorTests : IDisposable
{
    private const string Token = "a token of this test alone";

    private readonly RunDirectory _directory = new();

    private string DataFolder => Path.Combine(_directory.Path, "data");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void AMissingDataFile()
    {
        File.Delete(Path.Combine(IdxData.Write(DataFolder), "t10k-labels-idx1-ubyte"));
        Refused(_directory.Train(IdxData.Arguments(DataFolder)), "t10k-labels-idx1-ubyte");
    }

    [Fact]
    public void ACorruptDataFile()
    {
        string images = Path.Combine(IdxData.Write(DataFolder), IdxData.TrainImages);
        File.WriteAllBytes(images, File.ReadAllBytes(images)[..5000]);
        Refused(_directory.Train(IdxData.Arguments(DataFolder)), images);
    }

    /// <summary>It is loaded ahead of the step that needs it, and so met there first.</summary>
    [Fact]
    public void AStreamedImageThatChangesDuringTheRun()
    {
        byte[] pixels = [.. "P5 28 28 255\n"u8, .. new byte[28 * 28]];
        foreach (int image in Enumerable.Range(0, 60))
        {
            string folder = Directory.CreateDirectory(Path.Combine(DataFolder, $"class{image % 2}")).FullName;
            pixels[^1] = (byte)image;
            File.WriteAllBytes(Path.Combine(folder, $"{image}.pgm"), pixels);
        }

        ProgramRun run = _directory.Train(
            "--data", DataFolder, "--cache-limit", "0", "--epochs", "100000", "--batch", "12", "--micro-batch", "3");
        _directory.WaitForStep(5, run);
        foreach (string image in Directory.EnumerateFiles(DataFolder, "*.pgm", SearchOption.AllDirectories))
            File.WriteAllText(image, "broken");
        Refused(run, ".pgm: ");
    }

    [Fact]
    public void APortInUse()
    {
        using TcpListener taken = FreePort.Take();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        Refused(_directory.Train("--listen", $"127.0.0.1:{port}"), $"{port}");
    }

    [Fact]
    public void ALossThatBecomesInfinite()
    {
        ProgramRun run = _directory.Train("--learning-rate", "1e30");
        Refused(run, "no longer finite at step");
        Assert.Contains("layer", run.Error);
        Assert.Equal("failed", _directory.Outcome.Status);
    }

    [LinuxFact]
    public void ARunThatIsInUseOrOfAnotherSpecificationOrFinished()
    {
        // Waits for a second worker, so it is still in use whenever that is tried.
        ProgramRun run = _directory.Train([.. IdxData.Arguments(IdxData.Write(DataFolder)), "--workers", "1",
            "--min-workers", "2", "--listen", "127.0.0.1:0"]);
        run.WaitForOutput("takes part");
        Refused(_directory.Train(IdxData.Arguments(DataFolder)), $"pid {run.Id}");
        run.Signal(SystemCalls.Terminate);
        Assert.True(run.WaitForExit() == 3, run.Transcript);

        ProgramRun whole = _directory.Train(IdxData.Arguments(DataFolder));
        Assert.True(whole.WaitForExit() == 0, whole.Transcript);
        Refused(_directory.Train([.. IdxData.Arguments(DataFolder), "--momentum", "0.5"]), "optimizer.momentum");

        ProgramRun again = _directory.Train(IdxData.Arguments(DataFolder));
        Assert.True(again.WaitForExit() == 0, again.Transcript);
        Assert.Contains("finished", again.Output);
        Assert.DoesNotContain("takes part", again.Output);
    }

    /// <summary>The run waits for a second worker, so that none of this is a matter of time.</summary>
    [LinuxFact]
    public void WorkersThatDoNotBelong()
    {
        int port = FreePort.Find();
        string address = $"127.0.0.1:{port}";
        ProgramRun run = _directory.Start(
            Programs.Coordinator,
            RunDirectory.Command([.. IdxData.Arguments(IdxData.Write(DataFolder)), "--workers", "1",
                "--min-workers", "2", "--listen", address]),
            ("DISTRIBUTED_TOKEN", Token));
        run.WaitForOutput("worker 1 takes part");

        Refused(_directory.Start(Programs.Worker, ["--join", address]), "DISTRIBUTED_TOKEN");
        Refused(_directory.Start(Programs.Worker, ["--join", address], ("DISTRIBUTED_TOKEN", "another")), "token");
        string otherData = IdxData.Write(Path.Combine(_directory.Path, "other"), seed: 9);
        string[] withOtherData = ["--join", address, "--data-dir", otherData];
        Refused(_directory.Start(Programs.Worker, withOtherData, ("DISTRIBUTED_TOKEN", Token)), "data differ");
        LinkException refused = Assert.Throws<LinkException>(() => Connector.Join(IPEndPoint.Parse(address), new Hello(
            ProtocolVersion.Current, Token, "0.0.1-other", "fp32-cpu-1", "host", 1, 1, -1)));
        Assert.True(refused.Refused);
        Assert.Contains("0.0.1-other", refused.Message);

        run.Signal(SystemCalls.Terminate);
        Assert.True(run.WaitForExit() == 3, run.Transcript);
    }

    [SmallDiskFact]
    public void ADiskThatIsFullKeepsTheCheckpointBefore()
    {
        Directory.CreateDirectory(Path.Combine(_directory.Path, "runs"));
        Assert.True(SystemCalls.MountMemory(Path.Combine(_directory.Path, "runs"), "1100k"));
        try
        {
            // Two checkpoints find room; the third does not.
            ProgramRun full = _directory.Train("--checkpoint-every", "30");
            Refused(full, "the disk is full");
            using (Checkpoint kept = Checkpoint.Open(_directory.RunPath, CheckpointChoice.Latest))
                Assert.Equal(60, kept.Step);

            Assert.True(SystemCalls.ResizeMemory(Path.Combine(_directory.Path, "runs"), "16m"));
            ProgramRun again = _directory.Train();
            Assert.True(again.WaitForExit() == 0, again.Transcript);
            Assert.Equal(60, _directory.Outcome.ResumedFromStep);
        }
        finally
        {
            SystemCalls.UnmountMemory(Path.Combine(_directory.Path, "runs"));
        }
    }

    private static void Refused(ProgramRun run, string reason)
    {
        Assert.True(run.WaitForExit() == 2, run.Transcript);
        string line = Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("error: ", line);
        Assert.Contains(reason, line);
    }
}
