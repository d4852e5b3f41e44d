using System.Text.RegularExpressions;
using Distributed.Cluster.Native;
using Xunit;

namespace Distributed.Cluster;

/// <summary>The product's own proof: everything breaks and the weights are the same.</summary>
public sealed class ChaosTests : IDisposable
{
    private readonly RunDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [LinuxFact]
    public void AShortRunSurvivesEveryKindOfFault()
    {
        ProgramRun run = Start("--faults", "8", "--epochs", "6", "--seed", "3");
        Assert.True(run.WaitForExit() == 0, run.Transcript);
        Assert.Contains("the weights are equal, bit by bit", run.Output);
        Assert.Contains("coordinator killed and checkpoint corrupted 1", run.Output);
        Assert.Contains("processes left   0\n", run.Output);
        foreach (string name in (string[])["chaos-undisturbed", "chaos-disturbed"])
        {
            ProgramRun verified = _directory.Start(
                Programs.Coordinator, ["verify", Path.Combine("runs", name)]);
            Assert.True(verified.WaitForExit() == 0, verified.Transcript);
        }
    }

    [LinuxFact]
    public void ARunOfSomeMinutesIsPacedByTimeAndItsProcessesAreWatched()
    {
        ProgramRun run = Start("--minutes", "0.15", "--faults", "7", "--name", "soak");
        Assert.True(run.WaitForExit() == 0, run.Transcript);
        Assert.Contains("the weights are equal, bit by bit", run.Output);
        string runs = Path.Combine(_directory.Path, "runs");
        Assert.Equal(
            ["soak-disturbed", "soak-processes.csv", "soak-undisturbed"],
            Directory.EnumerateFileSystemEntries(runs).Select(Path.GetFileName).Order());
        string[][] seen = [.. File.ReadLines(Path.Combine(runs, "soak-processes.csv"))
            .Skip(1).Select(line => line.Split(','))];
        Assert.Equal(["Coordinator", "JoinedWorker", "LocalWorker"], seen.Select(each => each[1]).Distinct().Order());
        Assert.All(seen.SelectMany(each => each[4..]), figure => Assert.True(long.Parse(figure) > 0));
    }

    [LinuxFact]
    public void ACoordinatorAndItsWorkersEndWithAChaosRunThatIsKilled()
    {
        // So many epochs that the coordinator would train far beyond the deadline.
        ProgramRun chaos = Start("--epochs", "100000");
        string metrics = Path.Combine(_directory.Path, "runs", "chaos-undisturbed", "metrics.jsonl");
        Wait.Until(() => new FileInfo(metrics) is { Exists: true, Length: > 0 }, chaos, "steps made");
        IReadOnlyList<int> processes = Descendants(chaos);
        Assert.Equal(3, processes.Count);
        SystemCalls.Signal(processes[^1], SystemCalls.Stop); // one that can't look at its standard input
        KillAndRequireNoneLeft(chaos, processes);
    }

    [LinuxFact]
    public void AWorkerThatJoinedEndsWithAChaosRunThatIsKilled()
    {
        ProgramRun chaos = Start("--faults", "3", "--epochs", "25");
        string status = Path.Combine(_directory.Path, "runs", "chaos-disturbed", "status.json");
        Wait.Until(
            () => File.Exists(status) && Regex.Count(File.ReadAllText(status), "\"active\"") == 3,
            chaos, "a worker joined");
        IReadOnlyList<int> processes = Descendants(chaos);
        int coordinator = processes.Single(id => LocalProcesses.Arguments(id).Contains("train"));
        Assert.Contains(chaos.Workers(), id => LocalProcesses.Arguments(id).Contains("--join"));

        // Without a coordinator it would look for one for ten minutes.
        chaos.Signal(SystemCalls.Kill);
        SystemCalls.TrySignal(coordinator, SystemCalls.Kill);
        KillAndRequireNoneLeft(chaos, processes);
    }

    private ProgramRun Start(params string[] options) => _directory.Start(Programs.Coordinator, ["chaos", .. options]);

    /// <summary>What a program started, and what they started, in that order.</summary>
    private static IReadOnlyList<int> Descendants(ProgramRun program)
    {
        IReadOnlyList<int> children = program.Workers();
        return [.. children, .. children.SelectMany(LocalProcesses.ChildrenOf)];
    }

    private static void KillAndRequireNoneLeft(ProgramRun chaos, IReadOnlyList<int> processes)
    {
        try
        {
            chaos.TrySignal(SystemCalls.Kill);
            chaos.WaitForExit(processes);
        }
        finally
        {
            foreach (int process in processes.Where(LocalProcesses.IsAlive))
                SystemCalls.TrySignal(process, SystemCalls.Kill);
        }
    }
}
