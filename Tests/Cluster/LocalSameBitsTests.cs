using Xunit;

namespace Distributed.Cluster;

/// <summary>Promise one on the local engine.</summary>
[Collection(ReferenceCollection.Name)]
public sealed class LocalSameBitsTests(ReferenceRun reference) : SameBitsTests(reference, "local")
{
    [Fact]
    public void AWorkerThatJoinsOverTls()
    {
        const string Token = "a token of this test alone";
        int port = FreePort.Find();
        ProgramRun made = Folder.Start(Programs.Coordinator, ["certificates", "new", "here,localhost,127.0.0.1"]);
        Assert.True(made.WaitForExit() == 0, made.Transcript);
        ProgramRun run = Folder.Train(
            [
                "--workers", "1", "--listen", $"127.0.0.1:{port}", "--min-workers", "2", "--certificates",
                "certificates",
            ],
            ("DISTRIBUTED_TOKEN", Token));
        run.WaitForOutput("--certificates FOLDER");
        ProgramRun plain = Folder.Start(
            Programs.Worker, ["--join", $"localhost:{port}"], ("DISTRIBUTED_TOKEN", Token));
        Assert.Equal(2, plain.WaitForExit());
        Assert.Contains("if it wants TLS, give --certificates FOLDER", plain.Error);

        // Without shared memory, so that tensors are encrypted too.
        ProgramRun joined = Folder.Start(
            Programs.Worker,
            [
                "--join", $"localhost:{port}", "--threads", "1", "--certificates", "certificates",
                "--token-file", Path.Combine(Folder.RunPath, "token"),
            ],
            ("DISTRIBUTED_SHARED_MEMORY", "0"));
        Finish(run);
        Assert.Equal(2, Folder.Outcome.MicroBatchesByWorker.Count(worker => worker.Value > 0));
        Assert.True(joined.WaitForExit() == 0, joined.Transcript);
    }
}
