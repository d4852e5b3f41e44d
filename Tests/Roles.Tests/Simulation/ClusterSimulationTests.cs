using Xunit;
using Xunit.Abstractions;

namespace Distributed.Roles.Tests.Simulation;

public sealed class ClusterSimulationTests(ITestOutputHelper output)
{
    private const int Seeds = 300;

    private static readonly string[] MustHappen =
    [
        "Active", "Silent", "Overdue", "Leaving", "Gone", "worker dropped", "node dropped", "step cancelled",
        "Best published", "Average published", "Current published", "checkpoint written",
        "checkpoint lost", "coordinator lost", "Stopped", "Completed", "UserError",
    ];

    /// <summary>
    /// Any run with faults ends with the bits of the run without, and breaks no invariant on the way. SIMULATION_SEED=N
    /// runs one seed and writes its full trace to a file; SIMULATION_SEEDS=N runs so many.
    /// </summary>
    [Fact]
    public void Faults_change_no_bit_and_every_run_finishes()
    {
        if (int.TryParse(Environment.GetEnvironmentVariable("SIMULATION_SEED"), out int only))
        {
            string path = Path.Combine(Path.GetTempPath(), $"simulation-{only}.txt");
            output.WriteLine($"trace: {path}");
            using StreamWriter trace = new(path);
            new ClusterSimulation(only, trace.WriteLine).Run();
            return;
        }

        int seeds = int.TryParse(Environment.GetEnvironmentVariable("SIMULATION_SEEDS"), out int asked) ? asked : Seeds;
        List<string> failures = [];
        SortedDictionary<string, int> witnessed = new(StringComparer.Ordinal);
        for (int seed = 1; seed <= seeds && failures.Count < 10; seed++)
        {
            try
            {
                ClusterSimulation simulation = new(seed);
                simulation.Run();
                foreach ((string what, int times) in simulation.Witnessed)
                    witnessed[what] = witnessed.GetValueOrDefault(what) + times;
            }
            catch (Exception e) when (e is SimulationFailure or InvalidOperationException or ArgumentException)
            {
                failures.Add($"SIMULATION_SEED={seed}: {e.Message}");
            }
        }

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
    [Fact]
    public void A_seed_replays()
    {
        List<string> first = [], second = [];
        new ClusterSimulation(17, first.Add).Run();
        new ClusterSimulation(17, second.Add).Run();
        Assert.NotEmpty(first);
        Assert.Equal(first, second);
    }
}
