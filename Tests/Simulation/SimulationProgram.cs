using System.CommandLine;
using System.Diagnostics;
using System.Globalization;

namespace Distributed.Simulation;

/// <summary>Runs any number of seeds, or one with its full trace.</summary>
internal static class SimulationProgram
{
    private static readonly Option<int?> Seed = new("--seed") { Description = "Runs this one and prints its trace." };

    private static readonly Option<int> Seeds = new("--seeds")
    {
        Description = "Runs so many.",
        DefaultValueFactory = _ => 2000,
    };

    private static readonly Option<int> First = new("--first")
    {
        Description = "The first of them.",
        DefaultValueFactory = _ => 1,
    };

    private static readonly Option<string?> MutantName = new("--mutant")
    {
        Description = "Runs the seeds over a product with this mistake in it, up to the first that finds it.",
    };

    public static int Main(string[] arguments)
    {
        RootCommand command = new("Runs whole clusters in virtual time, with faults drawn from a seed.")
        {
            Seed, Seeds, First, MutantName,
        };
        command.SetAction(parsed =>
        {
            (int first, int count) = (parsed.GetValue(First), parsed.GetValue(Seeds));
            if (parsed.GetValue(Seed) is { } seed) return Trace(seed, Console.Out);
            return parsed.GetValue(MutantName) is { } name
                ? Find(name, first, count, Console.Out)
                : Run(first, count, Console.Out);
        });
        return command.Parse(arguments).Invoke();
    }

    private static int Trace(int seed, TextWriter output)
    {
        using ClusterSimulation simulation = new(seed, output.WriteLine);
        try
        {
            simulation.Run();
            output.WriteLine($"seed {seed}: complete after {simulation.Took} of virtual time");
            return 0;
        }
        catch (SimulationFailure failure)
        {
            output.WriteLine(SeedRun.Replay(seed, failure.Message));
            return 1;
        }
    }

    private static int Find(string name, int first, int count, TextWriter output)
    {
        if (Mutant.All.FirstOrDefault(mutant => mutant.Name == name) is not { } known)
        {
            output.WriteLine($"There is no mistake \"{name}\"; there are:");
            foreach (Mutant mutant in Mutant.All) output.WriteLine($"  {mutant.Name}");
            return 2;
        }

        Func<int, string?> failure = MutantBuild.Of(known);
        for (int seed = first; seed < first + count; seed++)
        {
            if (failure(seed) is not { } found) continue;
            output.WriteLine($"seed {seed}: {found}");
            return 0;
        }

        output.WriteLine($"{count:N0} seeds ran well.");
        return 1;
    }

    private static int Run(int first, int count, TextWriter output)
    {
        long began = Stopwatch.GetTimestamp();
        SortedDictionary<string, int> witnessed = new(StringComparer.Ordinal);
        int failed = 0;
        Parallel.For(first, first + count, seed =>
        {
            if (SeedRun.Failure(seed, witnessed) is not { } failure) return;
            Interlocked.Increment(ref failed);
            lock (output) output.WriteLine(SeedRun.Replay(seed, failure));
        });
        foreach ((string what, int times) in witnessed)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{times,12:N0}  {what}"));
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{count:N0} seeds, {failed} failed, {Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s"));
        return failed == 0 ? 0 : 1;
    }
}
