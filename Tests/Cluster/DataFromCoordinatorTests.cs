using Distributed.Cluster.Native;
using Xunit;

namespace Distributed.Cluster;

/// <summary>Workers that have nothing but the program: the coordinator sends them the data set, and the run ends with
/// the same bits.</summary>
[Collection(ReferenceCollection.Name)]
public sealed class DataFromCoordinatorTests(ReferenceRun reference) : IDisposable
{
    private const string Token = "a token of this test alone";
    private const int SomeBytes = 3_000_000;

    private readonly RunDirectory _directory = new();
    private readonly int _port = FreePort.Find();

    private string Address => $"127.0.0.1:{_port}";

    private string Cache => Path.Combine(_directory.Path, "cache");

    private string Nowhere => Directory.CreateDirectory(Path.Combine(_directory.Path, "nothing")).FullName;

    private string[] Kept => Directory.GetFiles(Path.Combine(Cache, "distributed", "decoded"), "*.decoded");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void TwoWorkersOfAHostFetchTheDataOnce()
    {
        ProgramRun run = Listen(_directory, "--workers", "0", "--min-workers", "2");
        ProgramRun[] joined = [Join(Address), Join(Address)];
        Finish(run, _directory, joined);
        Assert.Single(joined, worker => worker.Output.Contains(
            "Fetching digits from the coordinator: 9 of 9 MB", StringComparison.Ordinal));
        Assert.Single(Kept);

        // Another run of the same data takes them from the cache.
        using RunDirectory second = new();
        ProgramRun again = Listen(second, "--workers", "1", "--min-workers", "2");
        ProgramRun cached = Join(Address);
        Finish(again, second, cached);
        Assert.DoesNotContain("Fetching", cached.Output);
    }

    [Fact]
    public void FilesThatOnlyTheCoordinatorHasTravelOverTls()
    {
        string[] data = [.. IdxData.Arguments(IdxData.Write(Path.Combine(_directory.Path, "data"))), "--name", "here"];
        ProgramRun local = _directory.Train([.. data, "--workers", "1"]);
        Assert.True(local.WaitForExit() == 0, local.Transcript);
        ProgramRun made = _directory.Start(Programs.Coordinator, ["certificates", "new", "here,localhost,127.0.0.1"]);
        Assert.True(made.WaitForExit() == 0, made.Transcript);

        ProgramRun run = Listen(
            _directory, [.. data[..^2], "--workers", "0", "--certificates", "certificates"]);
        ProgramRun joined = Join($"localhost:{_port}", "--data-dir", Nowhere, "--certificates", "certificates");
        Assert.True(run.WaitForExit() == 0, run.Transcript);
        Assert.True(joined.WaitForExit() == 0, joined.Transcript);
        Assert.Contains("Fetching fashion-mnist from the coordinator: 0 of 197 KB", joined.Output);
        RunOutcome expected = RunOutcome.Read(Path.Combine(_directory.Path, "runs", "here", "result.json"));
        Assert.Equal(expected.Weights, _directory.Outcome.Weights);
        Assert.Equal(expected.BestWeights, _directory.Outcome.BestWeights);
    }

    [Fact]
    public void ImagesThatAreDecodedOnTheWayAreTheSame()
    {
        string pictures = Path.Combine(_directory.Path, "data");
        byte[] image = [.. "P5 28 28 255\n"u8, .. new byte[28 * 28]];
        foreach (int number in Enumerable.Range(0, 60))
        {
            string folder = Directory.CreateDirectory(Path.Combine(pictures, $"class{number % 2}")).FullName;
            image[^1] = image[^99] = (byte)number;
            File.WriteAllBytes(Path.Combine(folder, $"{number}.pgm"), image);
        }

        string[] settings = ["--data", pictures, "--batch", "12", "--micro-batch", "3", "--cache-limit", "0"];
        ProgramRun local = _directory.Train([.. settings, "--name", "here", "--workers", "1"]);
        Assert.True(local.WaitForExit() == 0, local.Transcript);
        ProgramRun run = Listen(_directory, [.. settings, "--workers", "0"]);
        ProgramRun joined = Join(Address);
        Assert.True(run.WaitForExit() == 0, run.Transcript);
        Assert.True(joined.WaitForExit() == 0, joined.Transcript);
        RunOutcome expected = RunOutcome.Read(Path.Combine(_directory.Path, "runs", "here", "result.json"));
        Assert.Equal(expected.Weights, _directory.Outcome.Weights);
        Assert.Contains("Fetching", joined.Output);
    }

    [Fact]
    public void ATransferThatIsCutGoesOnWhereItWas()
    {
        ProgramRun run = Listen(_directory, "--workers", "0");
        using CuttingProxy proxy = new(_port, SomeBytes, cuts: true);
        ProgramRun joined = Join(proxy.Address);
        Finish(run, _directory, joined);
        Assert.True(proxy.IsDone);
        Assert.Contains("from the coordinator: 0 of 9 MB", joined.Output);
        Assert.Contains("from the coordinator: 3 of 9 MB", joined.Output);
    }

    [LinuxFact]
    public void WhatAKilledWorkerLeftIsNotFetchedAgain()
    {
        ProgramRun run = Listen(_directory, "--workers", "0");
        using CuttingProxy proxy = new(_port, SomeBytes, cuts: false);
        ProgramRun killed = Join(proxy.Address);
        WaitForPart(proxy, killed);
        killed.Signal(SystemCalls.Kill);
        killed.WaitForExit();
        ProgramRun joined = Join(Address);
        Finish(run, _directory, joined);
        Assert.DoesNotContain(": 0 of 9 MB", joined.Output);
        Assert.Contains("from the coordinator: 3 of 9 MB", joined.Output);
        Assert.Single(Kept);
    }

    [LinuxFact]
    public void ACoordinatorThatIsKilledIsFoundAgainAndSendsTheRest()
    {
        ProgramRun killed = Listen(_directory, "--workers", "0");
        using CuttingProxy proxy = new(_port, SomeBytes, cuts: false);
        ProgramRun joined = Join(proxy.Address, "--rejoin", "5m");
        WaitForPart(proxy, joined);
        killed.Signal(SystemCalls.Kill);
        killed.WaitForExit();
        proxy.Release();
        Wait.Until(
            () => joined.Error.Contains("Looking for it again, for 300 s.", StringComparison.Ordinal), joined,
            "the coordinator missed");
        Finish(Listen(_directory, "--workers", "0"), _directory, joined);
        Assert.Contains("from the coordinator: 3 of 9 MB", joined.Output);
    }

    [LinuxFact]
    public void AWorkerThatFindsItsCoordinatorAgainHasItsDataStill()
    {
        string data = IdxData.Write(Path.Combine(_directory.Path, "data"));
        ProgramRun run = Listen(_directory, [.. IdxData.Arguments(data), "--workers", "0", "--epochs", "40"]);
        using CuttingProxy proxy = new(_port, SomeBytes, cuts: false);
        ProgramRun joined = Start(proxy.Address, [("DISTRIBUTED_SHARED_MEMORY", "0")], "--threads", "1");
        Wait.Until(() => proxy.IsDone, joined, "the link standing still");
        Directory.Delete(data, recursive: true);
        proxy.Release();
        Assert.True(run.WaitForExit() == 0, run.Transcript);
        Assert.True(joined.WaitForExit() == 0, joined.Transcript);
        Assert.Contains("Looking for it again", joined.Error);
    }

    [Fact]
    public void AWorkerWithoutTheDataIsToldWhatToDo()
    {
        ProgramRun run = Listen(
            _directory, [.. IdxData.Arguments(IdxData.Write(Path.Combine(_directory.Path, "data"))), "--workers", "0"]);
        Refused(Start(Address, "--data-dir", Nowhere), "--data-from coordinator");
        string other = IdxData.Write(Path.Combine(_directory.Path, "other"), seed: 9);
        Refused(Start(Address, "--data-dir", other), "--data-from coordinator");
        Refused(Start(Address, "--data-from", "elsewhere"), "--data-from: expected local or coordinator");
        Refused(
            Start(Address, [("DISTRIBUTED_CACHE_LIMIT", "100")], "--data-from", "coordinator"),
            "DISTRIBUTED_CACHE_LIMIT");
        ProgramRun joined = Join(Address);
        Assert.True(run.WaitForExit() == 0, run.Transcript);
        Assert.True(joined.WaitForExit() == 0, joined.Transcript);
    }

    [SmallDiskFact]
    public void ADiskThatIsFullIsOneSentence()
    {
        Directory.CreateDirectory(Cache);
        Assert.True(SystemCalls.MountMemory(Cache, "2m"));
        try
        {
            ProgramRun run = Listen(_directory, "--workers", "0");
            Refused(Start(Address, "--data-from", "coordinator"), "the disk is full; digits needs 9 MB here");
            Assert.True(SystemCalls.ResizeMemory(Cache, "32m"));
            Finish(run, _directory, Join(Address));
        }
        finally
        {
            SystemCalls.UnmountMemory(Cache);
        }
    }

    /// <summary>Waits until the transfer stands still, and what came through is in the cache.</summary>
    private void WaitForPart(CuttingProxy proxy, ProgramRun worker)
    {
        string folder = Path.Combine(Cache, "distributed", "decoded");
        Wait.Until(
            () => proxy.IsDone && Directory.GetFiles(folder, "*.decoded.temporary") is [var file]
                && new FileInfo(file).Length > SomeBytes - (1 << 19),
            worker, "a part received");
    }

    /// <summary>Starts a coordinator, and waits until others may join.</summary>
    private ProgramRun Listen(RunDirectory directory, params string[] settings)
    {
        ProgramRun run = directory.Start(
            Programs.Coordinator, RunDirectory.Command([.. settings, "--listen", Address]),
            ("DISTRIBUTED_TOKEN", Token));
        run.WaitForOutput("Other workers join with");
        return run;
    }

    /// <summary>Starts a worker that has nothing but the program and a cache.</summary>
    private ProgramRun Join(string address, params string[] arguments) =>
        Start(address, ["--threads", "1", "--data-from", "coordinator", .. arguments]);

    private ProgramRun Start(string address, params string[] arguments) => Start(address, [], arguments);

    private ProgramRun Start(string address, (string, string)[] environment, params string[] arguments) =>
        _directory.Start(
            Programs.Worker, ["--join", address, .. arguments],
            [("DISTRIBUTED_TOKEN", Token), ("XDG_CACHE_HOME", Cache), .. environment]);

    private void Finish(ProgramRun run, RunDirectory directory, params ProgramRun[] joined)
    {
        Assert.True(run.WaitForExit() == 0, run.Transcript);
        reference.RequireSame(directory);
        foreach (ProgramRun worker in joined) Assert.True(worker.WaitForExit() == 0, worker.Transcript);
    }

    private static void Refused(ProgramRun worker, string reason)
    {
        Assert.True(worker.WaitForExit() == 2, worker.Transcript);
        string line = Assert.Single(worker.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("error: ", line);
        Assert.Contains(reason, line);
    }
}
