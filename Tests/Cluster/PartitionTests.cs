using Distributed.Runtime;
using Xunit;

namespace Distributed.Cluster;

/// <summary>Networks that are cut in two, between hosts that are network namespaces.</summary>
[Collection(ReferenceCollection.Name)]
public sealed class PartitionTests(ReferenceRun reference) : IDisposable
{
    /// <summary>Namespaces are one host to shared memory, and tensors are to take the network.</summary>
    private static readonly (string, string)[] Environment =
        [("DISTRIBUTED_TOKEN", "a token of this test alone"), ("DISTRIBUTED_SHARED_MEMORY", "0")];

    private NamespaceNetwork? _network;
    private RunDirectory? _directory;

    public static TheoryData<string> Engines =>
#if AKKA_ENGINE
        ["local", "akka"];
#else
        ["local"];
#endif

    public void Dispose()
    {
        _directory?.Dispose();
        _network?.Dispose();
    }

    [NamespaceTheory]
    [MemberData(nameof(Engines))]
    public void AWorkerThatIsCutOffIsDoneWithout(string engine)
    {
        Begin(hosts: 3, engine);
        ProgramRun run = Coordinate(1);
        run.WaitForOutput("Other workers join with");
        ProgramRun stays = Join(2);
        ProgramRun cut = Join(3);
        run.WaitForOutput($"-{cut.Id} takes part");
        _network!.Cut(3);
        Assert.True(run.WaitForExit() == 0, run.Transcript);
        reference.RequireSame(_directory!);
        Assert.True(stays.WaitForExit() == 0, stays.Transcript);
        Assert.False(cut.HasExited, cut.Transcript);
    }

    [NamespaceTheory]
    [MemberData(nameof(Engines))]
    public void AWorkerThatIsCutOffForMomentsComesBack(string engine)
    {
        Begin(hosts: 3, engine);
        ProgramRun run = Coordinate(1, "--min-workers", "2");
        run.WaitForOutput("Other workers join with");
        ProgramRun[] workers = [Join(2), Join(3)];
        _directory!.WaitForStep(20, run);
        _network!.Cut(2);
        run.WaitForOutput("is silent");
        _network.Heal(2);
        Assert.True(run.WaitForExit() == 0, run.Transcript);
        reference.RequireSame(_directory);
        foreach (ProgramRun worker in workers) Assert.True(worker.WaitForExit() == 0, worker.Transcript);
    }

    [NetemTheory]
    [MemberData(nameof(Engines))]
    public void PacketsThatAreLateAndLost(string engine) => TrainOverBadLinks(
        engine, "netem", "delay", "10ms", "5ms", "loss", "1%");

    /// <summary>A gradient takes some forty milliseconds.</summary>
    [TrafficControlTheory]
    [MemberData(nameof(Engines))]
    public void PacketsThatWaitForASlowLink(string engine) => TrainOverBadLinks(
        engine, "tbf", "rate", "50mbit", "burst", "16kb", "latency", "50ms");

    private void TrainOverBadLinks(string engine, params string[] discipline)
    {
        Begin(hosts: 3, engine);
        ProgramRun run = Coordinate(1, "--min-workers", "2");
        run.WaitForOutput("Other workers join with");
        _network!.Shape(2, discipline);
        ProgramRun[] workers = [Join(2), Join(3)];
        _directory!.WaitForStep(20, run);
        _network.Cut(3);
        run.WaitForOutput("is silent");
        _network.Heal(3);
        Assert.True(run.WaitForExit() == 0, run.Transcript);
        reference.RequireSame(_directory);
        foreach (ProgramRun worker in workers) Assert.True(worker.WaitForExit() == 0, worker.Transcript);
        Assert.True(_network.Unshape(2) > 0, "No packet was lost or had to wait.");
    }

#if AKKA_ENGINE
    [NamespaceFact]
    public void ACoordinatorThatIsCutOffStopsItselfAndAnotherGoesOn()
    {
        Begin(hosts: 5, "akka");
        string seeds = string.Join(',', Enumerable.Range(1, 3).Select(At));
        ProgramRun[] coordinators =
        [
            Coordinate(1, "--min-workers", "2", "--seed-nodes", seeds),
            Coordinate(2, "--min-workers", "2", "--seed-nodes", seeds, "--stand-by"),
            Coordinate(3, "--min-workers", "2", "--seed-nodes", seeds, "--stand-by"),
        ];
        coordinators[0].WaitForOutput("Coordinating at");
        ProgramRun[] workers = [Join(4, seeds), Join(5, seeds)];
        _directory!.WaitForStep(20, coordinators[0]);
        _network!.Cut(1);
        Assert.True(coordinators[0].WaitForExit() == 3, coordinators[0].Transcript);
        Assert.Contains("stands by again", coordinators[0].Output);
        foreach (ProgramRun other in coordinators[1..]) Assert.True(other.WaitForExit() == 0, other.Transcript);
        reference.RequireSame(_directory);
        foreach (ProgramRun worker in workers) Assert.True(worker.WaitForExit() == 0, worker.Transcript);
    }
#endif

    private static string At(int host) => $"{NamespaceNetwork.Address(host)}:5000";

    private void Begin(int hosts, string engine)
    {
        _network = new NamespaceNetwork(hosts);
        _directory = new RunDirectory(engine);
    }

    private ProgramRun Coordinate(int host, params string[] settings) => _directory!.Start(
        "ip",
        [
            .. _network!.On(host, Programs.Coordinator),
            .. _directory.TrainCommand(
                ["--workers", "0", "--checkpoint-every", "10", "--listen", At(host), .. Insecure, .. settings]),
        ],
        Environment);

    private ProgramRun Join(int host, string? coordinators = null) => _directory!.Start(
        "ip",
        [
            .. _network!.On(host, Programs.Worker),
            .. _directory.JoinCommand(coordinators ?? At(1), ["--rejoin", "5m", .. Insecure]),
        ],
        Environment);

    // Nobody else is on this network.
    private static string[] Insecure => ["--insecure", LinkSecurity.InsecureWords];
}
