using Xunit;
using Xunit.Abstractions;

namespace Distributed.Simulation;

public sealed class ClusterSimulationTests(ITestOutputHelper output)
{
    private const int Seeds = 2000;

    private static readonly string[] MustHappen =
    [
        "Active", "Silent", "Overdue", "Leaving", "Gone", "worker dropped", "node dropped", "step cancelled",
        "Best published", "Average published", "Current published", "StragglerHelped",
        "gradient delayed", "gradient duplicated", "gradient replayed", "message lost", "partition",
        "one-way partition", "clock jumped", "checkpoint written", "checkpoint lost", "checkpoint damaged",
        "stale checkpoint", "killed while saving", "writes lost", "disk full at the start", "disk hangs",
        "coordinator lost", "restarted", "failed over", "Stopped", "Completed", "UserError",
    ];

    /// <summary>
    /// Any run with faults ends with the bits of the run without, and breaks no invariant on the way. Other numbers of
    /// seeds, and one with its full trace: <c>dotnet run -c Release --project Tests/Simulation -- --help</c>.
    /// </summary>
    [Fact]
    public void Faults_change_no_bit_and_every_run_finishes()
    {
        List<string> failures = [];
        SortedDictionary<string, int> witnessed = new(StringComparer.Ordinal);
        Parallel.For(1, Seeds + 1, (seed, state) =>
        {
            if (SeedRun.Failure(seed, witnessed) is not { } failure) return;
            lock (failures) failures.Add(SeedRun.Replay(seed, failure));
            if (failures.Count >= 10) state.Stop();
        });

        foreach ((string what, int times) in witnessed) output.WriteLine($"{what}: {times}");
        Assert.True(failures.Count == 0, string.Join(Environment.NewLine, failures));
        // One whose micro-batch takes longer than everybody else's whole step can be: it never answers in time.
        int dropped = witnessed.GetValueOrDefault("worker dropped");
        Assert.True(50 * witnessed.GetValueOrDefault("worker dropped though well") <= dropped);
        // Otherwise the simulation no longer reaches what it is for.
        foreach (string what in MustHappen)
            Assert.True(witnessed.GetValueOrDefault(what) > 0, $"never happened: {what}");
    }

    /// <summary>The same seed is the same simulation, so a failure can be replayed.</summary>
    [Theory]
    [InlineData(17)]
    [InlineData(1715)]
    public void A_seed_replays(int seed)
    {
        List<string> first = Trace(seed), second = Trace(seed);
        Assert.NotEmpty(first);
        Assert.Equal(first, second);
    }

    private static List<string> Trace(int seed)
    {
        List<string> lines = [];
        using ClusterSimulation simulation = new(seed, lines.Add);
        simulation.Run();
        return lines;
    }
}
